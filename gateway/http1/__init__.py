"""The codec of HTTP/1.1, as far as a client needs it: request octets, and the reading of responses. Pure."""
