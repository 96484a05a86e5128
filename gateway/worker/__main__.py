"""A worker process, started by the supervisor: `python -m gateway.worker SLOT ORDERS_FD`; the slot is for `ps` to show.

Everything it needs comes through inherited descriptors, which its orders name: settings in memfds, bound sockets, the
journals of workers from which it takes over, and a channel to the supervisor. When the channel closes, the supervisor
is gone: the worker ends, and leaves logins that wait for a person to its journal, which the next gateway finds.
"""

import asyncio
import signal
import sys
import traceback

import uvloop

from gateway.ipc.holders import sign
from gateway.ipc.memory import read_memfd
from gateway.ipc.orders import CANNOT_START, Orders, decode_orders
from gateway.logs.setup import log_internal_error, stop_logging
from gateway.this_process import keep_memory_private, name_process, worker_name
from gateway.worker.assembly import CannotStartError
from gateway.worker.running import run

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or the supervisor's end; return the exit status."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # a terminal sends them to the whole group; the supervisor alone decides
    keep_memory_private()
    orders = decode_orders(read_memfd(int(arguments[-1])))
    sign(orders.journal_fd)
    name_process(worker_name(orders.slot))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(run(orders))
        except CannotStartError as error:
            print(f"radgate worker {orders.slot}: {error}", file=sys.stderr)  # noqa: T201 -- the supervisor logs it
            return CANNOT_START
        except Exception as error:  # noqa: BLE001 -- our own mistake, told without its text as any other
            _tell(error, orders)
            return INTERNAL_ERROR
        finally:
            stop_logging()
    return 0


def _tell(error: Exception, orders: Orders) -> None:
    log_internal_error(f"Internal error, worker {orders.slot} exits", error)
    traceback.print_tb(error.__traceback__)
    print(f"radgate worker {orders.slot}: internal error, {type(error).__name__}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
