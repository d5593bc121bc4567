"""Models that answer: loading a base with or without an adapter, and batched generation."""
