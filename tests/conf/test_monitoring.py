"""The dashboard and the alert rules: they hold water, and ask for nothing that there is not."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.console.exposition import exposition
from gateway.words.reasons import LEADS_ON, OUTCOME_OF, Outcome, Reason
from tests.console.scene import Gateway
from tests.supervisor.fleet_scene import fleet_of

ROOT = Path(__file__).parents[2]
RULES = ROOT / "conf/monitoring/radgate.rules.yml"
DASHBOARD = ROOT / "conf/monitoring/grafana-dashboard.json"
DOCUMENT = ROOT / "docs/console.md"
DIRECTORIES = ROOT / "gateway/console/static/directories.js"
GATEWAY = Gateway()
GATEWAY.changes_secrets()
GATEWAY.asks_first()
GATEWAY.mode = "challenge"
STATUS = {**GATEWAY.status, "fleet": fleet_of()}

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def promtool(*arguments: str) -> None:
    said = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said.stdout + said.stderr


def expressions() -> list[str]:
    """Every expression of the dashboard, with Grafana's variables filled in."""
    found = re.findall(r'"expr": ("(?:[^"\\]|\\.)*")', DASHBOARD.read_text())
    return [re.sub(r"\$(__)?[a-z_]{2,}", _filled_in, json.loads(each)) for each in found]


def _filled_in(variable: re.Match[str]) -> str:
    return "5m" if variable[1] else ".*"


@needs_promtool
def test_prometheus_takes_the_rules():
    promtool("check", "rules", str(RULES))


@needs_promtool
def test_alerts_are_raised_by_what_they_are_for(tmp_path):
    text = (Path(__file__).parent / "radgate.rules.test.yml").read_text()
    (tmp_path / "test.yml").write_text(text.replace("RULES", str(RULES)))
    promtool("test", "rules", str(tmp_path / "test.yml"))


def test_every_alert_is_tried_where_it_should_be_raised_and_where_it_should_not():
    text = (Path(__file__).parent / "radgate.rules.test.yml").read_text()
    alerts = re.findall(r"alert: (\w+)", RULES.read_text())
    quiet = set(re.findall(r"alertname: (\w+), exp_alerts: \[\]", text))
    raised = set(re.findall(r'alertname="(\w+)"', text))
    assert quiet == raised == set(alerts)


def reasons_of_the_page(name: str) -> set[str]:
    """The reasons of one of the page's sets."""
    (found,) = re.findall(rf"^const {name} = new Set\(\[(.*)\]\);$", DIRECTORIES.read_text(), re.MULTILINE)
    return set(json.loads(f"[{found}]"))


def logins_of_the_rules() -> set[str]:
    """The reasons that are a login to the rules, which name what is none."""
    (none,) = set(re.findall(r"replies_total\{(reply!=[^}]*)\}", RULES.read_text()))
    (reason,) = re.findall(r'^reply!="Access-Challenge", reason!="(\w+)"$', none)
    return {each.value for each in Reason if OUTCOME_OF[each] is not Outcome.CHALLENGE} - {reason}


def test_page_and_rules_mean_the_same_by_logins_and_by_rejects():
    assert reasons_of_the_page("ACCEPTED") == {
        reason.value for reason, outcome in OUTCOME_OF.items() if outcome is Outcome.ACCEPT
    }
    assert reasons_of_the_page("LEADS_ON") == {reason.value for reason in LEADS_ON}
    assert logins_of_the_rules() == {reason.value for reason in set(Reason) - LEADS_ON}


def test_every_alert_names_a_page_that_there_is_and_its_heading():
    text = RULES.read_text()
    pages = re.findall(r"^ +runbook_url: (\S+)", text, re.MULTILINE)
    assert len(pages) == len(re.findall(r"alert: ", text))
    for page in pages:
        path, _, anchor = page.partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, page


def test_only_what_concerns_one_person_is_told_by_section():
    """An outage of 200 sections is one alert."""
    text = RULES.read_text()
    by_section = re.findall(r"alert: (\w+)\n        expr: sum by \([^)]*server", text)
    assert by_section == ["RadgateFraud"]


@needs_promtool
def test_prometheus_takes_every_expression_of_the_dashboard(tmp_path):
    assert len(expressions()) > 15
    rules = "".join(f"\n    - record: r{n}\n      expr: {json.dumps(each)}" for n, each in enumerate(expressions()))
    (tmp_path / "rules.yml").write_text(f"groups:\n- name: dashboard\n  rules:{rules}\n")
    promtool("check", "rules", str(tmp_path / "rules.yml"))


@pytest.mark.parametrize("path", [RULES, DASHBOARD, DOCUMENT], ids=lambda path: path.name)
def test_only_metrics_that_there_are(path):
    lines = exposition(STATUS).decode().splitlines()
    there = {re.match(r"\w+", line)[0] for line in lines if not line.startswith("#")}
    asked = set(re.findall(r"\bradgate_[a-z_]+\b", path.read_text()))
    families = {re.sub("_(bucket|count|sum)$", "", name) for name in there}
    assert asked <= there | families


def test_the_document_names_every_metric_and_alert():
    text = DOCUMENT.read_text()
    metrics = re.findall(r"^# TYPE (\w+) (\w+)$", exposition(STATUS).decode(), re.MULTILINE)
    assert [name for name, _ in metrics if f"`{name}`" not in text] == []
    assert [name for name in re.findall(r"alert: (\w+)", RULES.read_text()) if f"`{name}`" not in text] == []


def test_the_dashboard_is_one():
    dashboard = json.loads(DASHBOARD.read_text())
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(numbers) == len(set(numbers))
    assert all(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    assert dashboard["templating"]["list"][0]["name"] == "datasource"


def test_no_two_panels_lie_on_each_other():
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in json.loads(DASHBOARD.read_text())["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert all(x < 24 for x, _ in taken)


@pytest.mark.parametrize("metric", ["first_factor_seconds_bucket", "first_factor_questions_total", "first_factor_up"])
def test_it_shows_how_first_factors_do(metric):
    assert [each for each in expressions() if f"radgate_{metric}{{" in each]
