"""The container's recipe agrees with the gateway: no container is built here, for that needs a registry."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from gateway.cli.main import DEFAULT_CONFIG, build_parser
from gateway.cli.stop import MARGIN_S
from gateway.config.general import GATEWAY
from gateway.config.surroundings import Surroundings, read_disk

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "conf" / "container" / "Containerfile").read_text().replace("\\\n", " ")
COMPOSE = (ROOT / "conf" / "container" / "compose.yaml").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
WHEEL = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
HOOK = WHEEL["hooks"]["custom"]["path"]
ENVIRONMENT = dict(word.split("=", 1) for word in shlex.split(re.findall("^ENV (.*)", RECIPE, re.MULTILINE)[-1]))
COPIED = [source for line in re.findall("^COPY (?!--from)(.*)", RECIPE, re.MULTILINE) for source in line.split()[:-1]]


def words(instruction: str) -> list[str]:
    (found,) = re.findall(rf"^{instruction}\b.*?(\[.*\])$", RECIPE, re.MULTILINE)
    listed: list[str] = json.loads(found)
    return listed


@pytest.mark.parametrize("source", COPIED)
def test_what_is_copied_is_there(source: str):
    assert (ROOT / source).exists()


def test_all_that_the_build_needs_is_copied():
    assert set(COPIED) >= {"pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], "gateway", "bench"}
    assert str(Path(HOOK).parent) in COPIED
    assert {shared.partition("/")[0] for shared in WHEEL["shared-data"]} <= set(COPIED)
    (constraints,) = re.findall(r" -c (\S+)", RECIPE)
    assert (ROOT / constraints).is_file()


def test_an_image_is_compiled_or_none():
    assert "ENV RADGATE_PURE=0\n" in RECIPE


def test_the_commands_are_those_of_the_package():
    assert words("ENTRYPOINT") == ["radgate"]
    assert "radgate" in PROJECT["scripts"]
    parser = build_parser()
    assert parser.parse_args(words("CMD")).command
    command, *arguments = words("HEALTHCHECK")
    assert command == "radgate"
    assert parser.parse_args(arguments).command


def test_the_python_is_one_that_the_package_supports():
    versions = set(re.findall(r"python:3\.(\d+)-", RECIPE))
    assert len(versions) == 1
    assert f"Programming Language :: Python :: 3.{versions.pop()}" in PROJECT["classifiers"]


def test_nobody_is_root_and_the_folder_for_sockets_is_the_users():
    (user,) = re.findall(r"^USER (\d+):\d+$", RECIPE, re.MULTILINE)
    assert int(user) > 0
    surroundings = Surroundings(folder="/", read_file=read_disk, environment=ENVIRONMENT, user_id=int(user))
    assert f"- {surroundings.run_dir}:uid={user}," in COMPOSE


def test_the_file_is_where_the_command_looks_for_it():
    assert ENVIRONMENT["RADGATE_CONFIG"] == DEFAULT_CONFIG
    assert f"- {Path(DEFAULT_CONFIG).parent}:{Path(DEFAULT_CONFIG).parent}:ro" in COMPOSE


def test_nothing_more_is_permitted_than_is_needed():
    for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "network_mode: host"):
        assert line in COMPOSE


def test_a_stop_has_time_and_pending_logins_have_descriptors():
    (grace_s,) = re.findall(r"stop_grace_period: (\d+)s", COMPOSE)
    assert float(grace_s) >= float(GATEWAY["drain_timeout_s"]) + MARGIN_S
    (n_files,) = re.findall(r"nofile: (\d+)", COMPOSE)
    assert int(n_files) > 2 * int(GATEWAY["max_pending"])
