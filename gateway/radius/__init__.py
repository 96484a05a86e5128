"""The RADIUS codec: octets to packets and back (RFC 2865, 2869, 3579). Pure: it reads no clock, draws no random
octets, logs nothing.
"""
