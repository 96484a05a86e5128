"""Pure decisions: what each datagram means, what to ask Duo, what to answer. Time, octets and randomness come in,
effects go out.
"""
