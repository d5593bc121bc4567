"""MCP: a server with the models' tools, a recording proxy for other servers, and what clients need to use both."""
