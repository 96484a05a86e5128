"""`radgate login`, as the supervisor performs it: it has the secrets, wherever they came from, and hands none out."""

from typing import Annotated

import msgspec

from gateway.config.login_client import login_client
from gateway.config.names import find_server
from gateway.config.problems import ConfigError, Problem
from gateway.config.settings import ServerSettings, Settings
from gateway.config.writing import explain_error
from gateway.supervisor.helper import run_helper
from gateway.supervisor.login_helper import LoginOrders, LoginOutcome

HELPER_MODULE = "gateway.supervisor.login_helper"
LONGEST_S = 600.0
MOST_NAMED = 20  # sections that an error names
MARGIN_S = 10.0  # for the start of the process that asks

Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=LONGEST_S)]


class LoginQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants to log in, by what they typed.

    Attributes:
        password: or, in duo_only, the factor; or the answer to the challenge that `state` belongs to.
        factor: what is typed behind the password; None for nothing.
        state: of the challenge that is answered; empty for none.
        server: the section to ask, or its name; None is the first.
        timeout_s: how long an answer is waited for.
    """

    user: bytes
    password: bytes
    factor: bytes | None = None
    state: bytes = b""
    server: str | None = None
    timeout_s: Seconds

    def __repr__(self) -> str:
        return f"<LoginQuestion server={self.server}>"


async def log_in(settings: Settings, question: LoginQuestion) -> LoginOutcome:
    """Return what became of a login at the section that the question names.

    Raises:
        ConfigError: there is no such section, or it cannot be asked this way.
    """
    server = _choose_server(settings, question.server)
    typed = _typed(server, question, settings.path)
    client = login_client(settings, server)
    orders = LoginOrders(
        **client._asdict(), user=question.user, password=typed, state=question.state, timeout_s=question.timeout_s
    )
    try:
        end = await run_helper([HELPER_MODULE], question.timeout_s + MARGIN_S, msgspec.msgpack.encode(orders))
        return msgspec.msgpack.decode(end.octets, type=LoginOutcome)
    except ValueError:
        return _failure(f"the process that asks ended with status {end.status}")
    except TimeoutError:
        return _failure("the process that asks took too long")
    except OSError as error:
        return _failure(f"no process can be started to ask: {explain_error(error)}")


def _choose_server(settings: Settings, section: str | None) -> ServerSettings:
    found = settings.servers[0] if section is None else find_server(settings.servers, section)
    if found is not None:
        return found
    text = f"no such server section; there is {_known(settings)}"
    raise ConfigError([Problem(str(section), "", text)], settings.path)


def _typed(server: ServerSettings, question: LoginQuestion, path: str) -> bytes:
    """Return what a person would type into the field for the password."""
    if question.factor is None:
        return question.password
    if not server.modes.allow_concat:
        text = "takes no factor behind the password; leave FACTOR out"
        raise ConfigError([Problem(server.section, "allow_concat", text)], path)
    delimiter = server.modes.delimiter
    return question.password + delimiter.encode("ascii" if delimiter.isascii() else server.pw_codec) + question.factor


def _known(settings: Settings) -> str:
    named = [f"{each.section} ({each.name})" if each.name else each.section for each in settings.servers]
    n_others = len(named) - MOST_NAMED
    return ", ".join(named[:MOST_NAMED]) + (f", and {n_others} more" if n_others > 0 else "")


def _failure(text: str) -> LoginOutcome:
    return LoginOutcome(reply="", text=text, took_s=0.0)
