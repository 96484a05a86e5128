"""What the next start finds: a supervisor is killed or restarted; no login is lost, and none pushed again."""

import os
import select
import signal
import stat

import pytest

from bench.processes import GatewayProcess, Program, StartError
from tests.integration.pending import N_PUSHES, approve_all, ask, kill_supervisor, left, people, pushes, until_named
from tests.integration.site import Site
from tests.integration.test_console import status_of, until
from tests.integration.test_survival import workers

pytestmark = pytest.mark.integration


class TestKilled:
    @pytest.mark.parametrize(("before", "after"), [(2, 2), (2, 3), (3, 1), (1, 4)])
    def test_pending_pushes_go_on_with_any_number_of_workers(self, site: Site, before: int, after: int):
        """The number of buckets changes, too, from 2 to 3 workers: then a login is found by its user."""
        users = people(site)
        asked = ask(site.start(gateway=f"workers={before}"), users)
        kill_supervisor(site)
        site.start(gateway=f"workers={after}")
        for nas, octets in asked:
            nas.send_octets(octets)
        approve_all(site)
        assert all(nas.receive().is_accept for nas, _ in asked)
        assert pushes(site, users) == [1] * N_PUSHES
        assert site.nas().login("alice", "123456").is_accept
        until(lambda: site.log_text.count("reason=duo_allowed factor=push") == N_PUSHES)
        assert "Traceback" not in site.log_text

    @pytest.mark.parametrize("n_workers", [1, 3])
    def test_a_retransmission_gets_the_same_octets(self, site: Site, n_workers: int):
        nas = site.start().nas()
        octets = nas.send("alice", "123456")
        first = nas.receive().packet.octets
        kill_supervisor(site)
        site.start(gateway=f"workers={n_workers}")
        nas.send_octets(octets)
        assert nas.receive().packet.octets == first
        assert site.simulator.get("/api/counts")["users"]["alice"]["passcode"] == 1

    def test_what_comes_after_its_death_is_not_read(self, site: Site):
        """A worker that ends before another takes its socket along, and the kernel steers its users to the other."""
        users = people(site, 4)
        site.start(gateway="workers=2")
        gateway = site.gateway
        pidfds = [os.pidfd_open(pid) for pid in gateway.worker_pids()]
        for pid in gateway.worker_pids():
            os.kill(pid, signal.SIGSTOP)
        supervisor = os.pidfd_open(gateway.process.pid)
        gateway.signal(signal.SIGKILL)
        assert select.select([supervisor], [], [], 20)[0]
        for user in users:
            site.nas().send(user, "push")
        for pidfd in pidfds:
            signal.pidfd_send_signal(pidfd, signal.SIGCONT)
        for pidfd in (*pidfds, supervisor):
            assert select.select([pidfd], [], [], 20)[0]
            os.close(pidfd)
        gateway.stop()
        assert not site.simulator.get("/api/counts")["users"].keys() & set(users)

    def test_again_and_again(self, site: Site):
        users = people(site)
        asked = ask(site.start(gateway="workers=2"), users)
        for n_workers in (2, 3, 2):
            kill_supervisor(site)
            site.start(gateway=f"workers={n_workers}")
        approve_all(site)
        assert all(nas.receive().is_accept for nas, _ in asked)
        assert pushes(site, users) == [1] * N_PUSHES

    def test_while_workers_are_being_replaced(self, site: Site):
        users = people(site)
        asked = ask(site.start(), users)
        n_workers = len(site.gateway.worker_pids())
        site.gateway.signal(signal.SIGHUP)
        until(lambda: len(site.gateway.worker_pids()) > n_workers)
        kill_supervisor(site)
        site.start()
        for nas, octets in asked:
            nas.send_octets(octets)
        approve_all(site)
        assert all(nas.receive().is_accept for nas, _ in asked)
        assert pushes(site, users) == [1] * N_PUSHES

    def test_what_former_workers_wait_for_is_found_too(self, site: Site):
        users = people(site)
        asked = ask(site.start(), users)
        assert site.radgate("reload").returncode == 0
        kill_supervisor(site)
        site.start()
        approve_all(site)
        assert all(nas.receive().is_accept for nas, _ in asked)
        assert pushes(site, users) == [1] * N_PUSHES

    def test_when_all_processes_are_killed_at_once(self, site: Site):
        users = people(site)
        asked = ask(site.start(), users)
        until_named(site)
        gateway = site.gateway
        for pid in (*gateway.worker_pids(), gateway.process.pid):
            os.kill(pid, signal.SIGSTOP)
        for pid in (*gateway.worker_pids(), gateway.process.pid):
            os.kill(pid, signal.SIGKILL)
        gateway.stop()
        site.start()
        for nas, octets in asked:
            nas.send_octets(octets)
        approve_all(site)
        assert all(nas.receive().is_accept for nas, _ in asked)
        assert pushes(site, users) == [1] * N_PUSHES

    def test_a_worker_that_hangs_is_killed_first(self, site: Site):
        users = people(site, 1)
        ((nas, _),) = ask(site.start(), users)
        until_named(site)
        gateway = site.gateway
        (worker,) = gateway.worker_pids()
        os.kill(worker, signal.SIGSTOP)
        gateway.signal(signal.SIGKILL)
        gateway.stop()
        site.start()
        assert f"A worker of the previous gateway (pid {worker}) hangs and is killed" in site.log_text
        approve_all(site)
        assert nas.receive().is_accept
        assert pushes(site, users) == [1]

    def test_signals_that_come_while_its_workers_are_waited_for_do_what_they_ask(self, site: Site):
        """`radgate.pid` is there already, and conf/radgate.logrotate goes by it."""
        gateway = site.start().gateway
        (worker,) = gateway.worker_pids()
        os.kill(worker, signal.SIGSTOP)
        gateway.signal(signal.SIGKILL)
        gateway.stop()
        with Program(["gateway", "run", "--config", str(site.config)], stream="stderr") as starting:
            starting.wait_for("for its workers to end", 20.0)
            (site.folder / "log" / "authproxy.log").unlink()
            starting.signal(signal.SIGUSR1)
            starting.signal(signal.SIGHUP)
            os.kill(worker, signal.SIGCONT)
            starting.wait_for("radgate ready", 20.0)
            until(lambda: status_of(site)["generation"] == 2)
        assert "All workers have stopped" in site.log_text

    def test_a_section_that_is_gone_costs_its_logins_alone(self, site: Site):
        ((nas, _),) = ask(site.start(), people(site, 1))
        kill_supervisor(site)
        site.configure()
        site.config.write_text(site.config.read_text().replace("[radius_server_duo_only]", "[radius_server_duo_only2]"))
        with GatewayProcess(site.config):
            assert site.nas().login("alice", "123456").is_accept
            assert not nas.has_reply()
        assert "A login of [radius_server_duo_only] cannot be taken over: its settings are gone" in site.log_text

    def test_damaged_journals_cost_what_they_tell_of(self, site: Site):
        asked = ask(site.start(), people(site, 2))
        kill_supervisor(site)
        (journal, key) = left(site)
        assert key.name == "key"
        for number, octets in enumerate((b"", b"no journal", os.urandom(100_000), bytes(100_000)), 100):
            (journal.parent / f"journal-{number}").write_bytes(octets)
        torn = journal.read_bytes()
        (journal.parent / "journal-104").write_bytes(torn[: len(torn) // 2])
        (journal.parent / "journal-105").write_bytes(torn[:4_300] + os.urandom(20_000) + torn[24_300:])
        (journal.parent / "journal-x").write_bytes(b"nobody's")
        site.start()
        approve_all(site)
        assert all(nas.receive().is_accept for nas, _ in asked)
        assert site.log_text.count("The journal of a worker of the previous gateway cannot be used: ") == 5
        assert site.stop() == 0
        assert [path.name for path in left(site)] == ["journal-x"]

    def test_a_lost_or_foreign_key_makes_them_nothing(self, site: Site):
        ask(site.start(), people(site, 1))
        kill_supervisor(site)
        key = left(site)[1]
        key.write_bytes(key.read_bytes()[:32] + b"of another boot\n")
        site.start()
        assert site.nas().login("alice", "123456").is_accept
        assert len(left(site)) == 2  # one worker's, and the key


class TestFolder:
    def test_it_is_private_and_goes_with_a_clean_stop(self, site: Site):
        nas = site.start().nas()
        assert nas.login("alice", "123456").is_accept
        for path in left(site):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(left(site)) == 2
        assert stat.S_IMODE((site.folder / "run" / "journals").stat().st_mode) == 0o700
        assert site.stop() == 0
        assert list((site.folder / "run").iterdir()) == []

    def test_no_journal_of_a_worker_that_is_gone_stays(self, site: Site):
        site.start()
        for _ in range(2):
            assert site.radgate("reload").returncode == 0
        until(lambda: len(workers(site)) == 1)
        assert len(left(site)) == 2

    def test_what_others_may_use_is_left_alone_and_memory_does(self, site: Site):
        folder = site.folder / "run" / "journals"
        folder.mkdir(parents=True, mode=0o755)
        folder.parent.chmod(0o700)
        folder.chmod(0o755)
        assert site.start().nas().login("alice", "123456").is_accept
        assert (
            f"Journals are only in memory, because none can be written in run_dir: {folder}: others may use it"
            in site.log_text
        )
        assert list(folder.iterdir()) == []

    def test_a_second_gateway_is_refused_and_takes_nothing(self, site: Site):
        ((nas, _),) = ask(site.start(), people(site, 1))
        before = left(site)
        with pytest.raises(StartError, match="another radgate"):
            GatewayProcess(site.config)
        assert left(site) == before
        approve_all(site)
        assert nas.receive().is_accept


class TestStop:
    def test_what_was_pending_all_the_same_is_for_the_next_start(self, site: Site):
        users = people(site, 2)
        asked = ask(site.start(gateway="drain_timeout_s=0"), users)
        site.gateway.signal(signal.SIGTERM)
        assert site.gateway.stop() == 0
        site.start()
        approve_all(site)
        assert all(nas.receive().is_accept for nas, _ in asked)
        assert pushes(site, users) == [1, 1]

    def test_a_restart_waits_for_nobody(self, site: Site):
        users = people(site, 2)
        asked = ask(site.start(), users)
        restarted = site.radgate("restart")
        try:
            assert restarted.returncode == 0, restarted.stderr
            approve_all(site)
            assert all(nas.receive().is_accept for nas, _ in asked)
            assert pushes(site, users) == [1, 1]
        finally:
            assert site.radgate("stop").returncode == 0

    def test_a_restart_ends_a_drain(self, site: Site):
        users = people(site, 2)
        asked = ask(site.start(), users)
        site.gateway.signal(signal.SIGTERM)
        until(lambda: "Worker 0 takes no more requests and finishes 2 pending logins" in site.log_text)
        assert site.radgate("restart").returncode == 0
        try:
            assert "Worker 0 leaves 2 logins to the next start" in site.log_text
            approve_all(site)
            assert all(nas.receive().is_accept for nas, _ in asked)
            assert pushes(site, users) == [1, 1]
        finally:
            assert site.radgate("stop").returncode == 0
