"""A Duo cloud of our own: Auth API v2 and v1 over real TLS, with a cast of users, faults on demand and a referee.

For the demo, for tests and for work by hand; never for production. `python -m bench.simulator --dir DIR` starts it as a
process, `server.running_simulator` inside a test. What lies where, pure parts first:

- `people`: users, their devices and habits, and the default cast
- `cloud`: what Duo knows and decides; time comes in as an argument
- `referee`, `counts`: what was asked and started, without secrets, and its totals
- `signature`: who signed a request, checked without any code of the gateway
- `wire`, `api_v2`, `api_v1`: parameters to the cloud, its answers to JSON
- `faults`: what should go wrong, for which calls, for how long
- `certificates`, `listener`, `patience`, `delivery`, `server`, `control`, `__main__`: files, sockets and the page
"""
