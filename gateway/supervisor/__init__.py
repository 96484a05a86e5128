"""The supervisor process: it owns the sockets and the workers' slots, and parses no packet."""
