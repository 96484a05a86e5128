"""The status page, `/metrics`, `/healthz` and `/status.json`: a process of its own, on which no login depends."""
