"""What the supervisor posts, and workers read."""

from gateway.failmode.bulletin import Bulletin, BulletinCells


def test_a_bulletin_is_read_as_it_was_posted():
    bulletin = BulletinCells([0] * 7)
    assert bulletin.read() == Bulletin(0, False, 0, 0)
    posted = Bulletin(
        state=2, is_fail_mode_active=True, trial=7, since_ns=123, ping_ns=456, is_isolated=True, is_left=True
    )
    bulletin.post(posted)
    assert bulletin.read() == posted
