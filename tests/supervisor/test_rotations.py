"""What the status says of clients and applications that change their secrets."""

from gateway.statistics.counters import SecretUses
from gateway.statistics.layout import BoardPlan, row_layout
from gateway.statistics.reading import SecretUse, read_secret_uses
from gateway.supervisor.rotations import SHOWN, rotation_advice, rotation_status
from tests.supervisor.status_scene import HEALTHY, NAME, S, Worker, status_of

ONE, OTHER = ("section", "radius_ip_1"), ("section", "radius_ip_2")


def told(uses: dict[str, SecretUse]) -> str:
    return rotation_advice(rotation_status(uses, 1_000 * S, 400 * S))


def test_what_two_workers_have_seen_is_one():
    layout = row_layout(BoardPlan(2, (), (), (ONE, OTHER)))
    rows = [[0] * layout.n_cells for _ in range(2)]
    uses = [SecretUses(row, layout.secret_uses[ONE]) for row in rows]
    uses[0].used("10.0.0.7", False, 1.0)
    uses[1].used("2001:db8::7", False, 2.0)
    uses[1].used("10.0.0.9", True, 3.0)
    first, second = (read_secret_uses(row, layout) for row in rows)
    assert first[ONE] == SecretUse(1, 0, S, 0, "10.0.0.7")
    assert second[ONE] == SecretUse(1, 1, 2 * S, 3 * S, "2001:db8::7")
    assert first[ONE].added(second[ONE]) == second[ONE].added(first[ONE]) == second[ONE]._replace(n_present=2)
    assert first[OTHER] == SecretUse()


def test_a_successor_goes_on_with_what_its_predecessor_has_seen():
    cells = [0] * 6
    SecretUses(cells, 0).used("10.0.0.7", False, 1.0)
    SecretUses(cells, 0).used("10.0.0.8", False, 2.0)
    assert cells[0] == 2


def test_who_used_the_old_one_last_is_named_first():
    uses = {
        "radius_ip_1": SecretUse(9, 1, 820 * S, 900 * S, "10.0.0.7"),
        "radius_ip_2": SecretUse(0, 7, 0, 900 * S, ""),
        "radius_ip_3": SecretUse(1, 0, 990 * S, 0, "10.0.0.9"),
        "radius_ip_4": SecretUse(),
    }
    assert told(uses) == (
        "2 of 4 clients with a next secret have used it; the old one was used last by 10.0.0.9 (radius_ip_3) "
        "10 seconds ago, 10.0.0.7 (radius_ip_1) 3 minutes ago"
    )


def test_however_many_there_are_a_few_are_named():
    uses = {f"radius_ip_{n}": SecretUse(1, 0, n * S, 0, f"10.0.{n >> 8}.{n & 255}") for n in range(1, 1_001)}
    rotation = rotation_status(uses, 1_000 * S, 0)
    assert [each["client"] for each in rotation["last_present"]] == [f"radius_ip_{n}" for n in range(1_000, 995, -1)]
    assert rotation_advice(rotation).endswith(f"{1_000 - SHOWN} more before")


def test_that_nobody_has_used_it_is_said_with_since_when():
    text = "1 of 1 clients with a next secret have used it; none has used the old one since the last start or reload"
    assert told({"radius_ip_1": SecretUse(0, 2, 0, 900 * S)}) == f"{text}, 10 minutes ago"


def test_how_many_workers_sign_with_the_next_key_is_told():
    worker = Worker()
    (application,) = status_of(worker.facts(), application=HEALTHY)["applications"]
    assert "next_key_workers" not in application
    changing = HEALTHY._replace(has_next_key=True)
    (application,) = status_of(worker.facts(), application=changing)["applications"]
    assert (application["next_key_workers"], application["hint"]) == (0, "")
    worker.row.applications[NAME].signed_with(is_next=True)
    (application,) = status_of(worker.facts(), application=changing)["applications"]
    assert application["next_key_workers"] == 1
    assert application["hint"].startswith("Duo takes skey_next, with which 1 worker")
