"""A simulated Duo for load: Auth API v2 as fast as one core of Python can, for `python -m bench.lean_duo --dir DIR`.

What is measured is the gateway, so this must never be the limit, nor charge the gateway for its own habits. It runs a
loop of its own over epoll instead of asyncio's, speaks TLS between two memory buffers that all connections share, and
answers with octets made beforehand. `bench.simulator` is the one that knows people, devices and policies; this one
goes by names: `u000123` approves a push, `n000123` denies it, `s000123` never answers, anybody else approves. The
passcode 123456 is right for all, every other is wrong.
"""
