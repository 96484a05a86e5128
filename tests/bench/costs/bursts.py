"""How short the bursts of logins may be where their figures mean nothing."""

from bench.costs.pairs import WINDOWS

SHORTER = min(n_logins // window for window, n_logins in WINDOWS.items())
"""As many times as short: the widest window is full then, once."""
