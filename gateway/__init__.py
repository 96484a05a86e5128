"""radgate: a multiprocess RADIUS gateway to Duo that reads `authproxy.cfg` unchanged.

The way of one login: `listeners.udp` octets -> `radius` packet -> `engine` decision -> `firstfactor`, where the file
says so -> `duo` over `https` -> `engine` verdict -> `radius` octets -> the same socket. `ARCHITECTURE.md` is the map.
"""

__version__ = "0.2.0"
