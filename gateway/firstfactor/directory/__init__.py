"""Directories: the domain controllers behind an `[ad_client]`. `plan` decides all, `client` has the connections."""
