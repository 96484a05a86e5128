import pytest

from bench.radius_load.plan import (
    AWS,
    KINDS,
    NONE,
    RFC5080,
    LoadPlan,
    Mix,
    Phase,
    Retransmission,
    phases_from_text,
    target_from_text,
)

GIVEN = {"targets": (("127.0.0.1", 1812),), "shared_secret": "xyzzy"}


def test_a_phase_is_rate_times_seconds():
    assert phases_from_text("2000x30 500-4000x0.5") == (Phase(30, 2000, 2000), Phase(0.5, 500, 4000))


@pytest.mark.parametrize("text", ["2000", "x", "2000x", "ax3", "2000x-1", "-5x3", "10x0", "1e999x1", "nanx1"])
def test_what_is_no_phase_is_named(text):
    with pytest.raises(ValueError, match="is no phase; write RATExSECONDS"):
        Phase.from_text(text)


def test_shares_of_a_mix_stand_in_the_order_of_the_kinds():
    mix = Mix.from_text("push=.25 passcode=0.75")
    assert {kind.name: share for kind, share in zip(KINDS, mix.shares, strict=True) if share} == {
        "passcode": 0.75,
        "push": 0.25,
    }


@pytest.mark.parametrize("text", ["passcode=0.5", "passcode=2 push=-1", "", "pass=1", "passcode", "passcode=x"])
def test_what_is_no_mix_is_refused(text):
    with pytest.raises(ValueError):
        Mix.from_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", NONE),
        ("rfc5080", RFC5080),
        ("aws", AWS),
        ("aws tries=2 servers=1", Retransmission(20, 20, tries=2, servers=1, controllers=2)),
        ("first_s=0.5 max_s=4 tries=3", Retransmission(0.5, 4, tries=3)),
    ],
)
def test_retransmission_by_name_and_field(text, expected):
    assert Retransmission.from_text(text) == expected


@pytest.mark.parametrize("text", ["", "often", "tries=0", "first_s=9 max_s=2", "tries=1.5", "none jitter=1", "aws 3"])
def test_what_is_no_retransmission_is_refused(text):
    with pytest.raises(ValueError):
        Retransmission.from_text(text)


def test_a_plan_is_read_from_the_texts_of_an_ini_section():
    texts = {"phases": "100x2", "mix": "push=1", "n_users": "50", "zipf": "1.2", "cores": "0 1", "drain_s": "2.5"}
    plan = LoadPlan.from_texts(texts, **GIVEN)
    assert plan == LoadPlan(
        **GIVEN, phases=(Phase(2, 100, 100),), mix=Mix(push=1), n_users=50, zipf=1.2, cores=(0, 1), drain_s=2.5
    )


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        ({"n_user": "5"}, "unknown field `n_user`"),
        ({"n_users": "many"}, "n_users"),
        ({"n_users": "1000001"}, "six digits"),
        ({"retransmission": "aws"}, "2 servers are asked, 1 targets given"),
        ({"n_nas": "1", "n_processes": "2"}, "each process needs a NAS"),
        ({"source_network": "127.0.0.1/8"}, "host bits"),
        ({"zipf": "0"}, "zipf"),
        ({"targets": "localhost"}, "ADDRESS:PORT"),
    ],
)
def test_a_mistake_in_a_plan_is_a_value_error_that_names_it(texts, complaint):
    with pytest.raises(ValueError, match=complaint):
        LoadPlan.from_texts(
            {"phases": "1x1", **texts},
            **({} if "targets" in texts else GIVEN),
            **({"shared_secret": "xyzzy"} if "targets" in texts else {}),
        )


def test_a_plan_hides_its_secret():
    plan = LoadPlan.from_texts({"phases": "1x1"}, **GIVEN)
    assert "xyzzy" not in repr(plan)
    assert "xyzzy" not in str(plan.described())


def test_a_target_is_address_and_port():
    assert target_from_text("127.0.0.2:1645") == ("127.0.0.2", 1645)


@pytest.mark.parametrize("text", ["127.0.0.1", ":1812", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "h:-1"])
def test_what_is_no_target_is_refused(text):
    with pytest.raises(ValueError, match="ADDRESS:PORT"):
        target_from_text(text)
