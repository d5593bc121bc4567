"""The user's own tools: what the MCP servers of their clients offer, and which few of them a request needs."""
