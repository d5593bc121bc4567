"""Settings of the serving engine: what it keeps in memory, how much it takes in, how long replies may be."""

from __future__ import annotations

from hive_mind.config import Settings, setting


class EngineSettings(Settings):
    """How models answer, whoever asks."""

    base: str | None = setting(None, "tiny, a folder or a hub model; none = the base under `latest`, else tiny")
    device: str = setting("auto", "auto, cpu or cuda")
    dtype: str = setting("auto", "auto, bf16 or fp32")
    rows: int = setting(32, "at most so many replies are written at once", ge=1)
    queue: int = setting(256, "at most so many requests wait; one more is told to come again later", ge=1)
    cache_tokens: int = setting(
        32_768, "keys and values of the rows being answered, in tokens of prompt and longest reply", ge=256
    )
    prefix_tokens: int = setting(16_384, "keys and values kept of what was read, for requests that begin alike", ge=0)
    context: int | None = setting(None, "at most so many tokens of prompt and reply; none = what the base reads", ge=2)
    max_new_tokens: int = setting(4096, "a reply's budget in tokens is never larger", ge=1)
    default_new_tokens: int = setting(1024, "a reply's budget in tokens where the request names none", ge=1)
    piece: int = setting(256, "prompt tokens read between two steps of the replies beside them", ge=16)
    idle_adapters: int = setting(2, "versions asked for by name that stay in memory beside `latest`", ge=0)
