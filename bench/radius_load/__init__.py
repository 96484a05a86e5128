"""A RADIUS load generator: an open loop of simulated NAS over real sockets, every reply verified, nothing hidden.

    from bench.radius_load.plan import LoadPlan, phases_from_text
    from bench.radius_load.processes import run_load

    plan = LoadPlan(targets=(("127.0.0.1", 1812),), shared_secret=secret, phases=phases_from_text("2000x30"))
    result = run_load(plan)
    print(result.summary(), result.latency_s(99))

Pure: `plan`, `schedule`, `users`, `retransmission`, `result`. With sockets: `nas`, `fleet` (the inner loop),
`processes`, `limit`. Importing the package itself needs nothing.
"""
