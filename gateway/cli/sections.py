"""How server sections are called in what commands print. Pure."""

from gateway.supervisor.status import Status


def name_of(server: Status) -> str:
    """Return what people call a section; a gateway of an older version tells its own name alone."""
    name: str = server.get("name") or server["section"]
    return name


def full_name(server: Status) -> str:
    """Return that with the section's own name, by which the file has it."""
    name, section = name_of(server), server["section"]
    return name if name == section else f"{name} [{section}]"
