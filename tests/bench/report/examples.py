"""A run that never was, to be reported."""

import msgspec

from bench.report.record import (
    Finding,
    Judgement,
    Look,
    Machine,
    Marked,
    Percentiles,
    ProcessFigures,
    Run,
    Second,
    Step,
)

MACHINE = Machine("bench", "A Processor", 2, 8_000_000_000, "Linux 6.1", "3.11.7")


def a_run(**changes: object) -> Run:
    """Return a run of ten seconds with two kinds of login and two events."""
    run = Run(
        scenario="worker-kill",
        scenario_text="[scenario]\nquestion = Is <anybody> pushed twice?\n",
        question="Is <anybody> pushed twice?",
        commit="0123456789ab",
        machine=MACHINE,
        began="2026-11-23 09:00:00 UTC",
        scale=1.0,
        workers=1,
        load={"n_users": 100},
        limit=None,
        p99_bound_ms=None,
        steps=[],
        duration_s=10.0,
        planned=1000,
        sent=1000,
        unsent=0,
        late=0,
        answered=1000,
        lost=0,
        unexpected=0,
        invalid=0,
        double_answers=0,
        retransmissions=3,
        offered_rate=100.0,
        achieved_rate=100.0,
        answered_later=0,
        carried_rate=None,
        outcomes={"passcode": {"accept": 500, "reject": 0}, "push": {"accept": 500, "reject": 0}},
        latency_ms={
            name: {"p50": 1.0, "p90": 2.0, "p99": 3.0, "p99.9": 4.0, "max": 5.0} for name in ("push", "passcode")
        },
        curves={name: [(0.0, 0.5), (0.5, 1.0), (0.99, 3.0), (1.0, 5.0)] for name in ("push", "passcode")},
        gateway_ms={"p50": 0.5, "p90": 0.8, "p99": 0.9, "p99.9": 1.0},
        reasons={"duo_allowed": 1000},
        discards={},
        duo={"pushes": 500},
        processes=[ProcessFigures("worker 0", 2, 1.5, 0.15, 0.01, 40_000_000, 45_000_000)],
        worker_us_per_login=1500.0,
        gateway_us_per_login=1600.0,
        events=[Marked(3.0, 0.0, "a worker is killed", "served after 0.25 s"), Marked(5.0, 2.0, "Duo: black hole")],
        seconds=[
            Second(float(at), 100, 90, 10, 0, 0, 0, {"push": Percentiles(1.0, 3.0), "passcode": Percentiles(0.5, 2.0)})
            for at in range(10)
        ],
        looks=[
            Look(at + 0.5, 5, 100, {"idle": 3, "busy": 2}, {"worker 0": 0.15}, {"worker 0": 40_000_000}, 1500.0)
            for at in range(10)
        ],
        findings=[Finding(Judgement.GOOD, "Every login was answered (1,000).")],
        remarks=[],
    )
    return msgspec.structs.replace(run, **changes)


STEPS = [Step(500, 2.0, ""), Step(1000, 300.0, "90.00% answered, p99 300.0 ms")]
