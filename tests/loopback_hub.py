"""A hub on loopback that serves local folders to the real huggingface_hub client.

    with loopback_hub({"datasets/sahil2801/CodeAlpaca-20k": folder}, gated={"datasets/x/y"}) as hub:
        subprocess.run([...], env={**os.environ, **hub.environment(tmp_path)})

It answers what huggingface_hub 2.4 really asks: repository info with files' sizes and digests, HEAD and GET of
`resolve` with ETag and X-Repo-Commit, Range requests, a redirect of LFS files to another host, and the error codes for
gated, missing and unknown things. Faults are set on the object: `break_after`, `corrupt`.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

TOKEN = "hf_loopback"
LFS_FROM_BYTES = 1 << 20
LFS_SUFFIXES = (".safetensors", ".parquet", ".bin")


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    range: str | None
    authorised: bool


@dataclass
class LoopbackHub:
    """The running hub: where it is, what it was asked, and which faults it plays."""

    repositories: dict[str, Path]
    gated: set[str]
    endpoint: str = ""
    cdn: str = ""
    asked: list[Asked] = field(default_factory=list)
    break_after: dict[str, list[int]] = field(default_factory=dict)
    """File name -> byte counts: each GET of that file takes one and closes the connection after so many bytes."""
    corrupt: set[str] = field(default_factory=set)
    """Names of files whose bytes arrive changed."""
    pinned: dict[str, str] = field(default_factory=dict)
    """Repository -> the commit it is said to be at, where a test asks for a revision that is written down elsewhere."""

    def environment(self, cache: Path) -> dict[str, str]:
        """Variables that send a command to this hub with its own cache, and never to the network."""
        return {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(cache), "HF_HUB_DISABLE_TELEMETRY": "1"}

    def commit(self, repository: str) -> str:
        """The commit that a repository is said to be at, else the one that its present files make."""
        if repository in self.pinned:
            return self.pinned[repository]
        listing = "".join(f"{name}\0{_sha256(path)}\n" for name, path in self.files(repository).items())
        return hashlib.sha1(listing.encode(), usedforsecurity=False).hexdigest()

    def files(self, repository: str) -> dict[str, Path]:
        folder = self.repositories[repository]
        return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}

    def transfers(self, name: str) -> list[str | None]:
        """The Range headers of the GETs that moved bytes of a file."""
        moved = [asked for asked in self.asked if asked.method == "GET" and "/api/" not in asked.path]
        return [asked.range for asked in moved if asked.path.endswith(f"/{name}")]


@contextmanager
def loopback_hub(repositories: Mapping[str, Path], gated: Collection[str] = ()) -> Iterator[LoopbackHub]:
    """Serve folders as repositories named `datasets/owner/name` or `models/owner/name`."""
    hub = LoopbackHub({key: Path(folder) for key, folder in repositories.items()}, set(gated))

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    port = server.server_address[1]
    hub.endpoint, hub.cdn = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: LoopbackHub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        authorised = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        asked = Asked(self.command, path, self.headers.get("Range"), "Authorization" in self.headers)
        self.state.asked.append(asked)
        parts = path.strip("/").split("/")
        if parts[0] == "cdn":
            self._send_file("/".join(parts[1:4]), "/".join(parts[4:]))
        elif parts[0] == "api" and len(parts) in (4, 6):
            self._send_info("/".join(parts[1:4]), parts[5] if len(parts) == 6 else "main")
        elif "resolve" in parts:
            at = parts.index("resolve")
            repository = "/".join(parts[:at]) if parts[0] == "datasets" else "models/" + "/".join(parts[:at])
            self._resolve(repository, parts[at + 1], "/".join(parts[at + 2 :]), authorised)
        else:
            self._fail(404, "", f"no such endpoint here: {path}")

    def _send_info(self, repository: str, revision: str) -> None:
        if not self._known(repository, revision):
            return
        siblings = []
        for name, path in self.state.files(repository).items():
            entry: dict[str, object] = {"rfilename": name, "size": path.stat().st_size, "blobId": _blob_id(path)}
            if _is_lfs(path):
                entry["lfs"] = {"sha256": _sha256(path), "size": path.stat().st_size, "pointerSize": 134}
            siblings.append(entry)
        info = {
            "_id": "0", "id": repository.split("/", 1)[1], "sha": self.state.commit(repository), "private": False,
            "gated": "auto" if repository in self.state.gated else False, "disabled": False, "downloads": 0,
            "likes": 0, "tags": [], "siblings": siblings,
        }  # fmt: skip
        self._send(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _resolve(self, repository: str, revision: str, name: str, authorised: bool) -> None:
        if not self._known(repository, revision):
            return
        if repository in self.state.gated and not authorised:
            self._fail(401, "GatedRepo", f"Access to {repository} is restricted.")
            return
        path = self.state.files(repository).get(name)
        if path is None:
            self._fail(404, "EntryNotFound", "Entry not found")
        elif _is_lfs(path):
            self._send(302, b"", {
                "Location": f"{self.state.cdn}/cdn/{repository}/{name}", "X-Linked-Etag": f'"{_sha256(path)}"',
                "X-Linked-Size": str(path.stat().st_size), "X-Repo-Commit": self.state.commit(repository),
            })  # fmt: skip
        else:
            self._send_file(repository, name)

    def _send_file(self, repository: str, name: str) -> None:
        path = self.state.files(repository)[name]
        body = path.read_bytes()
        if name in self.state.corrupt:
            body = bytes([body[0] ^ 1]) + body[1:]
        etag = _sha256(path) if _is_lfs(path) else _blob_id(path)
        headers = {
            "ETag": f'"{etag}"', "X-Repo-Commit": self.state.commit(repository),
            "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream",
        }  # fmt: skip
        status = 200
        if wanted := self.headers.get("Range"):
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body, status = body[start:], 206
        breaks = self.state.break_after.get(name)
        cut = breaks.pop(0) if breaks and self.command == "GET" else None
        self._send(status, body, headers, cut)

    def _known(self, repository: str, revision: str) -> bool:
        if repository not in self.state.repositories:
            self._fail(404, "RepoNotFound", "Repository not found")
            return False
        if revision not in ("main", self.state.commit(repository)):
            self._fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return False
        return True

    def _fail(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"error": message}).encode()
        self._send(status, body, {"X-Error-Code": code, "X-Error-Message": message, "Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True


def _is_lfs(path: Path) -> bool:
    return path.suffix in LFS_SUFFIXES or path.stat().st_size >= LFS_FROM_BYTES


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _blob_id(path: Path) -> str:
    body = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
