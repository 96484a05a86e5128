"""Every code of Active Directory is explained, in the code and in the documentation."""

import re

import pytest

from gateway.words.ad_codes import AD_CODES
from tests.words.test_explanations import SECTIONS

ROWS = dict(re.findall(r"^\| `([0-9a-f]{2,8})` \| (.*) \|$", SECTIONS["first_factor_rejected"], re.MULTILINE))


def test_the_document_has_a_row_for_each_code_and_no_other():
    assert list(ROWS) == list(AD_CODES)


@pytest.mark.parametrize("code", AD_CODES)
def test_a_row_has_the_words_of_the_code(code):
    happened, remedy = AD_CODES[code]
    assert ROWS[code].replace("`", "") == f"{happened} | {remedy}"
    assert happened
    assert remedy


@pytest.mark.parametrize("code", AD_CODES)
def test_a_code_is_written_as_it_stands_in_the_log(code):
    assert re.fullmatch("[0-9a-f]{2,8}", code)
