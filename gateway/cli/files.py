"""`radgate files`: where what came with radgate is: documentation, samples, unit, alerts, dashboard, chart."""

import argparse
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import gateway
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command

FILES = {
    "docs": ("docs", "the documentation, in Markdown"),
    "changelog": ("CHANGELOG.md", "what is new in which version"),
    "sample": ("conf/authproxy.sample.cfg", "a file as Duo documents it for Amazon WorkSpaces"),
    "full": ("conf/authproxy.full.cfg", "a file with every key"),
    "schema": ("conf/authproxy.schema.json", "a JSON schema of the keys"),
    "unit": ("conf/radgate.service", "the unit for systemd"),
    "sysusers": ("conf/radgate.sysusers", "the user that radgate runs as, for systemd-sysusers"),
    "sysctl": ("conf/radgate.sysctl", "receive buffers for a gateway that is never root"),
    "logrotate": ("conf/radgate.logrotate", "rotation of logs by logrotate"),
    "alerts": ("conf/monitoring/radgate.rules.yml", "alert rules for Prometheus"),
    "dashboard": ("conf/monitoring/grafana-dashboard.json", "a dashboard for Grafana"),
    "container": ("conf/container", "recipes for containers"),
    "chart": ("conf/helm/radgate", "a chart for Kubernetes"),
}
_KNOWN = "share/radgate/CHANGELOG.md"

DESCRIPTION = """\
Print where the files are that came with radgate: documentation, samples, the unit for systemd, alerts and a dashboard.
With a name print only the path of that one.
"""
EPILOG = """\
examples:
  radgate files
  install -m 0644 "$(radgate files unit)" /etc/systemd/system/
  less "$(radgate files docs)/running.md"

exit status: 0 printed, 1 they did not come with this installation.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "print where documentation, unit and samples are"
    parser = add_command(subparsers, common, "files", text, DESCRIPTION, EPILOG)
    parser.add_argument("name", metavar="NAME", nargs="?", choices=tuple(FILES), help=", ".join(FILES))
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print one path, or all."""
    folder = shared_folder()
    if folder is None:
        print("radgate: this installation has neither documentation nor samples; its source has them", file=sys.stderr)
        return Exit.NONE_FOUND
    if options.name is not None:
        print(folder / FILES[options.name][0])
        return Exit.OK
    width = max(map(len, FILES))
    for name, (path, text) in FILES.items():
        print(f"{name:<{width}}  {folder / path}\n{'':<{width}}  {text}")
    return Exit.OK


def shared_folder() -> Path | None:
    """Return the folder that has `docs` and `conf`: of the source tree, or of the installation; None if none has."""
    tree = Path(gateway.__file__).parents[1]
    if (tree / "pyproject.toml").is_file():
        return tree
    files = (file for beside in metadata.distributions(name="radgate", path=[str(tree)]) for file in beside.files or ())
    found = (Path(str(file.locate())) for file in files if str(file).endswith(_KNOWN))
    return next((path.resolve().parent for path in found if path.is_file()), None)
