"""Writes what is generated from the parsers of the commands, the tables of keys and the dictionary of attributes:
pages of `man`, a page of all keys, one of all attributes, and a JSON schema. `make reference` does it;
tests/tools/test_reference.py fails when one of them is not up to date.

`python tools/write_reference.py FOLDER` writes them below that folder.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attributes
import keys
import roff

from gateway import __version__
from gateway.cli.main import build_parser
from gateway.cli.parsers import options_of
from gateway.config.kinds import SERVED

COMMON = ("-h", "--config", "--version")
BOOLEANS = ("true", "false", "yes", "no", "on", "off", "1", "0")

FILES = {
    "/etc/radgate/authproxy.cfg": "the configuration file, see radgate.cfg(5)",
    "/run/radgate/": "control socket, pid file and journals (run_dir in the file)",
    "/var/log/radgate/authproxy.log": "the log (log_dir in the file)",
}
ENVIRONMENT = {
    "RADGATE_CONFIG": "the configuration file, where no --config names one",
    "NO_COLOR": "nothing is coloured",
}
SIGNALS = {
    "SIGTERM, SIGINT": "finish pending logins and stop; a second one stops at once",
    "SIGHUP": "read the file again, as radgate reload does",
    "SIGUSR1": "reopen the logs",
}
FORMAT = """\
An authproxy.cfg of Duo's Authentication Proxy is read as it is. A line is [section], key=value, or a comment that
begins with ; or #. A value is all that follows the first =: no quotation marks, and no comment behind it.

N in the name of a key stands for a number: radius_ip_1, radius_ip_2 and so on. A relative path begins in the folder of
the file, and %d/ is the folder of systemd's credentials. Where a section of one kind may be there several times, its
name has a number at the end.

radgate check finds what is wrong in a file, and says what to write instead.
"""


def main(folder: Path) -> None:
    """Write all of them."""
    sections = keys.sections()
    written = {
        "conf/man/radgate.1": "".join(manual_of_commands()),
        "conf/man/radgate.cfg.5": "".join(manual_of_keys(sections)),
        "conf/authproxy.schema.json": json.dumps(schema(sections), indent=2, ensure_ascii=False) + "\n",
        "docs/keys.md": "".join(page_of_keys(sections)),
        "docs/attributes.md": "".join(attributes.page()),
    }
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def manual_of_commands() -> Iterator[str]:
    """Yield radgate(1)."""
    parser = build_parser()
    yield roff.heading("radgate", 1, __version__)
    yield roff.section("NAME") + "radgate \\- RADIUS gateway to Duo\n"
    yield roff.section("SYNOPSIS") + ".B radgate\n[\\fB\\-\\-config\\fR \\fIFILE\\fR] \\fICOMMAND\\fR ...\n"
    yield roff.section("DESCRIPTION") + roff.escaped(parser.description or "") + "\n"
    yield roff.section("OPTIONS")
    yield from map(option_item, options_of(parser)[:2])
    yield roff.section("COMMANDS")
    (choice,) = (each for each in options_of(parser) if isinstance(each.choices, dict))
    for name, command in (choice.choices or {}).items():
        yield from manual_of_command(name, command)
    for title, table in {"SIGNALS": SIGNALS, "FILES": FILES, "ENVIRONMENT": ENVIRONMENT}.items():
        yield roff.section(title)
        yield from (roff.item(term, text) for term, text in table.items())
    yield roff.section("SEE ALSO") + "\\fBradgate.cfg\\fR(5); radgate files tells where the documentation is.\n"


def manual_of_command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield what its `--help` says."""
    options = [option for option in options_of(parser) if not set(COMMON) & set(option.option_strings)]
    yield roff.subsection(" ".join(["radgate", name, *map(usage, options)]))
    yield from roff.prose(parser.description or "")
    yield from map(option_item, options)
    yield from roff.prose(parser.epilog or "")


def usage(option: argparse.Action) -> str:
    """Return an option as a synopsis has it."""
    if not option.option_strings:
        return f"[{option.metavar}]" if option.nargs == "?" else str(option.metavar)
    value = "" if option.nargs == 0 else f" {option.metavar}"
    return f"[{option.option_strings[-1]}{value}]"


def option_item(option: argparse.Action) -> str:
    """Return an option and what it is for."""
    term = ", ".join(option.option_strings) or str(option.metavar)
    more = str(option.metavar) if option.option_strings and option.nargs != 0 else ""
    return roff.item(term, (option.help or "") % vars(option), more)


def manual_of_keys(sections: list[keys.Section]) -> Iterator[str]:
    """Yield radgate.cfg(5)."""
    yield roff.heading("radgate.cfg", 5, __version__)
    yield roff.section("NAME") + "radgate.cfg, authproxy.cfg \\- configuration file of radgate\n"
    yield roff.section("DESCRIPTION") + "".join(roff.prose(FORMAT))
    for section in sections:
        yield roff.section(roff.escaped(f"[{section.name}]"))
        yield from roff.prose(section.meaning)
        yield from (roff.item(f"{key.name}=", " ".join(facts(key))) for key in section.keys)
    yield roff.section("SEE ALSO") + "\\fBradgate\\fR(1)\n"


def facts(key: keys.Key) -> Iterator[str]:
    """Yield sentences about a key."""
    yield key.meaning
    if key.allowed:
        yield f"Write {key.allowed}."
    if key.default:
        yield f"Default: {key.default}."


def page_of_keys(sections: list[keys.Section]) -> Iterator[str]:
    """Yield the document of all keys."""
    yield "# All keys of the configuration file\n\n"
    yield "Written from the tables that `radgate` reads files with; `man radgate.cfg` says the same. "
    yield "[conf/authproxy.full.cfg](../conf/authproxy.full.cfg) is a file with all of them.\n\n"
    yield re.sub(r"(\[section\]|key=value|%d/|authproxy\.cfg|radius_ip_\d|radgate check)", r"`\1`", FORMAT)
    for section in sections:
        yield f"\n## [{section.name}]\n\n{section.meaning}\n\n| key | default | meaning | what may be written |\n"
        yield "| --- | --- | --- | --- |\n"
        for key in section.keys:
            default = f"`{key.default}`" if key.default else ""
            yield f"| `{key.name}` | {default} | {key.meaning} | {key.allowed} |\n"


def schema(sections: list[keys.Section]) -> dict[str, Any]:
    """Return a JSON schema of a file as an object of objects of strings."""
    common = next(section.keys for section in sections if section.name == SERVED[0])
    own = {
        section.name: shape([*(common if section.has_common else ()), *section.keys], section.meaning)
        for section in sections
    }
    every_key = [key for section in sections for key in section.keys]
    own["main"] = shape(every_key, own["main"]["description"])
    numbered = {section.name for section in sections if not section.is_single}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "authproxy.cfg as radgate reads it",
        "type": "object",
        "properties": {name: each for name, each in own.items() if name not in numbered},
        "patternProperties": {f"^{name}[0-9]*$": own[name] for name in sorted(numbered)},
    }


def shape(of_section: list[keys.Key], meaning: str) -> dict[str, Any]:
    """Return the schema of a section; keys that it does not have are allowed, as they are in a file."""
    plain = {key.name: value_of(key) for key in of_section if "N" not in key.name}
    numbered = {"^" + key.name.replace("N", "[0-9]+") + "$": value_of(key) for key in of_section if "N" in key.name}
    return {"type": "object", "description": meaning, "properties": plain, "patternProperties": numbered}


def value_of(key: keys.Key) -> dict[str, Any]:
    """Return the schema of a value."""
    value: dict[str, Any] = {"type": "string", "description": key.meaning}
    if key.words == ["true", "false"] or key.default in ("yes", "no"):
        value["enum"] = list(BOOLEANS)
    elif key.words == ["yes", "no", "auto"]:
        value["enum"] = [*BOOLEANS, "auto"]
    elif key.words:
        value["enum"] = key.words
    elif key.allowed:
        value["description"] += f" Write {key.allowed}."
    return value | ({"default": key.default} if key.default else {})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else keys.ROOT)
