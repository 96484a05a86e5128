"""`authproxy.cfg` to typed settings, or every problem of it at once, each with its section, key and line."""
