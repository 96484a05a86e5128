"""A real Prometheus scrapes a real gateway, over TLS and with the token, and evaluates the shipped rules."""

import json
import shutil
import signal
import socket
import subprocess
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.config.certificates import certificate
from tests.integration.test_console import ANY_PORT, TOKEN, until, url_of

RULES = Path(__file__).parents[2] / "conf/monitoring/radgate.rules.yml"
PROMETHEUS = shutil.which("prometheus")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed"),
]

N_WORKERS = 2

CONFIG = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: radgate
    scheme: https
    tls_config: {{ca_file: {folder}/console.crt}}
    authorization: {{credentials_file: {folder}/token}}
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    """A Prometheus for one target, on a port of the kernel's choice."""

    def __init__(self, folder: Path, target: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}"
        config = folder / "prometheus.yml"
        config.write_text(CONFIG.format(rules=RULES, folder=folder, target=target))
        where = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={address}"]
        self._process = subprocess.Popen(
            [str(PROMETHEUS), *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )

    def ask(self, path: str, **query: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=20) as answer:
            return json.load(answer)["data"]

    def value(self, query: str) -> float | None:
        """Return the value of the one series that a query finds."""
        found = self.ask("query", query=query)["result"]
        return float(found[0]["value"][1]) if len(found) == 1 else None

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def evaluated(self, since: datetime) -> bool:
        """Whether all rules have been evaluated since then."""
        return all(
            rule["health"] == "ok" and datetime.fromisoformat(rule["lastEvaluation"]) > since for rule in self.rules()
        )

    def alerts(self) -> list[str]:
        return [alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"]]

    def stop(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def prometheus(site):
    chain, key = certificate()
    for name, content in (("token", TOKEN.encode()), ("console.crt", chain), ("console.key", key)):
        (site.folder / name).write_bytes(content)
        (site.folder / name).chmod(0o600)
    tls = "console_token_file=token\nconsole_tls_cert_file=console.crt\nconsole_tls_key_file=console.key"
    site.start(gateway=f"{ANY_PORT}\n{tls}", failmode="safe")
    url = url_of(site.gateway)
    assert url.startswith("https://")
    prometheus = Prometheus(site.folder, url.removeprefix("https://").rstrip("/"))
    yield prometheus
    prometheus.stop()


def test_prometheus_sees_what_happens(site, prometheus):
    nas = site.nas()
    for password in ("123456", "123456", "999999"):
        nas.login("alice", password)
    until(lambda: prometheus.value('up{job="radgate"}') == 1)
    until(lambda: prometheus.value('radgate_replies_total{reason="duo_allowed"}') == 2)
    assert prometheus.value('radgate_replies_total{reason="duo_denied",reply="Access-Reject"}') == 1
    assert prometheus.value("sum(radgate_worker_up)") == 2
    assert prometheus.value("radgate_login_seconds_count") == 3
    assert len(prometheus.rules()) > 10
    scraped = datetime.now(UTC)
    until(lambda: prometheus.evaluated(scraped))
    assert prometheus.alerts() == []
    site.simulator.fault("refuse")
    for user in ("alice", "bob", "carol", "dave", "erin", "frank", "grace"):
        nas.login(user, "123456")
    until(lambda: "RadgateFailMode" in prometheus.alerts())
