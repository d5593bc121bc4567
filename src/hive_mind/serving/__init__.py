"""Models at work: the service that answers, and what speaks to it (OpenAI's API, MCP)."""
