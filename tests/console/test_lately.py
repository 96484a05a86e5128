"""What sections have done in the last minutes."""

import pytest

from gateway.console.lately import STEP_S, WINDOW_S, Lately
from gateway.words.reasons import Reason
from tests.console.scene import SECTION, Gateway


def test_counts_from_the_first_status_on():
    gateway, lately = Gateway(), Lately()
    assert lately.summary() == {"span_s": 0.0, "sections": {}}
    gateway.login(Reason.DUO_ALLOWED)
    lately.take(gateway.status, 100.0)
    assert lately.summary()["sections"] == {}
    for _ in range(3):
        gateway.login(Reason.DUO_DENIED, 0.5)
    lately.take(gateway.status, 101.0)
    summary = lately.summary()
    assert summary["span_s"] == 1.0
    section = summary["sections"][SECTION]
    assert section["reasons"] == {"duo_denied": 3}
    assert section["p50"] == pytest.approx(0.5, rel=0.5)
    assert section["p99"] >= section["p50"]


def test_what_is_long_ago_does_not_count():
    gateway, lately = Gateway(), Lately()
    for second in range(0, 2 * int(WINDOW_S + STEP_S), 5):
        if second < WINDOW_S:
            gateway.login(Reason.DUO_DENIED)
        lately.take(gateway.status, float(second))
    summary = lately.summary()
    assert WINDOW_S <= summary["span_s"] <= WINDOW_S + STEP_S
    assert summary["sections"] == {}


def test_a_section_that_a_reload_brings_or_takes_is_no_negative_number():
    gateway, lately = Gateway(), Lately()
    gateway.login(Reason.DUO_DENIED)
    status = gateway.status
    for each in (status["servers"][0], status["histograms"]["servers"]):
        each.clear()
    lately.take({**status, "servers": []}, 0.0)
    lately.take(gateway.status, 1.0)
    assert lately.summary()["sections"][SECTION]["reasons"] == {"duo_denied": 1}
    lately.take(Gateway().status, 2.0)
    assert lately.summary()["sections"] == {}
