"""Settings of `hive-mind serve`: where it listens, who may ask and how much, what is passed on to another server."""

from __future__ import annotations

from pathlib import Path

from hive_mind.config import Settings, setting


class ApiSettings(Settings):
    """The OpenAI-compatible API and its gateway; how the model itself answers is the engine's."""

    host: str = setting("127.0.0.1", "address to listen on; any that others can reach needs a token first")
    port: int = setting(8390, "port to listen on; 0 takes a free one", ge=0, le=65535)
    allowed_hosts: list[str] = setting([], "further names that clients may call this server by (the Host header)")
    allowed_origins: list[str] = setting([], "web pages that may send requests, e.g. https://chat.example")
    tokens_file: Path = setting(Path("data/serving/tokens.json"), "where the named tokens are kept, hashed")
    require_token: bool = setting(False, "ask for a token on the loopback address too")
    rate_limit: int = setting(600, "requests a minute that one client may send; 0 = no limit", ge=0)
    max_body_bytes: int = setting(4 << 20, "longest request body in bytes", ge=1024)
    max_nesting: int = setting(64, "most levels of objects and lists in a request", ge=8, le=200)
    body_seconds: float = setting(30.0, "how long a client may take to send its request", gt=0)
    stall_seconds: float = setting(60.0, "how long a client may leave a stream unread before it is cut off", gt=0)
    shutdown_seconds: float = setting(30.0, "how long replies may take to finish when the server is stopped", ge=0)
    tools_in_prompt: int = setting(8, "a request with more tools is answered with the best so many; 0 = all", ge=0)
    offer_catalogue: bool = setting(False, "offer the catalogue's tools to requests that bring none")
    upstream: str | None = setting(
        None, "OpenAI-compatible server that models unknown here are passed on to, e.g. http://127.0.0.1:8080/v1",
        pattern=r"^https?://[^\s@?#]+$",
    )  # fmt: skip
    upstream_model: str | None = setting(None, "pass every request on, for this model of the upstream server")
    upstream_key_env: str | None = setting(
        None, "environment variable that holds the upstream server's key", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"
    )
    upstream_seconds: float = setting(600.0, "how long the upstream server may be silent", gt=0)
    shadow: bool = setting(False, "ask the local model too what was passed on, and record both answers")
    shadow_queue: int = setting(16, "requests that may wait for the shadow; further ones are left out", ge=1)
    log_texts: bool = setting(False, "write the words of requests and answers to the log too")
