"""The container's recipe agrees with the gateway: no container is built here, for that needs a registry."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from gateway.cli.main import DEFAULT_CONFIG, build_parser
from gateway.cli.stop import MARGIN_S
from gateway.config.general import GATEWAY
from gateway.config.surroundings import Surroundings, read_disk

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "conf" / "container"
RECIPE = (FOLDER / "Containerfile").read_text().replace("\\\n", " ")
COMPOSE = (FOLDER / "compose.yaml").read_text()
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
    assert set(COPIED) >= {"pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], "gateway"}
    assert str(Path(HOOK).parent) in COPIED
    assert {shared.partition("/")[0] for shared in WHEEL["shared-data"]} <= set(COPIED)
    (constraints,) = re.findall(r" -c (\S+)", RECIPE)
    assert (ROOT / constraints).is_file()


def stage(name: str) -> str:
    """Return the lines of a stage; the last one has no name."""
    stages = re.split(r"^FROM ", RECIPE, flags=re.MULTILINE)[1:]
    (found,) = [each for each in stages if (re.findall(r"^\S+ AS (\S+)$", each.partition("\n")[0]) or [""])[0] == name]
    return found


def test_production_has_neither_bench_nor_pip_nor_compiler():
    """The last stage is what is built unless one is named."""
    assert "bench" not in stage("build") + stage("bare") + stage("")
    assert re.findall(r"^COPY .*", stage(""), re.MULTILINE) == ["COPY --from=build /opt/radgate /opt/radgate"]
    assert "venv --without-pip" in stage("build")
    assert "rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/site-packages/*" in stage("bare")
    assert not re.findall("apt-get|pip install", stage("bare") + stage(""))


def test_the_base_can_be_named_by_its_digest():
    assert re.findall(r"^FROM (\S+)", RECIPE, re.MULTILINE) == ["${BASE}", "build", "${BASE}", "bare", "bare"]
    assert "--build-arg BASE=docker.io/library/python@sha256:DIGEST" in RECIPE


def test_it_is_labelled():
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="(.*?)"', stage("")))
    assert labels["title"] == PROJECT["name"]
    assert labels["licenses"] == PROJECT["license"]
    assert (labels["version"], labels["revision"]) == ("${VERSION}", "${REVISION}")


def test_the_ports_are_those_that_are_listened_on():
    (exposed,) = re.findall("^EXPOSE (.*)$", RECIPE, re.MULTILINE)
    assert exposed.split() == ["1812/udp", f"{str(GATEWAY['console']).rpartition(':')[2]}/tcp"]


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_hadolint_finds_nothing():
    looked = subprocess.run(["hadolint", str(FOLDER / "Containerfile")], capture_output=True, text=True)
    assert (looked.returncode, looked.stdout) == (0, "")


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
