"""Which faults strike which call."""

import msgspec
import pytest

from bench.simulator.faults import Fault, FaultKind, FaultPlan, duo_time

PREAUTH = ("/auth/v2/preauth", "preauth")
AUTH_V1 = ("/rest/v1/auth", "auth")


def plan_of(*faults: Fault) -> FaultPlan:
    plan = FaultPlan()
    for fault in faults:
        plan.add(fault, now=0.0)
    return plan


def test_healthy_plan_strikes_nothing() -> None:
    assert plan_of().take(*PREAUTH, 0.0) == {}


@pytest.mark.parametrize("endpoint", ["*", "preauth", "/auth/v2/preauth"])
def test_endpoint_by_star_call_and_path(endpoint: str) -> None:
    plan = plan_of(Fault(FaultKind.STATUS_500, endpoint=endpoint))
    assert set(plan.take(*PREAUTH, 0.0)) == {FaultKind.STATUS_500}
    assert bool(plan.take(*AUTH_V1, 0.0)) == (endpoint == "*")


def test_a_user_by_a_part_of_the_name() -> None:
    plan = plan_of(Fault(FaultKind.STATUS_500, user="evil", calls=1), Fault(FaultKind.STATUS_500))
    assert len(plan.active(0.0)) == 2
    plan = plan_of(Fault(FaultKind.STATUS_500, user="evil"))
    assert plan.take(*PREAUTH, 0.0, lambda: "evil7")
    assert not plan.take(*PREAUTH, 0.0, lambda: "alice")
    assert not plan.take(*PREAUTH, 0.0)


def test_counted_fault_wears_off() -> None:
    plan = plan_of(Fault(FaultKind.DROP, calls=2))
    assert [bool(plan.take(*PREAUTH, 0.0)) for _ in range(3)] == [True, True, False]


def test_other_calls_do_not_wear_a_fault_off() -> None:
    plan = plan_of(Fault(FaultKind.DROP, endpoint="auth", calls=1))
    plan.take(*PREAUTH, 0.0)
    assert plan.take(*AUTH_V1, 0.0)


def test_fault_ends_with_its_time() -> None:
    plan = plan_of(Fault(FaultKind.REFUSE, for_s=5.0))
    assert plan.next_end(0.0) == 5.0
    assert plan.door(4.9) is FaultKind.REFUSE
    assert plan.door(5.0) is None


def test_several_faults_strike_together() -> None:
    plan = plan_of(Fault(FaultKind.SLOW, delay_s=0.1), Fault(FaultKind.CHUNKED, endpoint="preauth"))
    assert set(plan.take(*PREAUTH, 0.0)) == {FaultKind.SLOW, FaultKind.CHUNKED}


def test_same_kind_and_endpoint_is_replaced() -> None:
    plan = plan_of(Fault(FaultKind.SLOW, delay_s=1.0), Fault(FaultKind.SLOW, delay_s=2.0))
    assert [each.fault.delay_s for each in plan.active(0.0)] == [2.0]


@pytest.mark.parametrize(
    ("fault", "door"),
    [
        (Fault(FaultKind.BLACK_HOLE), FaultKind.BLACK_HOLE),
        (Fault(FaultKind.BLACK_HOLE, endpoint="auth"), None),
        (Fault(FaultKind.BLACK_HOLE, calls=1), None),
        (Fault(FaultKind.BLACK_HOLE, user="evil"), None),
        (Fault(FaultKind.STATUS_500), None),
    ],
)
def test_only_a_whole_black_hole_shuts_the_door(fault: Fault, door: FaultKind | None) -> None:
    assert plan_of(fault).door(0.0) is door


def test_duos_clock_is_skewed_for_the_calls_that_are_struck() -> None:
    plan = plan_of(Fault(FaultKind.CLOCK_SKEW, endpoint="preauth", skew_s=-60.0))
    assert duo_time(plan.take(*PREAUTH, 0.0), 1_000.0) == 940.0
    assert duo_time(plan.take(*AUTH_V1, 0.0), 1_000.0) == 1_000.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": FaultKind.REFUSE, "calls": 3},
        {"kind": FaultKind.REFUSE, "endpoint": "auth"},
        {"kind": FaultKind.DROP, "calls": 0},
        {"kind": FaultKind.SLOW, "delay_s": -1.0},
        {"kind": FaultKind.SLOW, "seconds": 0.0},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Fault)
