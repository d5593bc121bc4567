"""The sandbox in which model output is run: bubblewrap, with limits on everything that a command can use up.

Inside there is an empty file system in memory, /usr and the Python that runs this read-only, a network without a way
out, no environment, no capabilities, a user who owns nothing outside, no further namespaces, and not the system calls
that `seccomp` refuses. Root gives its user id up before bubblewrap starts, because the kernel does not hold root to its
number of processes. Where no such sandbox can be made, model output is not run at all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from hive_mind.config import Settings, setting
from hive_mind.errors import HiveMindError
from hive_mind.evaluation import seccomp
from hive_mind.evaluation.watch import Bounds, Finished, Watch, wait_for_end
from hive_mind.suites.unavailable import SuiteUnavailable

NOBODY = "65534"
GUEST = "1000"
MIB = 1 << 20
FILES_A_MIB = 1 << 10
"""Files and folders for each MiB of disk: empty ones take no room there, but memory of the kernel."""
HOST_FILES = ("/etc/alternatives", "/etc/ld.so.cache")
"""Read-only beside /usr: without the first, Debian's awk is missing."""
PYTHON_INSIDE = "/opt/python"
"""Where a Python from outside /usr is found inside, so that the path of a home folder is not."""
UNIX_FOLDERS = ("bin", "sbin", "lib", "lib64")
INSTALL = "install it (Debian and Ubuntu: apt install bubblewrap)"
PROBE = """
import os, socket, subprocess
status = open("/proc/self/status").read()
assert "CapEff:\\t0000000000000000" in status and "NoNewPrivs:\\t1" in status and "Seccomp:\\t2" in status, "privileges"
own = {"HOME", "LANG", "PATH", "PWD", "PYTHONHASHSEED", "LD_LIBRARY_PATH", "PYTHONIOENCODING"}
assert set(os.environ) <= own, f"environment {sorted(os.environ)}"
assert subprocess.run(["unshare", "--user", "true"], stderr=subprocess.DEVNULL).returncode, "a user namespace was made"
assert [name for _, name in socket.if_nameindex()] == ["lo"], "network interfaces"
print("holds")
"""


class SandboxSettings(Settings):
    """What one command in the sandbox may use before it is ended."""

    seconds: float = setting(10.0, "wall-clock seconds", gt=0)
    memory_mib: int = setting(512, "MiB that its processes may hold together, and each may address", ge=64)
    disk_mib: int = setting(64, "MiB of its file system, which is in memory; one file may have half of it", ge=2)
    processes: int = setting(64, "processes and threads at once", ge=4)
    output_kib: int = setting(1024, "KiB of output and errors together", ge=1)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that was tried and holds, as `find_sandbox` returns it. Threads may share it."""

    bwrap: str
    version: str
    settings: SandboxSettings

    def run(self, command: Sequence[str], stdin: bytes = b"") -> Finished:
        """Run a command in a new sandbox, in its empty folder /tmp, and return when nothing of it is left.

        Raises HiveMindError if the sandbox itself could not be made, so that this never counts as the command's result.
        """
        with _Pipes(seccomp.program() or b"") as pipes:
            process = subprocess.Popen(
                [*self._prepared(), *self._bubblewrap(pipes), "--", *self._limited(), *command],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                pass_fds=(pipes.filter, pipes.status), env={"PATH": os.defpath}, cwd="/",
            )  # fmt: skip
            finished = Watch(process, self._bounds()).finish(stdin)
            reports = pipes.reports()
        # bubblewrap reports the end of the command and ends itself; its namespace, and all that is left there, follows.
        wait_for_end([report["child-pid"] for report in reports if "child-pid" in report])
        if finished.ended == "exit" and not any("exit-code" in report for report in reports):
            reason = (finished.stderr.decode(errors="replace").strip().splitlines() or ["it ended without a word"])[-1]
            raise HiveMindError(f"bubblewrap could not make a sandbox: {reason}; `hive-mind doctor` tries it alone")
        return finished

    def run_python(self, source: str, stdin: bytes = b"") -> Finished:
        """Run a Python program given as text, with the standard library alone and its hashes fixed; raises as `run`."""
        fixed = ["env", "PYTHONHASHSEED=0", f"LD_LIBRARY_PATH={PYTHON_INSIDE}/lib", "PYTHONIOENCODING=utf-8"]
        return self.run([*fixed, _python_inside(), "-P", "-s", "-S", "-B", "-c", source], stdin)

    def _bounds(self) -> Bounds:
        limits = self.settings
        files = limits.disk_mib * FILES_A_MIB
        return Bounds(limits.seconds, limits.memory_mib * MIB, files, limits.output_kib << 10)

    def _prepared(self) -> list[str]:
        """Return what comes before bubblewrap for root: a Python in a folder that nobody may enter is mounted
        elsewhere, for this process alone, and the user id is given up."""
        if os.getuid() != 0:
            return []
        drop = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs", "--"]
        if _in_usr(_prefix()):
            return drop
        mount = ["sh", "-c", 'mount --bind "$0" /mnt && exec "$@"', str(_prefix())]
        return ["unshare", "--mount", "--", *mount, *drop]

    def _bubblewrap(self, pipes: _Pipes) -> list[str]:
        disk = str(self.settings.disk_mib * MIB)
        outside = "/mnt" if os.getuid() == 0 else str(_prefix())
        prefix = [] if _in_usr(_prefix()) else ["--ro-bind", outside, PYTHON_INSIDE]
        return [
            self.bwrap, "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
            "--cap-drop", "ALL", "--uid", GUEST, "--gid", GUEST, "--hostname", "sandbox",
            "--size", disk, "--tmpfs", "/", "--ro-bind", "/usr", "/usr", *_unix_folders(), *prefix,
            *(argument for file in HOST_FILES for argument in ("--ro-bind-try", file, file)),
            "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev",
            "--dir", "/tmp", "--chdir", "/tmp", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin:/usr/sbin:/sbin",
            "--setenv", "HOME", "/tmp", "--setenv", "LANG", "C.UTF-8",
            "--seccomp", str(pipes.filter), "--json-status-fd", str(pipes.status),
        ]  # fmt: skip

    def _limited(self) -> list[str]:
        limits = self.settings
        return [
            "timeout", "--signal=KILL", str(limits.seconds),
            "prlimit", f"--nproc={limits.processes}", f"--as={limits.memory_mib * MIB}",
            f"--fsize={limits.disk_mib * MIB // 2}", "--nofile=256", "--core=0", "--",
        ]  # fmt: skip


def find_sandbox(settings: SandboxSettings | None = None) -> Sandbox:
    """Return a sandbox that was tried and holds. Raises SuiteUnavailable with what is missing and what to do."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SuiteUnavailable(f"model output is run in bubblewrap only, and there is no bwrap; {INSTALL}")
    if seccomp.program() is None:
        raise SuiteUnavailable(
            "model output is run under a filter of system calls, which is there for x86_64 and aarch64 only"
        )
    sandbox = Sandbox(bwrap, _version(bwrap), settings or SandboxSettings())
    try:
        tried = sandbox.run_python(PROBE)
    except (HiveMindError, OSError) as error:
        raise SuiteUnavailable(f"{error}; it needs bubblewrap 0.8 and user namespaces for this user") from None
    if tried.stdout != b"holds\n":
        words = (tried.stderr.decode(errors="replace").strip().splitlines() or [f"killed for {tried.ended}"])[-1]
        raise SuiteUnavailable(f"the sandbox was made but does not hold ({words}), so model output is not run in it")
    return sandbox


class _Pipes:
    """The two pipes beside a sandbox's own streams: the filter that bubblewrap reads, the status that it writes."""

    def __init__(self, program: bytes) -> None:
        self.filter, write = os.pipe()
        os.write(write, program)
        os.close(write)
        self._read, self.status = os.pipe()

    def __enter__(self) -> _Pipes:
        return self

    def reports(self) -> list[dict[str, int]]:
        """Return what bubblewrap reported; its process has ended."""
        os.close(self.status)
        self.status = -1
        with open(self._read, "rb", closefd=False) as file:
            return [orjson.loads(line) for line in file.read().splitlines()]

    def __exit__(self, *error: object) -> None:
        for end in (self.filter, self._read, self.status):
            if end >= 0:
                os.close(end)


def _prefix() -> Path:
    """Return the folder of the Python that runs this, less any virtual environment."""
    return Path(os.path.realpath(sys.base_prefix))


def _python_inside() -> str:
    program = Path(os.path.realpath(sys.executable))
    return str(program if _in_usr(program) else PYTHON_INSIDE / program.relative_to(_prefix()))


def _in_usr(folder: Path) -> bool:
    return folder.is_relative_to("/usr")


def _unix_folders() -> list[str]:
    """Return how /bin and its like are brought inside: as the links that most systems have, else read-only."""
    arguments = []
    for name in UNIX_FOLDERS:
        folder = Path("/", name)
        if folder.is_symlink():
            arguments += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            arguments += ["--ro-bind", str(folder), str(folder)]
    return arguments


def _version(bwrap: str) -> str:
    done = subprocess.run([bwrap, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "a bwrap of unknown version"
