"""The user's own tools: what the MCP servers of their clients offer, and which few of them a request needs."""

from hive_mind.catalogue.select import K, offer, request_text, select

__all__ = ["K", "offer", "request_text", "select"]
