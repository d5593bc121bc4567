"""A real PostgreSQL server for tests: Debian's programs, a folder of its own, a port that was free."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

UNPRIVILEGED = "nobody"
"""initdb refuses to run as root."""


def programs():
    """The folder of initdb and pg_ctl, the newest version's; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    beside = shutil.which("initdb")
    return Path(beside).parent if beside else None


@contextmanager
def server():
    """Start a server; yields the URL of a database on it, without the database's name. Skips where there is none."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (pip install 'hive-mind[postgres]')")
    folder_of_programs = programs()
    if folder_of_programs is None:
        pytest.skip("PostgreSQL is not installed: `make postgres` installs Debian's package")
    root = os.getuid() == 0
    user = UNPRIVILEGED if root else getpass.getuser()
    as_user = {"user": user, "group": "nogroup", "extra_groups": []} if root else {}
    folder = Path(tempfile.mkdtemp(prefix="hive-mind-postgres-", dir="/tmp"))  # a path that another user may enter
    if root:
        shutil.chown(folder, user)
    try:
        data = folder / "data"
        run(
            [folder_of_programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"],
            as_user,
        )
        port = free_port()
        options = f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={folder} -c fsync=off"
        control = [folder_of_programs / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder / "log"]
        run([*control, "-o", options, "start"], as_user)
        try:
            yield f"postgresql+psycopg://tester@127.0.0.1:{port}"
        finally:
            run([*control, "-m", "immediate", "stop"], as_user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(command, as_user):
    done = subprocess.run(
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd="/", check=False, **as_user,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode(errors="replace")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def new_database(url, name):
    """Make an empty schema, which is quicker than a database; returns a URL whose tables are in it."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "") + "/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    return f"{url}/postgres?options=-csearch_path%3D{name}"
