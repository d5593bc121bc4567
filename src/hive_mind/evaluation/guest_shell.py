"""Runs inside the sandbox, as text, with the standard library alone: a command on a file system that is made first.

The job comes on standard input as JSON, what happened goes to standard output behind a token. A file system is a list
of [path, kind, mode, modified, content]: kinds are f (file), d (folder) and l (link, its content the target).
"""

# Importing pathlib would take 2.4 ms of every run.
# ruff: noqa: PTH103, PTH114, PTH115

import base64
import contextlib
import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable

LEFT_OUT = {"bin", "sbin", "lib", "lib64", "usr", "opt", "proc", "dev", "sys", "tmp", "run"}
OUTPUT_BYTES = 1 << 17
RECENT_SECONDS = 86_400


def main() -> None:
    """Make the file system, run the command and print what came of it, by the token."""
    job = json.loads(sys.stdin.buffer.read())
    restore(job["tree"])
    before = states(snapshot(digest))
    result = run(job["command"], job["environment"], job["seconds"])
    after = states(snapshot(digest))
    paths = before.keys() | after.keys()
    result["changes"] = {path: after.get(path) for path in sorted(paths) if before.get(path) != after.get(path)}
    if job["keep"]:
        result["tree"] = [settled(entry, job["stamp"]) for entry in snapshot(base64.b64encode)]
    sys.stdout.write(f"\n{job['token']} {json.dumps(result, ensure_ascii=False)}\n")


def restore(tree: list) -> None:  # type: ignore[type-arg]
    """Write a file system; times of folders last, since writing into them sets them."""
    for path, kind, mode, _, content in tree:
        if kind == "d":
            os.makedirs(path, exist_ok=True)
        elif kind == "l":
            os.symlink(content, path)
        else:
            with open(path, "wb") as file:
                file.write(base64.b64decode(content))
            os.chmod(path, mode)
    for path, kind, mode, modified, _ in reversed(tree):
        if kind == "d" and path != "/":
            os.chmod(path, mode)
        os.utime(path, (modified, modified), follow_symlinks=False)


def snapshot(kept: Callable[[bytes], bytes]) -> list:  # type: ignore[type-arg]
    """Read everything on the sandbox's own file system, parents first; of a file's bytes `kept` of them.

    Folders that their owner may not enter are opened meanwhile.
    """
    found, device, closed = [], os.lstat("/").st_dev, {}
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in LEFT_OUT]
            files = [name for name in files if name not in LEFT_OUT]
        folders[:] = sorted(name for name in folders if os.lstat(os.path.join(folder, name)).st_dev == device)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        inside = [os.path.join(folder, name) for name in sorted(files + links)]
        found += [entry(path, kept) for path in (folder, *inside) if os.lstat(path).st_dev == device]
        for path in (os.path.join(folder, name) for name in folders if name not in links):
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                closed[path] = mode
                os.chmod(path, mode | stat.S_IRWXU)
    for path, mode in reversed(closed.items()):
        os.chmod(path, mode)
    return [[path, kind, closed.get(path, mode), *others] for path, kind, mode, *others in found]


def entry(path: str, kept: Callable[[bytes], bytes]) -> list:  # type: ignore[type-arg]
    """Describe one path. A file that its owner may not read is made readable for a moment."""
    status = os.lstat(path)
    mode, content = stat.S_IMODE(status.st_mode), b""
    if stat.S_ISLNK(status.st_mode):
        return [path, "l", mode, status.st_mtime, os.readlink(path)]
    if stat.S_ISDIR(status.st_mode):
        return [path, "d", mode, status.st_mtime, ""]
    if stat.S_ISREG(status.st_mode):
        if not mode & stat.S_IRUSR:
            os.chmod(path, mode | stat.S_IRUSR)
        with open(path, "rb") as file:
            content = kept(file.read())
        if not mode & stat.S_IRUSR:
            os.chmod(path, mode)
    return [path, "f", mode, status.st_mtime, content.decode()]


def digest(content: bytes) -> bytes:
    """Return what stands for a file's bytes."""
    return hashlib.sha256(content).hexdigest().encode()


def states(tree: list) -> dict:  # type: ignore[type-arg]
    """Return kind, mode and content of every path: times change without any command."""
    return {readable(path): [kind, mode, readable(content)] for path, kind, mode, _, content in tree}


def readable(name: str) -> str:
    """Write the bytes of a name that are not UTF-8 as \\xff: JSON cannot hold what Python reads them as."""
    return os.fsencode(name).decode(errors="backslashreplace")


def settled(entry: list, stamp: float) -> list:  # type: ignore[type-arg]
    """Give what was made just now the time `stamp`, so that every later run finds the same times."""
    path, kind, mode, modified, content = entry
    return [path, kind, mode, stamp if modified > stamp - RECENT_SECONDS else modified, content]


def run(command: str, environment: dict, seconds: float) -> dict:  # type: ignore[type-arg]
    """Run a command in bash in the folder /, with nothing to read; `exit` is None if it had to be killed."""
    with unnamed_file() as out, unnamed_file() as errors:
        process = subprocess.Popen(
            ["/bin/bash", "-c", command], cwd="/", env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
        )  # fmt: skip
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        streams = []
        for file in (out, errors):
            file.seek(0)
            streams.append(file.read(OUTPUT_BYTES).decode(errors="replace"))
    return {"exit": code, "stdout": streams[0], "stderr": streams[1]}


def unnamed_file() -> io.BufferedRandom:
    """Open a file that no folder holds, so that no command finds it."""
    return os.fdopen(os.open("/tmp", os.O_TMPFILE | os.O_RDWR), "w+b")


if __name__ == "__main__":
    main()
