"""The page of all RADIUS attributes that have a name, from the dictionary by which names are read."""

from collections.abc import Iterator

from gateway.config.attributes import known_attributes, vendor_name
from gateway.engine.rules import AttributeSettings
from gateway.radius.attributes import AttributeKind
from gateway.radius.passing import OF_THE_NAS, may_never_be_accepted_with, may_never_go_home

_HEAD = """\
# Names of RADIUS attributes

What may stand in `pass_through_attr_names`, with commas between names, and in `client_ip_attr`; letter case does not
matter. Names and numbers are those of FreeRADIUS's dictionaries. An attribute that is missing here is written as the
second column has it: `Attr-TYPE`, or `Attr-26.VENDOR.TYPE` for one of a vendor's.

- In a server section (`[radius_server_auto]`, `[radius_server_concat]`, `[radius_server_challenge]`) the list is for
  what the home server's accept has for the RADIUS client.
- In `[radius_client]` it is for what the RADIUS client's request has for the home server.

"Never" is what stays behind in any case, because it belongs to one of the two conversations: passwords, State,
signatures, or what no accept may have (RFC 2865 section 5.44). An accept's Reply-Message is shown with Duo's text,
whatever a list says. `pass_through_all` takes all others, but for a request those that name the RADIUS client:
{of_the_nas} go on only where the list has them.
"""


def page() -> Iterator[str]:
    """Yield the document, vendor by vendor."""
    known = [(AttributeKind(each.vendor, each.kind), each) for each in known_attributes().values()]
    yield _HEAD.format(of_the_nas=", ".join(f"`{each.name}`" for kind, each in known if kind in OF_THE_NAS))
    for vendor in dict.fromkeys(kind.vendor for kind, _ in known):
        yield f"\n## {vendor_name(vendor) if vendor else 'Of the RFCs'}\n\n"
        yield "| name | number | type | accept, to the RADIUS client | request, to the home server |\n"
        yield "| --- | --- | --- | --- | --- |\n"
        yield from (_row(kind, each) for kind, each in known if kind.vendor == vendor)


def _row(kind: AttributeKind, known: AttributeSettings) -> str:
    accept, request = ("never" if never(kind) else "" for never in (may_never_be_accepted_with, may_never_go_home))
    return f"| `{known.name}` | `{kind}` | {known.data_type} | {accept} | {request} |\n"
