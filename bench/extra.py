"""What the bench needs beyond the gateway, and a word for whoever has not got it."""

import sys
from collections.abc import Sequence
from importlib import import_module

from bench.endings import in_order

EXTRA = ("duo_client", "matplotlib", "numpy")  # what `pip install 'radgate[bench]'` adds


def run(module: str, arguments: Sequence[str] | None = None) -> int:
    """Run `main` of a module that needs the extra, imported only now; return its exit status.

    3 without the extra, 130 when it was interrupted; other signals end it in order too.
    """
    try:
        with in_order():
            status: int = import_module(module).main(arguments)
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing not in EXTRA:
            raise
        print(f"the bench needs {missing}: pip install 'radgate[bench]'", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return status
