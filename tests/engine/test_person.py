"""Who is meant: which spellings are one account, which are one person, and where a person's packets belong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.person import account_of, bucket_of, is_plain, names_one_user, needs_another_bucket, person_of
from gateway.radius.packet import Packet, decode_packet

SPELLINGS_OF_ONE_ACCOUNT = [
    pytest.param("carol", id="plain"),
    pytest.param("CAROL", id="capitals"),
    pytest.param(" carol", id="a blank before"),
    pytest.param("carol ", id="a blank behind"),
    pytest.param("carol\u00a0", id="no-break space"),
    pytest.param("\u3000carol", id="ideographic space"),
    pytest.param("car\u200bol", id="zero-width space"),
    pytest.param("car\u00adol", id="soft hyphen"),
    pytest.param("\ufeffcarol", id="byte order mark"),
    pytest.param("ca\ufe0frol", id="variation selector"),
    pytest.param("ca\u034frol", id="combining grapheme joiner"),
    pytest.param("\u202ecarol\u202c", id="bidirectional controls"),
    pytest.param("ｃａｒｏｌ", id="full-width"),
    pytest.param("ⓒⓐⓡⓞⓛ", id="circled"),
    pytest.param("𝓬𝓪𝓻𝓸𝓵", id="mathematical script"),
    pytest.param("ca\U000e0072rol", id="tag character"),
    pytest.param("carol\ufffc", id="object replacement"),
    pytest.param("car\u2065ol", id="an ignorable one that is not assigned"),
    pytest.param("carol\U000e0080", id="another"),
]


@pytest.mark.parametrize("user_name", SPELLINGS_OF_ONE_ACCOUNT)
def test_directories_take_these_for_one_account(user_name: str):
    assert account_of(user_name) == "carol"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("José", "Jose\u0301", id="composed and decomposed"),
        pytest.param("josé", "jose\u200d\u0301", id="decomposed, with an invisible sign between"),
        pytest.param("josé", "jose\u034f\u0301", id="with a joiner between"),
        pytest.param("carol smith", " carol  smith", id="blanks within"),
        pytest.param("ÅSA", "a\u030asa", id="with letter case"),
        pytest.param("STRASSE", "straße", id="sharp s"),
        pytest.param("ｶﾛﾙ", "カロル", id="half-width kana"),
    ],
)
def test_letters_beyond_ascii_are_compared_alike(one: str, other: str):
    assert account_of(one) == account_of(other)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_an_account_is_its_own_account(user_name: str):
    account = account_of(user_name)
    assert account_of(account) == account


@pytest.mark.parametrize("other", ["carol@a.example", "carol@b.example", "A\\carol", "car0l", "carоl", "carol."])
def test_what_may_be_another_account_stays_one_of_its_own(other: str):
    """The last but one has a Cyrillic o: directories tell it apart."""
    assert account_of(other) != "carol"


@pytest.mark.parametrize(
    "user_name",
    [
        "carol",
        "CORP\\carol",
        "corp/Carol",
        "carol@corp.example",
        "CORP\\carol@corp.example",
        "carol＠corp.example",
        "corp.example\\sub\\carol",
        "carol@a@b",
        "carol@x\\y",
        "carol.",
        " carol . ",
        "CORP\\ carol",
    ],
)
def test_one_person_whatever_the_domain(user_name: str):
    assert person_of(account_of(user_name)) == "carol"


@pytest.mark.parametrize("other", ["Carol", "CORP\\carol", "carol@corp.example", "CAROL@other.example"])
def test_letter_case_and_one_domain_make_no_other_user(other: str):
    assert names_one_user("carol", other)


@pytest.mark.parametrize(
    ("name", "other", "is_one"),
    [
        ("CORP\\carol", "carol@corp.example", True),
        ("carol@a.example", "Carol@A.Example", True),
        ("carol@a.example", "carol@b.example", False),
        ("A\\carol", "b\\carol", False),
        ("CORP\\carol@corp.example", "corp\\carol@corp.example", True),
        ("CORP\\carol@corp.example", "carol@corp.example", False),
    ],
)
def test_two_domains_that_are_written_alike_make_two_users(name: str, other: str, is_one: bool):
    assert names_one_user(name, other) is names_one_user(other, name) is is_one


@pytest.mark.parametrize("other", ["mallory@carol", "carol\\mallory", "carol@corp\\mallory", "carol ", "ｃａｒｏｌ"])
def test_all_else_does(other: str):
    assert not names_one_user("carol", other)


@pytest.mark.parametrize("user_name", ["@corp.example", "CORP\\", "...", "@", "\\", "a/"])
def test_a_name_that_is_all_domain_is_a_person_of_its_own(user_name: str):
    assert person_of(account_of(user_name)) == account_of(user_name)


@pytest.mark.parametrize(
    ("user_name", "plain"),
    [
        (b"carol", True),
        (b"Carol.Smith-2_x", True),
        (b"CORP\\carol", True),
        (b"carol@corp.example", True),
        (b"x" * 56, True),
        (b"x" * 57, False),
        (b" carol", False),
        (b"carol.", False),
        (b"CORP\\carol.@x", False),
        (b"a@b\\carol", True),
        (b"CORP\\", False),
        (b"@corp", False),
        (b"o'neil", False),
        ("josé".encode(), False),
        (b"", False),
    ],
)
def test_plain_names_need_no_second_look(user_name: bytes, plain: bool):
    assert is_plain(user_name) is plain


def test_a_person_has_one_bucket_of_any_number():
    for n_buckets in range(1, 9):
        assert {bucket_of(f"user{number}", n_buckets) for number in range(200)} == set(range(n_buckets))


class TestWhichBucket:
    """What the kernel may have brought to another socket than the person's others."""

    def packet(self, name: bytes, before: bytes = b"") -> Packet:
        attributes = before + bytes((1, len(name) + 2)) + name
        return decode_packet(bytes((1, 1)) + (20 + len(attributes)).to_bytes(2, "big") + bytes(16) + attributes)

    @pytest.mark.parametrize("name", [b"carol", b"CORP\\Carol", b"carol@corp.example"])
    def test_a_plain_name_is_where_it_belongs(self, name: bytes):
        assert {needs_another_bucket(self.packet(name), bucket, 4) for bucket in range(4)} == {None}

    @pytest.mark.parametrize("name", ["ｃａｒｏｌ", " carol", "carol.", "car\u200bol", "carol\0rubbish", "CORP\\ⓒarol"])
    def test_another_spelling_belongs_where_the_plain_one_does(self, name: str):
        right = bucket_of("carol", 4)
        assert needs_another_bucket(self.packet(name.encode()), right, 4) is None
        assert needs_another_bucket(self.packet(name.encode()), (right + 1) % 4, 4) == right

    def test_a_name_behind_more_attributes_than_the_kernel_walks_is_looked_at(self):
        right = bucket_of("carol", 4)
        assert needs_another_bucket(self.packet(b"carol", b"\x20\x02" * 64), (right + 1) % 4, 4) == right
        assert needs_another_bucket(self.packet(b"carol", b"\x20\x02" * 63), (right + 1) % 4, 4) is None

    def test_a_name_that_is_no_text_belongs_somewhere(self):
        found = {needs_another_bucket(self.packet(b"\xff\xfe\xfd"), bucket, 4) for bucket in range(4)}
        assert len(found) == 2

    def test_a_packet_without_a_name_stays(self):
        assert needs_another_bucket(decode_packet(b"\x01\x01\x00\x14" + bytes(16)), 3, 4) is None
