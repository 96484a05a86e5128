"""The secret keys of an application that changes them: which one signs, and what is asked again."""

import asyncio
from base64 import b64decode

import pytest

from gateway.duo.observer import CallObserver
from gateway.duo.signing_keys import QUIET_S, SigningKeys
from gateway.duoapi.calls import Auth, AuthAnswer, Call, Factor, Preauth, PreauthAnswer
from gateway.duoapi.signing import Signer
from gateway.unavailable import Trouble, Unavailable
from tests.duo.scripted import ALLOW, IKEY, SKEY, Clocks, ask, client_behind, fail, path_of
from tests.https.authority import Authority
from tests.https.peer import Visit, in_loop

NEXT = b"feedface" * 5
REFUSED = fail(40103, "Invalid signature in request credentials", "401 Unauthorized")


class TestPure:
    """`SigningKeys` alone."""

    def keys(self) -> tuple[SigningKeys, Signer, Signer]:
        present, following = Signer(IKEY, SKEY, "h"), Signer(IKEY, NEXT, "h")
        return SigningKeys(present, following), present, following

    def test_the_first_refusal_changes_the_key(self):
        keys, present, following = self.keys()
        assert keys.signer is present
        assert keys.refused(1.0, False, 2.0)
        assert keys.signer is following
        assert keys.is_next

    def test_what_was_signed_before_is_asked_again_without_another_change(self):
        keys, _, following = self.keys()
        assert keys.refused(1.0, False, 2.0)
        assert keys.refused(1.5, False, 2.5)
        assert keys.signer is following

    def test_the_other_one_is_tried_again_when_this_one_fails(self):
        keys, present, _ = self.keys()
        assert keys.refused(1.0, False, 2.0)
        assert keys.refused(3.0, False, 4.0)
        assert keys.signer is present
        assert not keys.is_next

    def test_no_call_is_asked_a_third_time_and_then_none_a_second_time_for_a_while(self):
        keys, _, _ = self.keys()
        assert keys.refused(1.0, False, 2.0)
        assert not keys.refused(2.1, True, 3.0)
        assert not keys.refused(3.0, False, 3.0 + QUIET_S / 2)
        assert keys.refused(4.0, False, 3.0 + QUIET_S)

    def test_one_alone_has_no_other_to_try(self):
        signer = Signer(IKEY, SKEY, "h")
        keys = SigningKeys(signer)
        assert not keys.are_two
        assert not keys.refused(1.0, False, 2.0)
        assert keys.signer is signer

    def test_what_duo_takes_is_news_once(self):
        keys, _, _ = self.keys()
        assert not keys.taken()
        keys.refused(1.0, False, 2.0)
        assert keys.taken()
        assert not keys.taken()


class ChangingDuo:
    """A Duo that takes one key."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.paths: list[str] = []
        self.n_done = 0

    async def __call__(self, visit: Visit) -> None:
        while True:
            request = await visit.request()
            self.paths.append(path_of(request))
            if signed_with(request, self.key):
                self.n_done += 1
                visit.send(ALLOW)
            else:
                visit.send(REFUSED)


def signed_with(request: str, key: bytes) -> bool:
    head, _, body = request.partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    method = head.split(" ", 1)[0]
    made = Signer(IKEY, key, "127.0.0.1").authorization(headers[DATE], method, path_of(request), body.encode())
    return b64decode(headers["Authorization"].split()[1]) == b64decode(made.split()[1])


DATE = "Date"


class Seen(CallObserver):
    """Remembers how calls ended."""

    def __init__(self) -> None:
        self.ends: list[str] = []

    def asked(self, call: Call, token: object, now: float) -> None:
        pass

    def answered(self, call: Call, token: object, seconds: float, now: float) -> None:
        self.ends.append("answered")

    def failed(self, call: Call, token: object, trouble: Trouble, detail: str, seconds: float, now: float) -> None:
        self.ends.append(trouble.value)

    def postponed(self, call: Call, token: object, now: float) -> None:
        pass

    def forgotten(self, token: object) -> None:
        self.ends.append("forgotten")


PUSH = Auth("jdoe", Factor.PUSH)


@in_loop
async def test_a_push_that_is_refused_for_its_key_is_sent_once_with_the_other(
    authority: Authority, server_file: str
) -> None:
    duo, seen, told = ChangingDuo(NEXT), Seen(), list[bool]()
    settings = {"next_secret_key": NEXT, "observer": seen, "on_key_changed": told.append}
    async with client_behind(duo, authority, server_file, **settings) as (_, client):
        assert isinstance(await ask(client, PUSH), AuthAnswer)
        assert (len(duo.paths), duo.n_done, seen.ends, told) == (2, 1, ["answered"], [True])
        assert client.signs_with_next_key
        await ask(client, PUSH)
        assert (len(duo.paths), told) == (3, [True])


@in_loop
async def test_calls_under_way_are_healed_together_and_the_change_is_told_once(
    authority: Authority, server_file: str
) -> None:
    duo, seen, told = ChangingDuo(NEXT), Seen(), list[bool]()
    settings = {"next_secret_key": NEXT, "observer": seen, "on_key_changed": told.append}
    async with client_behind(duo, authority, server_file, **settings) as (_, client):
        results = await asyncio.gather(*(ask(client, Preauth(f"user{n}")) for n in range(8)))
        assert all(isinstance(result, PreauthAnswer) for result in results)
        assert (seen.ends, told, len(duo.paths)) == (["answered"] * 8, [True], 16)


@in_loop
async def test_the_first_one_comes_back_into_use_where_duo_takes_it_again(
    authority: Authority, server_file: str
) -> None:
    duo, told, clocks = ChangingDuo(NEXT), list[bool](), Clocks()
    settings = {"next_secret_key": NEXT, "on_key_changed": told.append, "clocks": clocks}
    async with client_behind(duo, authority, server_file, **settings) as (_, client):
        await ask(client, PUSH)
        clocks.boot += 1.0
        duo.key = SKEY
        assert isinstance(await ask(client, PUSH), AuthAnswer)
        assert (told, len(duo.paths)) == ([True, False], 4)
        assert not client.signs_with_next_key


@in_loop
async def test_where_duo_takes_neither_a_change_is_looked_for_once_a_second(
    authority: Authority, server_file: str
) -> None:
    duo, told, clocks = ChangingDuo(b"another"), list[bool](), Clocks()
    settings = {"next_secret_key": NEXT, "on_key_changed": told.append, "clocks": clocks}
    async with client_behind(duo, authority, server_file, **settings) as (_, client):
        for _ in range(5):
            result = await ask(client, PUSH)
            assert isinstance(result, Unavailable)
            assert result.trouble is Trouble.CONFIGURATION
            assert "skey_next" in result.detail
        assert (len(duo.paths), told) == (6, [])
        clocks.boot += QUIET_S
        duo.key = NEXT
        assert isinstance(await ask(client, PUSH), AuthAnswer)


@in_loop
@pytest.mark.parametrize("key", [SKEY, NEXT])
async def test_one_key_alone_is_asked_once(authority: Authority, server_file: str, key: bytes) -> None:
    duo = ChangingDuo(key)
    async with client_behind(duo, authority, server_file) as (_, client):
        result = await ask(client, PUSH)
        assert isinstance(result, AuthAnswer) is (key is SKEY)
        assert len(duo.paths) == 1
