"""Hypothesis draws the same examples on every run, and no test fails for being slow."""

from hypothesis import settings

settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")
