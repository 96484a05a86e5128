"""Home servers: the RADIUS servers behind a `[radius_client]`. `plan` decides all, `client` has the sockets."""
