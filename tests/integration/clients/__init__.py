"""RADIUS clients that others wrote, whole: what each sends, and what it needs back."""

SECRET = "theradiussecret"
"""Without blanks, which end a secret in the files of some."""
