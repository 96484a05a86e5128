"""No piece of the hot path becomes more work without somebody saying so; counted, never timed."""

import sys

import pytest

from gateway.duoapi.calls import PreauthAnswer
from gateway.engine.duplicates import SentReply
from gateway.engine.effects import SendReply
from gateway.engine.first_factor import Accepted
from gateway.http1.response import Response
from gateway.radius import packet
from gateway.radius.dictionary import Code
from tests.compiled import only_interpreted
from tests.micro import __main__ as command
from tests.micro import baseline
from tests.micro.baseline import changes
from tests.micro.cases import CASES
from tests.micro.counting import Work, count_work

pytestmark = only_interpreted

REMEDY = "`python -m tests.micro` shows its time too; if the change is meant, add `--update` and say in the commit why"


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_as_much_work_as_its_baseline_says(name: str) -> None:
    entry = baseline.load().get(baseline.VERSION, {}).get(name)
    if entry is None:
        pytest.skip(
            f"{name} has no baseline for CPython {baseline.VERSION}: `python -m tests.micro --update` makes one"
        )
    changed = changes(entry.work, count_work(CASES[name]()))
    assert not changed, f"{name}: {', '.join(changed)}; {REMEDY}"


def test_every_case_has_a_baseline_for_some_version_and_no_other_has() -> None:
    assert {name for entries in baseline.load().values() for name in entries} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_the_same_work_every_time(name: str) -> None:
    run = CASES[name]()
    assert count_work(run) == count_work(run)


def test_cases_do_what_they_are_called() -> None:
    """A case that goes wrong early would look like a quick one."""
    results = {name: prepare()() for name, prepare in CASES.items()}
    assert results["verify_message_authenticator"] is True
    assert results["reveal_user_password"] == b"123456"
    assert results["duplicate_miss"] is None
    assert isinstance(results["duplicate_hit"], SentReply)
    assert isinstance(results["read_response"], Response)
    assert isinstance(results["read_preauth"], PreauthAnswer)
    for name in ("passcode_login", "push_login", "shared_login", "retransmission"):
        effects = results[name]
        assert isinstance(effects, list)
        assert [effect.octets[0] for effect in effects if isinstance(effect, SendReply)] == [Code.ACCESS_ACCEPT], name
    assert results["unknown_client"] == []
    for name in ("ask_directory", "ask_directory_by_ntlm"):
        effects = results[name]
        assert isinstance(effects, list)
        assert [effect.result for effect in effects] == [Accepted(b"", "dc1.example.test:636", None)], name


def test_a_function_that_became_slower_is_caught_in_every_case_that_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: count_work(prepare()) for name, prepare in CASES.items()}
    original = packet.packet_length

    def careless(datagram: bytes) -> int:
        for octet in datagram:
            if not 0 <= octet <= 255:
                raise ValueError
        return original(datagram)

    monkeypatch.setattr(packet, "packet_length", careless)
    monkeypatch.setattr("gateway.engine.intake.packet_length", careless)
    caught = {name for name, prepare in CASES.items() if changes(before[name], count_work(prepare()))}
    whole = {"passcode_login", "push_login", "password_login", "shared_login", "retransmission", "unknown_client"}
    assert caught == whole | {"decode_request", "ask_home"}


def test_one_more_call_into_c_is_caught_where_there_are_few() -> None:
    run = CASES["digest_packet"]()
    before, now = count_work(run), count_work(lambda: (run(), len(b"")))
    assert now.c_calls == before.c_calls + 1
    assert f"c_calls {now.c_calls}, not {before.c_calls}" in changes(before, now)


def test_fifteen_percent_either_way_is_no_change() -> None:
    before = Work(100, 20)
    assert changes(before, Work(115, 23)) == changes(before, Work(85, 17)) == []
    assert changes(before, Work(116, 20)) == ["instructions 116, not 100"]
    assert changes(before, Work(100, 16)) == ["c_calls 16, not 20"]


def test_an_update_drops_what_other_versions_took_for_a_case_that_has_changed() -> None:
    then, now = baseline.Entry(100, 20, 1.0), baseline.Entry(200, 20, 2.0)
    baselines = {"3.11": {"same": then, "changed": then, "gone": then}}
    baselines["3.12"] = baselines["3.11"]
    entries = {"same": then, "changed": now, "new": now}
    assert baseline.updated(baselines, "3.11", entries) == {"3.11": entries, "3.12": {"same": then}}
    assert baseline.updated({"3.11": entries}, "3.12", entries) == {"3.11": entries, "3.12": entries}


def test_no_baseline_is_made_of_compiled_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "IS_COMPILED", True)
    monkeypatch.setattr(command, "measure_times", dict)
    monkeypatch.setattr(baseline, "store", pytest.fail)
    monkeypatch.setattr("sys.argv", ["micro", "--update"])
    with pytest.raises(SystemExit):
        command.main()
    assert "make interpreted" in capsys.readouterr().err


def test_counting_leaves_nothing_behind() -> None:
    before = sys.gettrace(), sys.getprofile()
    with pytest.raises(ZeroDivisionError):
        count_work(lambda: 1 / 0)
    assert (sys.gettrace(), sys.getprofile()) == before
