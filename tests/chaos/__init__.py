"""Logins by the thousand while everything goes wrong, and a judge who knows what may become of each."""
