"""What the log says of clocks."""

import logging

import pytest

from gateway.worker.duo import ClockWarnings

FIELDS = {"application": "DIX", "api_host": "api-x.test:443"}


def test_a_wall_clock_that_is_off_is_warned_of_at_most_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    warnings = ClockWarnings(FIELDS)
    for now in (0.0, 1.0, 59.9, 60.0):
        warnings.corrected(3600.4, now)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "This machine's clock is 3600 s behind Duo's" in caplog.text


def test_the_warning_says_which_way_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    ClockWarnings(FIELDS).corrected(-45.0, 0.0)
    assert "45 s ahead of Duo's" in caplog.text
    fields = vars(caplog.records[0])["fields"]
    assert "NTP" in fields["hint"]
    assert fields["application"] == "DIX"


def test_a_wall_clock_that_is_right_is_not_blamed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gateway.duo"):
        ClockWarnings(FIELDS).corrected(0.3, 0.0)
    assert [record.levelno for record in caplog.records] == [logging.INFO]
    assert "This machine's clock" not in caplog.text
