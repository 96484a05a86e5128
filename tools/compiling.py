"""Compiles the hot path with mypyc while a wheel is built; where that cannot be done the build goes on without.

hatchling loads this file as its hook; the modules stand beside its name in pyproject.toml. `RADGATE_PURE=1` does not
try, `RADGATE_PURE=0` makes a failure an error, and no other value is taken. All is done in a folder of its own: a
build that is killed leaves the tree as it was. pip hides what a build says, so the reason goes into the package, for
`radgate version` to tell.

`python tools/compiling.py` compiles in place, for `tools/compile`, and with the name of a folder there.
`RADGATE_QUICK=1` has the C compiler optimise nothing, which is a fifth of its work: the form of the tests. A login
costs about as much as interpreted then: no figure of CPU is to be taken of it.
"""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "gateway"
NOTE = f"{PACKAGE}/interpreted.txt"  # gateway/supervisor/form.py reads it
HEADER = "Python.h"
SETUPTOOLS = "setuptools>=75"  # as in pyproject.toml
FASTER = ("-fno-semantic-interposition", "-fno-plt")  # calls go where they go without a look into a table
NOT_SOURCE = shutil.ignore_patterns("*.so", "__pycache__")
SETUP = """\
import os, sys
from mypyc.build import mypycify
from setuptools import setup

divided = sys.argv.index("--")
flags, modules = sys.argv[1:divided], sys.argv[divided + 1 :]
# Types are checked by `make test`, strictly; a warning of somebody's compiler is no reason to go without. GCC's for
# misleading indentation is most of its work: mypyc indents each function further, to a hundred megabytes of blanks.
opt_level = "0" if os.environ.get("RADGATE_QUICK") == "1" else "3"
extensions = mypycify(["--config-file=", *modules], opt_level=opt_level, debug_level="0", group_name="gateway")
for each in extensions:
    each.extra_compile_args = [*each.extra_compile_args, "-w", "-Wno-misleading-indentation", *flags]
    if os.environ.get("RADGATE_SYMBOLS") != "1":  # profilers need them, nobody else
        each.extra_link_args.append("-Wl,--strip-all")
setup(name="radgate", ext_modules=extensions, script_args=["build_ext", "--inplace", f"-j{os.cpu_count()}"])
"""


class CannotCompileError(Exception):
    """Why not, in one line."""


class CompileHook(BuildHookInterface[Any]):
    """Adds the compiled modules to the wheel, or the reason why there are none."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what compiling needs: nothing where it cannot be done.

        mypy is that of the tests, for what it makes is what runs. Of the others any version will do that is good for
        the installation: an index that lacks one would end that. Who insists gets all as tested, for the same octets.
        """
        if self.target_name != "wheel" or obstacle():
            return []
        own = self.metadata.core.dependencies
        if wish() == "0":
            return locked("mypy", "setuptools", *map(name_of, own))
        return [*locked("mypy"), SETUPTOOLS, *own]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, or note why not; an editable installation is for those who change the source."""
        if self.target_name != "wheel" or version == "editable":
            return
        self._room = tempfile.TemporaryDirectory(prefix="radgate-build-")
        room = Path(self._room.name)
        try:
            build_data["force_include"].update(
                {str(room / path): path for path in compiled(room, self.config["modules"])}
            )
            build_data.update(pure_python=False, infer_tag=True)
        except CannotCompileError as error:
            if wish() == "0":
                raise
            self.app.display_warning(f"The hot path is not compiled, and a login costs some 2.5 times the CPU: {error}")
            (room / "note").write_text(f"{error}\n")
            build_data["force_include"][str(room / "note")] = NOTE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind once the wheel is written."""
        del version, build_data, artifact_path
        if hasattr(self, "_room"):
            self._room.cleanup()


def compiled(room: Path, modules: list[str]) -> list[str]:
    """Compile a copy of the package in an empty folder; return the paths of what was made, from there.

    Raises:
        CannotCompileError: the text says why.
    """
    if why_not := obstacle():
        raise CannotCompileError(why_not)
    shutil.copytree(ROOT / PACKAGE, room / PACKAGE, ignore=NOT_SOURCE)
    asked = [sys.executable, "-c", SETUP, *filter(takes, (*FASTER, *placeless())), "--", *modules]
    environment = {**os.environ, "CC": shlex.join(compiler())}
    ended = subprocess.run(
        asked, cwd=room, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if ended.returncode != 0:
        print(ended.stdout, file=sys.stderr)
        raise CannotCompileError(f"mypyc or the C compiler failed: {telling_line(ended.stdout)}")
    return [str(path.relative_to(room)) for path in (*room.glob("*.so"), *room.glob(f"{PACKAGE}/**/*.so"))]


def placeless() -> list[str]:
    """Return the flag by which no module tells where mypyc lay: in a folder of pip's with another name each time."""
    found = importlib.util.find_spec("mypyc")
    folders = found.submodule_search_locations if found else None
    return [f"-ffile-prefix-map={folder}=mypyc" for folder in folders or ()]


def obstacle() -> str:
    """Return what keeps the compiler from its work, or nothing."""
    if wish() == "1":
        return "RADGATE_PURE=1 asked for it when its wheel was built"
    command = compiler()
    if shutil.which(command[0]) is None:
        return f"there was no C compiler ({command[0]}) when it was installed"
    folders = [sysconfig.get_path("include"), sysconfig.get_path("platinclude")]
    if not any(Path(folder, HEADER).exists() for folder in folders):
        return f"there was no {HEADER} of Python {sysconfig.get_python_version()} when it was installed"
    includes = [f"-I{folder}" for folder in folders]
    syntax_only = [*command, *includes, "-fsyntax-only", "-x", "c", "-"]
    trial = tried(syntax_only, f"#include <{HEADER}>\n")
    return f"the C compiler ({command[0]}) does not work: {telling_line(trial.stderr)}" if trial.returncode else ""


def wish() -> str:
    """Return what RADGATE_PURE says: 1, 0 or nothing."""
    said = os.environ.get("RADGATE_PURE", "")
    if said not in ("1", "0", ""):
        sys.exit(f"RADGATE_PURE={said}: write 1 for the interpreted form, or 0 for an error where there is no other")
    return said


def takes(flag: str) -> bool:
    """Whether the compiler knows a flag: one that it does not must cost no build."""
    return tried([*compiler(), "-Werror", flag, "-fsyntax-only", "-x", "c", "-"], "").returncode == 0


def tried(command: list[str], source: str) -> subprocess.CompletedProcess[str]:
    """Run a compiler; one that the kernel does not run, of another architecture say, is one that failed."""
    try:
        return subprocess.run(command, input=source, text=True, capture_output=True, check=False)
    except OSError as error:
        return subprocess.CompletedProcess(command, 126, "", str(error))


def compiler() -> list[str]:
    """Return the command of the one that was asked for, or that made this Python, or of any that is there."""
    if asked := os.environ.get("CC"):
        return shlex.split(asked)
    known = [*filter(None, [sysconfig.get_config_var("CC")]), "cc", "gcc", "clang"]
    commands = [shlex.split(each) for each in known]
    return next((each for each in commands if shutil.which(each[0])), ["cc"])


def telling_line(output: str) -> str:
    """Return the first line that names an error, or else the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    return next((line for line in lines if "error:" in line.lower()), lines[-1])[:200]


def locked(*names: str) -> list[str]:
    """Return these packages in the versions that the tests are run with."""
    lines = (ROOT / "requirements" / "dev.lock").read_text().splitlines()
    return [line for line in lines if re.match(r"\w", line) and name_of(line) in names]


def name_of(requirement: str) -> str:
    """Return which package a requirement is about."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def main(folder: Path) -> None:
    """Compile in place, or into a folder that gets the package as a whole."""
    if folder != ROOT:
        shutil.copytree(ROOT / PACKAGE, folder / PACKAGE, ignore=NOT_SOURCE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    modules = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]
    with tempfile.TemporaryDirectory(prefix="radgate-build-") as room:
        for path in compiled(Path(room), modules):
            shutil.copy2(Path(room, path), folder / path)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
    except CannotCompileError as error:
        sys.exit(f"The hot path cannot be compiled: {error}")
