"""The chart for Kubernetes: rendered by Helm's own engine where its Python package is there, its shape held without."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any

import pytest

from gateway import __version__
from gateway.cli.stop import MARGIN_S
from gateway.config.general import GATEWAY
from gateway.config.problems import Problem
from gateway.config.reading import read_settings
from gateway.config.settings import Settings
from gateway.config.surroundings import read_configuration
from gateway.console.pages import HEALTH
from gateway.ipc.journal import create_journal
from tests.conf.yaml_files import read_yaml
from tests.config.certificates import certificate
from tests.config.files import IKEY, SHARED_SECRET, SKEY

CHART = Path(__file__).parents[2] / "conf/helm/radgate"
VALUES = (CHART / "values.yaml").read_text()
TEMPLATES = {path.name: path.read_text() for path in (CHART / "templates").iterdir()}
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
CONFIG = f"""\
[main]
log_stdout=true
[radius_server_duo_only]
ikey={IKEY}
skey={SKEY}
api_host=api-12345678.duosecurity.com
radius_ip_1=10.0.1.10
radius_secret_1={SHARED_SECRET}
"""
GIVEN = {"config": CONFIG, "secret": "radgate", "fleet": {"engine": "rediss://radgate@redis.example.com:6379/0"}}
MODES = ("hostNetwork", "perPod", "loadBalancer")


# Without Helm.


def defaults(text: str = VALUES) -> dict[str, set[str]]:
    """The keys of values.yaml, and those below each."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if match := re.match(r"(\w+):", line):
            found[match[1]] = set()
        elif match := re.match(r"  (\w+):", line):
            found[list(found)[-1]].add(match[1])
    return found


def used() -> set[tuple[str, str]]:
    """What templates take from values: a key, and one below it or nothing."""
    pairs = re.findall(r"\.Values\.(\w+)(?:\.(\w+))?", "".join(TEMPLATES.values()))
    return {(key, below) for key, below in pairs}


def test_every_value_that_is_used_is_there_and_the_other_way_round():
    there = defaults()
    for key, below in used():
        assert key in there
        assert not below or below in there[key], f"{key}.{below}"
    assert {key for key, _ in used()} == set(there)


def test_the_schema_knows_every_value_and_no_others():
    there = defaults()
    assert set(SCHEMA["properties"]) - {"global"} == set(there)
    for key, below in there.items():
        if properties := SCHEMA["properties"][key].get("properties"):
            assert set(properties) == below, key


def test_the_chart_is_of_this_version():
    text = (CHART / "Chart.yaml").read_text()
    assert f'appVersion: "{__version__}"\n' in text
    assert re.search(r"^version: \d+\.\d+\.\d+$", text, re.MULTILINE)


def test_braces_are_balanced_and_blocks_are_ended():
    for name, text in TEMPLATES.items():
        assert text.count("{{") == text.count("}}"), name
        begun = len(re.findall(r"{{-? *(?:if|range|with|define)\b", text))
        assert begun == len(re.findall(r"{{-? *end\b", text)), name


def test_no_secret_is_an_environment_variable_and_little_is_permitted():
    text = TEMPLATES["statefulset.yaml"]
    assert "secretKeyRef" not in text
    assert "envFrom" not in text
    for line in (
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "allowPrivilegeEscalation: false",
        "capabilities: {drop: [ALL]}",
        "automountServiceAccountToken: false",
        "seccompProfile: {type: RuntimeDefault}",
    ):
        assert line in text


def test_probes_ask_what_is_answered():
    assert set(re.findall(r"path: (/\w+)", TEMPLATES["statefulset.yaml"])) <= set(HEALTH)


def test_a_stop_has_time():
    grace_s, drain_s = (
        float(re.findall(rf"^{key}: (\d+)$", VALUES, re.MULTILINE)[0])
        for key in ("terminationGracePeriodSeconds", "drainTimeoutSeconds")
    )
    assert drain_s == float(GATEWAY["drain_timeout_s"])
    assert grace_s >= drain_s + MARGIN_S


# With Helm.


@pytest.fixture(scope="module")
def helm() -> Any:
    return pytest.importorskip("helm_python", reason="helm-python-sdk is not installed: pip install helm-python-sdk")


def merged(*more: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = dict(GIVEN)
    for each in more:
        values |= {
            key: {**values.get(key, {}), **value} if isinstance(value, dict) else value for key, value in each.items()
        }
    return values


def render(helm: Any, *more: dict[str, Any]) -> dict[str, list[Any]]:
    """The documents of each template, by its name."""
    found = helm.chart.Chart.load(CHART).render(merged(*more), name="rg", namespace="radius")
    return {
        path.rpartition("/")[2]: [
            read_yaml(each) for each in re.split(r"^---$", text, flags=re.MULTILINE) if each.strip()
        ]
        for path, text in found.items()
        if path.endswith(".yaml")
    }


def pod(rendered: dict[str, list[Any]]) -> Any:
    return rendered["statefulset.yaml"][0]["spec"]["template"]["spec"]


def file_of(rendered: dict[str, list[Any]]) -> str:
    return str(rendered["configmap.yaml"][0]["data"]["authproxy.cfg"])


def read_in(folder: Path, text: str) -> tuple[Settings, list[Problem]]:
    """What a pod's radgate makes of its file; the Secret's files are in the folder."""
    file = folder / "authproxy.cfg"
    file.touch(mode=0o600)
    file.write_text(text.replace("/secrets/", f"{folder}/"))
    return read_settings(str(file), read_configuration(str(file)))


@pytest.mark.parametrize("mode", MODES)
def test_it_is_clean(helm, mode):
    report = helm.chart.lint(CHART, merged({"service": {"mode": mode}}), strict=True)
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] > 1] == []


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder of the Secret's files."""
    files = {"console.token": "t" * 40, "fleet.key": bytes(range(32)).hex(), "redis.password": "a long password of it"}
    for name, content in files.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_the_file_of_a_pod_can_be_used(helm, secrets):
    text = file_of(render(helm))
    assert "workers=2\n" in text
    settings, problems = read_in(secrets, text)
    assert [problem for problem in problems if problem.is_error] == []
    assert settings.fleet is not None
    assert settings.gateway.console is not None


PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
TLS = {"console": {"certFile": "console.crt", "keyFile": "console.key"}}


def schemes(rendered: dict[str, list[Any]]) -> set[str]:
    (container,) = pod(rendered)["containers"]
    return {container[probe]["httpGet"]["scheme"] for probe in PROBES}


def test_probes_speak_as_the_console_does(helm, secrets):
    """The kubelet that spoke HTTP to a certificate would start the pod anew for ever."""
    for name, content in zip(("console.crt", "console.key"), certificate(), strict=True):
        (secrets / name).touch(mode=0o600)
        (secrets / name).write_bytes(content)
    for more, scheme, has_certificate in (({}, "HTTP", False), (TLS, "HTTPS", True)):
        rendered = render(helm, more)
        settings, problems = read_in(secrets, file_of(rendered))
        assert settings.gateway.console is not None
        assert (settings.gateway.console.certificate is not None) == has_certificate
        assert any("console_tls_cert_file" in str(problem) for problem in problems) != has_certificate
        assert schemes(rendered) == {scheme}


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_console_is_at_every_address_of_either_family(helm, secrets, host):
    settings, problems = read_in(secrets, file_of(render(helm, {"console": {"host": host}})))
    assert [problem for problem in problems if problem.is_error] == []
    assert settings.gateway.console is not None
    assert (settings.gateway.console.host, settings.gateway.console.port) == (host, 8480)


def test_pods_in_the_hosts_network_are_one_a_node_and_have_no_balancer(helm):
    rendered = render(helm)
    assert pod(rendered)["hostNetwork"] is True
    assert pod(rendered)["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "DoNotSchedule"
    (headless,) = rendered["services.yaml"]
    assert headless["spec"]["clusterIP"] == "None"


def test_each_pod_has_an_address_where_that_is_asked_for(helm):
    more = {"service": {"mode": "perPod", "loadBalancerIPs": ["10.0.0.7"]}, "replicas": 3}
    rendered = render(helm, more)
    assert "hostNetwork" not in pod(rendered)
    _, *each = rendered["services.yaml"]
    assert [service["metadata"]["name"] for service in each] == ["rg-0", "rg-1", "rg-2"]
    for number, service in enumerate(each):
        assert service["spec"]["externalTrafficPolicy"] == "Local"
        assert service["spec"]["selector"]["statefulset.kubernetes.io/pod-name"] == f"rg-{number}"
    assert [service["spec"].get("loadBalancerIP") for service in each] == ["10.0.0.7", None, None]


def test_one_balancer_keeps_the_clients_addresses(helm):
    rendered = render(helm, {"service": {"mode": "loadBalancer", "annotations": {"a": "b"}}})
    _, service = rendered["services.yaml"]
    assert service["spec"]["externalTrafficPolicy"] == "Local"
    assert service["metadata"]["annotations"] == {"a": "b"}


def test_every_port_is_open_everywhere(helm):
    policy = {"networkPolicy": {"enabled": True, "clients": ["10.0.1.0/24"]}}
    rendered = render(helm, {"ports": [1812, 1645], "service": {"mode": "perPod"}}, policy)
    ports = [each["containerPort"] for each in pod(rendered)["containers"][0]["ports"]]
    assert ports == [1812, 1645, 8480]
    for service in rendered["services.yaml"]:
        assert {1812, 1645} <= {each["port"] for each in service["spec"]["ports"]}
    (rule,) = rendered["networkpolicy.yaml"][0]["spec"]["ingress"]
    assert [each["port"] for each in rule["ports"]] == [1812, 1645]


def test_networks_are_of_either_family(helm):
    networks = ["10.0.1.0/24", "2001:db8::/32", "::/0"]
    policy = {"networkPolicy": {"enabled": True, "clients": networks, "console": networks}}
    (found,) = render(helm, {"service": {"mode": "perPod"}}, policy)["networkpolicy.yaml"]
    for rule in found["spec"]["ingress"]:
        assert [each["ipBlock"]["cidr"] for each in rule["from"]] == networks


def test_what_labels_select_they_are_on(helm):
    rendered = render(helm)
    (stateful,), (budget,) = rendered["statefulset.yaml"], rendered["poddisruptionbudget.yaml"]
    labels = stateful["spec"]["template"]["metadata"]["labels"].items()
    for selector in (stateful["spec"]["selector"], budget["spec"]["selector"]):
        assert selector["matchLabels"].items() <= labels


def test_a_node_can_be_drained_while_every_pod_is_unready(helm):
    """As in an outage of Duo with failmode=secure; by default none may go then that is not ready."""
    (budget,) = render(helm)["poddisruptionbudget.yaml"]
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    (oldest,) = re.findall(r'^kubeVersion: ">=1\.(\d+)\.', (CHART / "Chart.yaml").read_text(), re.MULTILINE)
    assert int(oldest) >= 26  # no API server before that one knows it


def test_another_file_restarts_pods(helm):
    def checksum(*more: dict[str, Any]) -> str:
        template = render(helm, *more)["statefulset.yaml"][0]["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum() == checksum()
    assert checksum() != checksum({"fleet": {"whenIsolated": "silent"}})


def test_a_pod_may_serve_on_before_it_stops(helm):
    lifecycle = pod(render(helm, {"preStopSeconds": 15}))["containers"][0]["lifecycle"]
    assert lifecycle["preStop"]["exec"]["command"] == ["sleep", "15"]
    assert "lifecycle" not in pod(render(helm))["containers"][0]


@pytest.mark.parametrize(
    ("more", "grace_s"),
    [
        ({}, 90),
        ({"preStopSeconds": 15}, 105),  # a kubelet counts it within the grace
        ({"preStopSeconds": 120, "drainTimeoutSeconds": 300, "fleet": {"enabled": False}}, 440),
        ({"terminationGracePeriodSeconds": 30}, 90),
        ({"terminationGracePeriodSeconds": 30, "drainTimeoutSeconds": 0}, 30),
        ({"terminationGracePeriodSeconds": 600}, 600),
    ],
)
def test_a_pod_is_not_killed_while_it_serves_on_or_drains(helm, secrets, more, grace_s):
    rendered = render(helm, more)
    assert pod(rendered)["terminationGracePeriodSeconds"] == grace_s
    settings, _ = read_in(secrets, file_of(rendered))
    assert grace_s >= more.get("preStopSeconds", 0) + settings.gateway.drain_timeout_s + MARGIN_S


def size_of_run(rendered: dict[str, list[Any]]) -> str:
    (run,) = (volume["emptyDir"] for volume in pod(rendered)["volumes"] if volume["name"] == "run")
    assert run["medium"] == "Memory"
    return str(run["sizeLimit"])


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_the_journals_of_a_reload_have_room(helm, workers):
    journal = create_journal(math.ceil(int(GATEWAY["max_pending"]) / workers))
    size = os.fstat(journal).st_size
    os.close(journal)
    mebibytes = int(size_of_run(render(helm, {"workers": workers})).removesuffix("Mi"))
    assert mebibytes * 2**20 >= (2 * workers + 1) * size  # the last one is made only where twice its size is free


def test_journals_have_the_room_that_is_asked_for(helm):
    assert size_of_run(render(helm, {"runSizeLimit": "1Gi"})) == "1Gi"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("workers=4", "workers"),
        ("drain_timeout_s=300", "drainTimeoutSeconds"),
        ("console=[::]:8480", "console.host and console.port"),
        (" Console_Token_File : /secrets/token", "console.tokenFile"),
        ("console_tls_cert_file=/secrets/console.crt", "console.certFile"),
        ("console_tls_key_file=/secrets/console.key", "console.keyFile"),
    ],
)
def test_what_the_chart_writes_is_not_written_twice(helm, line, value):
    """A pod would not start, or probes would not fit."""
    with pytest.raises(Exception, match=f"gateway: .* is for the chart to write; set {value}"):
        render(helm, {"gateway": f"metrics=brief\n{line}\n"})


def test_further_lines_are_the_operators(helm):
    line = "; workers=4 was too many\nmetrics=brief"
    assert f"\n{line}\n" in file_of(render(helm, {"gateway": line}))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"config": ""}, "config:"),
        ({"secret": ""}, "secret:"),
        ({"fleet": {"engine": ""}}, "fleet.engine:"),
        ({"networkPolicy": {"enabled": True}}, "networkPolicy.enabled:"),
        ({"service": {"mode": "perPod"}, "networkPolicy": {"enabled": True}}, "networkPolicy.clients:"),
        ({"service": {"mode": "nodePort"}}, "mode"),
        ({"ports": [80]}, "ports"),
        ({"replica": 3}, "replica"),
        ({"runSizeLimit": "16"}, "runSizeLimit"),
        ({"drainTimeoutSeconds": 3601}, "drainTimeoutSeconds"),
        ({"console": {"host": "127.0.0.1"}}, "console/host"),  # where no kubelet asks
        ({"console": {"certFile": "console.crt"}}, "console.keyFile:"),
        ({"console": {"keyFile": "console.key"}}, "console.certFile:"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(helm, more, words):
    with pytest.raises(Exception, match=words):
        render(helm, more)


def test_without_a_fleet_there_is_none(helm):
    assert "[fleet]" not in file_of(render(helm, {"fleet": {"enabled": False, "engine": ""}}))
