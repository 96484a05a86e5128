"""Looks at everything that the gateway needs outside its file, and changes nothing: Duo, addresses, this machine."""
