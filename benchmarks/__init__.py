"""Benchmarks: each figure beside the peer's in the same run (``make bench``)."""
