"""What the bench needs beyond the gateway, and a word for whoever has not got it."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.endings import in_order

EXTRA = ("duo_client", "matplotlib", "numpy")  # what the extra `bench` of the package adds
_TREE = Path(__file__).parents[1]


def run(module: str, arguments: Any = None) -> int:
    """Run `main` of a module, imported only now, whose work may need the extra; return its exit status.

    3 without the extra, 130 when it was interrupted; other signals end it in order too.
    """
    try:
        with in_order():
            status: int = import_module(module).main(arguments)
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing not in EXTRA:
            raise
        print(f"this needs {missing}; install it with: {how_to_install(_TREE)}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return status


def how_to_install(tree: Path) -> str:
    """Return the command that adds the extra to this Python, where the packages have been found in this folder."""
    what = "radgate"
    if (tree / "pyproject.toml").is_file():
        what = "." if tree == Path.cwd() else str(tree)
    return f"{sys.executable} -m pip install '{what}[bench]'"
