"""The package as installed elsewhere: a wheel with all its files, whose command works in an environment of its own."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import gateway
from gateway import __version__
from tests.config.files import MINIMAL

pytestmark = pytest.mark.integration

ROOT = Path(gateway.__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=120,
        env={
            **os.environ,
            "RADGATE_PURE": "1",
            "RADGATE_BENCH": "",
        },  # tests/tools/test_compiling.py has the compiled form
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("radgate-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that has the wheel; the libraries it needs are those of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    command = [*PIP, "--python", str(folder / "bin" / "python"), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True, timeout=120)
    return folder / "bin"


def run(installed: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
    program, *arguments = command
    return subprocess.run(
        [str(installed / program), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        cwd=installed,
    )


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path):
    """Pages, styles, scripts and the dictionary too, whatever they are called."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "gateway").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources - packed == set()


def test_documentation_unit_and_samples_are_in_the_wheel(wheel: Path):
    packed = set(zipfile.ZipFile(wheel).namelist())
    shared = f"radgate-{__version__}.data/data/share/"
    for folder in ("docs", "conf"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{shared}radgate/{path.relative_to(ROOT)}" in packed
    assert {f"{shared}man/man1/radgate.1", f"{shared}man/man5/radgate.cfg.5"} <= packed


def test_nothing_else_is_in_the_wheel(wheel: Path):
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"gateway", f"radgate-{__version__}.data", f"radgate-{__version__}.dist-info"}


def test_the_command_tells_where_they_are(installed: Path):
    lines = run(installed, "radgate", "files").stdout.splitlines()[::2]
    assert len(lines) >= 12
    for line in lines:
        name, path = line.split(maxsplit=1)
        assert Path(path).exists(), name
        assert path.startswith(str(installed.parent))
    unit = run(installed, "radgate", "files", "unit").stdout.strip()
    assert Path(unit).read_text() == (ROOT / "conf/radgate.service").read_text()
    explained = run(installed, "radgate", "explain", "duo_denied").stdout
    (document,) = [line.split("more: ")[1] for line in explained.splitlines() if "more: " in line]
    assert Path(document.partition("#")[0]).is_file()


def test_man_finds_the_page_by_the_path_of_the_command(installed: Path):
    assert (installed.parent / "share/man/man1/radgate.1").is_file()


def test_production_gets_no_bench(wheel: Path):
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("bench/")]


def test_from_the_source_the_extra_is_that_source(tmp_path: Path):
    """So that `pip install '.[bench]'` needs no index for it."""
    told = (
        "from hatchling.metadata.core import ProjectMetadata as M; from hatchling.plugin.manager import PluginManager"
    )
    shown = "print(M('.', PluginManager()).core.optional_dependencies['bench'])"
    asked = subprocess.run(
        [sys.executable, "-c", f"{told}; {shown}"], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    assert f"radgate-bench @ {(ROOT / 'bench').as_uri()}" in asked.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what is uploaded."""
    folder = tmp_path_factory.mktemp("dist")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [ROOT / "tools" / "build_dist", folder]
    built = subprocess.run(command, capture_output=True, text=True, timeout=240, env={**os.environ, "PATH": path})
    assert built.returncode == 0, built.stderr
    return folder


def test_what_is_uploaded_names_no_folder_of_ours(dist: Path):
    packed = zipfile.ZipFile(dist / f"radgate-{__version__}-py3-none-any.whl")
    (metadata,) = (packed.read(name).decode() for name in packed.namelist() if name.endswith("/METADATA"))
    assert f"Requires-Dist: radgate-bench=={__version__}; extra == 'bench'\n" in metadata
    assert "file:" not in metadata


def test_the_bench_is_a_distribution_of_its_own(dist: Path):
    packed = set(zipfile.ZipFile(dist / f"radgate_bench-{__version__}-py3-none-any.whl").namelist())
    assert {"bench/__main__.py", "bench/simulator/__main__.py", "bench/simulator/static/page.js"} <= packed
    assert "bench/pyproject.toml" not in packed


def test_the_source_has_all_that_a_build_needs(dist: Path):
    with tarfile.open(dist / f"radgate-{__version__}.tar.gz") as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"tools/compiling.py", "requirements/dev.lock", "bench/pyproject.toml", "gateway/__init__.py"} <= names


def test_it_is_itself_that_is_installed(installed: Path):
    found = run(installed, "python", "-c", "import gateway; print(gateway.__file__)").stdout
    assert found.startswith(str(installed.parent))


def test_the_command_tells_its_version(installed: Path):
    told = run(installed, "radgate", "version")
    assert (told.returncode, told.stderr) == (0, "")
    assert f"radgate {__version__}\n" in told.stdout
    assert "hot path interpreted: RADGATE_PURE=1 asked for it when its wheel was built\n" in told.stdout


def test_the_command_checks_a_file(installed: Path, tmp_path: Path):
    config = tmp_path / "authproxy.cfg"
    config.write_text(MINIMAL)
    config.chmod(0o600)
    assert run(installed, "radgate", "check", "--config", str(config)).returncode == 0
    config.write_text(MINIMAL + "failmode=saef\n")
    faulty = run(installed, "radgate", "check", "--config", str(config))
    assert faulty.returncode == 2
    assert "write safe or secure" in faulty.stdout
