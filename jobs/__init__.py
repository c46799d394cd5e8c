"""Runnable steps of the daily batch, and everything that touches paths, sessions, reads and writes."""
