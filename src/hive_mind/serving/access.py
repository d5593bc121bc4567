"""Who may reach a server: its address, the names it is called by, the pages that call it, how often, with which token.

A web page can make a browser send requests to this machine, and with a name of its own that suddenly means 127.0.0.1
it can even read the answers (DNS rebinding). The browser always tells the name (Host) and the page (Origin), which is
what is looked at here.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from hive_mind.errors import UsageError
from hive_mind.serving.tokens import Tokens

REMEMBERED_CLIENTS = 10_000


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_open_address(host: str, tokens: Tokens) -> None:
    """Raise UsageError for an address that others can reach while nobody has a token."""
    if not is_loopback(host) and not tokens.all():
        raise UsageError(
            f"{host} can be reached from other machines and {tokens.file} holds no token; make one for each person "
            "with `hive-mind serve token add NAME`, or listen on 127.0.0.1"
        )


class Names:
    """The names that requests may call this server by, and the pages that may send them."""

    def __init__(self, host: str, allowed_hosts: Iterable[str] = (), allowed_origins: Iterable[str] = ()) -> None:
        own = () if is_loopback(host) else (host, socket.gethostname(), socket.getfqdn())
        self._hosts = {"localhost", *(name.lower() for name in (*own, *allowed_hosts))}
        self._origins = {origin.lower().rstrip("/") for origin in allowed_origins}

    def knows_host(self, host: str | None) -> bool:
        """Tell whether a Host header is one of ours: an address as such, which no name can be bent to, or a known name.

        A request without the header, which no browser sends, is let through.
        """
        if host is None:
            return True
        name = _host_name(host)
        if name is None:
            return False
        return name in self._hosts or _is_address(name)

    def knows_origin(self, origin: str | None, host: str | None) -> bool:
        """Tell whether a page may send requests: none at all, one that this server gave out itself, or a listed one."""
        if origin is None:
            return True
        origin = origin.lower().rstrip("/")
        if origin in self._origins:
            return True
        try:
            place = urlsplit(origin)
        except ValueError:
            return False
        return place.scheme in ("http", "https") and host is not None and place.netloc == host.lower()


def _host_name(host: str) -> str | None:
    try:
        place = urlsplit(f"//{host}")
        _ = place.port
    except ValueError:
        return None
    if place.netloc != host or place.username is not None or place.hostname is None:
        return None
    return place.hostname.rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class RateLimit:
    """A bucket for each client that holds a minute's requests and fills up evenly (token bucket)."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.a_minute = a_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Count a request; returns 0 if it may pass, else the seconds until the next one may."""
        if not self.a_minute:
            return 0.0
        now, rate = self._clock(), self.a_minute / 60
        left, then = self._buckets.pop(client, (float(self.a_minute), now))
        left = min(float(self.a_minute), left + (now - then) * rate)
        passes = left >= 1
        self._buckets[client] = (left - 1 if passes else left, now)
        if len(self._buckets) > REMEMBERED_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1 - left) / rate
