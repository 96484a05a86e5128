from gateway.config.drafting import Draft, SecretSource, draft_text
from tests.config.files import IKEY, SHARED_SECRET, SKEY, parse


def test_a_draft_has_no_problems_and_says_what_it_was_told():
    draft = Draft(
        IKEY,
        SecretSource(SKEY),
        "api-12345678.duosecurity.com",
        (("10.0.0.1", SecretSource(SHARED_SECRET)), ("10.1.0.0/16", SecretSource(path="/secret"))),
        "secure",
        1813,
    )
    settings, problems = parse(draft_text(draft), {"/secret": b"another one, from a file\n"})
    assert not problems
    (server,) = settings.servers
    assert (server.application.ikey, server.application.secret_key.octets) == (IKEY, SKEY.encode())
    assert [client.shared_secret.octets for client in server.clients] == [
        SHARED_SECRET.encode(),
        b"another one, from a file",
    ]
    assert (server.fail_mode.value, server.port) == ("secure", 1813)
    assert SKEY not in repr(draft)
