"""Benchmarks that travel: every figure stands beside the bare cryptography inside it and beside a peer, in one run."""
