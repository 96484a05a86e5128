"""The gateway beside its alternatives, measured in one run: `python -m bench.peers`.

Each peer serves RADIUS on loopback and asks the same simulated Duo over TLS; line_up.py names them.
"""
