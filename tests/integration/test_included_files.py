"""A file for each directory, in a folder beside the main one: served, reloaded, checked and told of by its own path."""

import pytest

from bench.processes import free_udp_port
from tests.integration.site import SECRET, Nas, Site

pytestmark = pytest.mark.integration


def add(site: Site, name: str, number: int, port: int, more: str = "") -> None:
    """Write a file with a section like the one of the main file."""
    keys = {
        "ikey": site.simulator.ikey,
        "skey": site.simulator.secret_key,
        "api_host": site.simulator.api_host,
        "radius_ip_1": "127.0.0.1",
        "radius_secret_1": SECRET,
        "port": port,
    }
    lines = [f"[radius_server_duo_only{number}]", *(f"{key}={value}" for key, value in keys.items()), more]
    path = site.folder / "authproxy.d" / name
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")


def accepts(port: int) -> bool:
    nas = Nas(port)
    try:
        return nas.login("alice", "123456").is_accept
    finally:
        nas.close()


def test_directories_come_with_their_files(site: Site):
    ports = [free_udp_port(), free_udp_port()]
    add(site, "tokyo.cfg", 7, ports[0], "name=Tokyo")
    site.start(gateway="include=authproxy.d/*.cfg")
    assert accepts(ports[0])
    add(site, "osaka.cfg", 8, ports[1], "name=Osaka")
    done = site.radgate("reload")
    assert (done.returncode, done.stderr) == (0, "")
    assert accepts(site.port)
    assert accepts(ports[1])
    add(site, "kyoto.cfg", 8, ports[1])
    refused = site.radgate("reload")
    assert refused.returncode == 2
    assert f"{site.folder}/authproxy.d/osaka.cfg:1 [radius_server_duo_only8]: the section is there" in refused.stderr
    assert f"from line 1 of {site.folder}/authproxy.d/kyoto.cfg" in refused.stderr
    checked = site.radgate("check")
    assert checked.returncode == 2
    assert f"{site.folder}/authproxy.d/osaka.cfg:1 " in checked.stdout
    assert accepts(ports[1])
