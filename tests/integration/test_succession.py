"""A worker's journal that its successor cannot use: what it costs, and what it does not."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.engine.records import LoginRecord
from gateway.ipc.journal import Journal
from gateway.ipc.journal_reader import JournalReader
from gateway.ipc.memory import read_memfd
from gateway.ipc.orders import decode_orders
from tests.integration.site import Site
from tests.integration.test_console import until
from tests.integration.test_survival import workers

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a worker's memory"),
]

encode = msgspec.msgpack.encode


@contextmanager
def journal_of(pid: int) -> Iterator[tuple[Journal, JournalReader]]:
    """Open the journal of a worker, to read it, and to write behind its back into cells that it does not use yet."""
    folder = Path(f"/proc/{pid}/fd")
    (orders_link,) = [each for each in folder.iterdir() if "radgate-orders" in str(each.readlink())]
    descriptors = [os.open(orders_link, os.O_RDONLY)]
    orders = decode_orders(read_memfd(descriptors[0]))
    descriptors.append(os.open(folder / str(orders.journal_fd), os.O_RDWR))
    journal = Journal(descriptors[1], orders.key)
    journal._take_cells()
    reader = JournalReader(descriptors[1], orders.key)
    del journal._free[-len(list(reader._written_cells())) :]  # the next one to be taken stands last
    journal._sequence = 1_000_000  # what is written here is the newest
    yield journal, reader
    journal.close()
    for descriptor in descriptors:
        os.close(descriptor)


def altered(record: LoginRecord, **fields: Any) -> bytes:
    """A record as another version might have written it."""
    return encode(msgspec.structs.replace(record, **fields))


def person(site: Site, user: str) -> None:
    """A user whose phone is answered by the test."""
    device = {"device": f"D-{user}", "capabilities": ["push"]}
    site.simulator.post("/api/users", {"username": user, "devices": [device], "answer": "person"})


def test_records_of_another_version_and_of_none_cost_neither_the_slot_nor_a_reload(site: Site):
    for user in ("zoe", "yves"):
        person(site, user)
    nas = site.start(gateway="workers=1").nas()
    requests = [nas.send(user, "push") for user in ("zoe", "yves")]
    site.simulator.until(pending=2)
    (before,) = workers(site)
    with journal_of(before["pid"]) as (journal, reader):
        until(lambda: all(record.txid for record in map(_record, reader.logins())))
        records = {record.user_name: record for record in map(_record, reader.logins())}
        poison = [
            b"no record at all",
            encode({"a": "map"}),
            altered(records["yves"], key=b"x" * 16, started_at=float("nan")),
            altered(records["yves"], key=b"y" * 16, number=90, section="radius_server_of_tomorrow"),
            altered(records["zoe"], state="confirming", factor="telepathy"),
        ]
        for number, octets in enumerate(poison, 900):
            assert journal.keep_login(number, octets)
    os.kill(before["pid"], signal.SIGKILL)
    assert nas.login("alice", "123456").is_accept
    for request in requests:
        nas.send_octets(request)
    (after,) = workers(site)
    assert (after["restarts"], after["state"], after["journal_skipped"]) == (1, "ready", 3)
    done = site.radgate("reload")
    assert (done.returncode, done.stderr) == (0, "")
    assert nas.login("alice", "123456").is_accept
    site.simulator.post("/api/pending", {"decision": "approve"})
    assert all(nas.receive().is_accept for _ in requests)
    users = site.simulator.get("/api/counts")["users"]
    assert [users[user]["push"] for user in ("zoe", "yves")] == [1, 1]
    assert "3 records of the worker with pid" in site.log_text
    assert "Traceback" not in site.log_text


def _record(octets: bytes) -> LoginRecord:
    return msgspec.msgpack.decode(octets, type=LoginRecord)
