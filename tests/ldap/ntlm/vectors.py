"""The worked example of MS-NLMP section 4.2.4."""

from tests.vectors import load

(_EXAMPLE,) = load("ms-nlmp-section4.2.4")

USER, DOMAIN, PASSWORD = (str(_EXAMPLE[name]) for name in ("user", "domain", "password"))
VECTOR = {name.removesuffix("_hex"): bytes.fromhex(value) for name, value in _EXAMPLE.items() if name.endswith("_hex")}
