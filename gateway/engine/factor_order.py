"""Which factor a login gets for which none was typed: `factors`, a list in the order in which they are tried.

One factor is used, once: what is denied or not answered is not followed by the next one of the list.
"""

from collections.abc import Sequence
from typing import Final

from gateway.duoapi.calls import AUTO, PASSCODE, PHONE, PUSH, Device, Factor
from gateway.duoapi.offers import is_word

PASSCODE_TEXT: Final = "Enter a passcode:"
"""What to ask the person where `choose_factor` says passcode: nobody has typed one."""

_CAPABLE: Final[dict[Factor, frozenset[str]]] = {
    AUTO: frozenset({"auto", "push", "phone"}),
    PUSH: frozenset({"push"}),
    PHONE: frozenset({"phone"}),
}


def wants_devices(factors: Sequence[Factor]) -> bool:
    """Whether the choice depends on what the user's devices can do; where there is none, Duo itself says so."""
    return len(factors) > 1 and factors[0] is not PASSCODE


def choose_factor(factors: Sequence[Factor], devices: Sequence[Device]) -> Factor | None:
    """Return the first factor that one of the devices can do, `PASSCODE` for one to be asked for; None if none can.

    Anybody may have a passcode: a list of devices tells nothing of bypass codes. One that is not there is no obstacle.
    """
    if not devices:
        return factors[0]
    capabilities = frozenset[str]().union(*(device.capabilities for device in devices))
    return next((factor for factor in factors if factor is PASSCODE or capabilities & _CAPABLE[factor]), None)


def device_for(factor: Factor, devices: Sequence[Device]) -> str:
    """Return v1's word for the first phone that can do a factor: left to itself, v1 asks phone 1. v2 chooses well."""
    words = [device.device for device in devices if factor in device.capabilities and is_word(device.device)]
    return words[0] if words else "auto"
