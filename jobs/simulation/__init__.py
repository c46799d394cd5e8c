"""Simulated logs of a push programme: what `jobs.simulate_logs` draws and how, as Spark expressions only."""
