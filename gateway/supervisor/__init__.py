"""The supervisor process: it owns the sockets and the workers' places, and parses no packet."""
