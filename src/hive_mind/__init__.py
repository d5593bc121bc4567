"""Hive-Mind: a small model on your own machine that calls your tools, trained, measured, gated and served locally."""

__version__ = "0.1.0"
