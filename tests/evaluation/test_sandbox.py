"""Ways out of the sandbox, and ways to use up the machine from inside it: none may work."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hive_mind.errors import HiveMindError
from hive_mind.evaluation import sandbox as sandbox_module
from hive_mind.evaluation import seccomp
from hive_mind.evaluation.sandbox import Sandbox, SandboxSettings, find_sandbox
from hive_mind.evaluation.watch import descendants, memory_of
from hive_mind.suites.unavailable import SuiteUnavailable

MIB = 1 << 20
MARKER = f"4242.{os.getpid()}"
"""The seconds that guests sleep, by which their processes are found outside."""


def limited(sandbox, **settings):
    return Sandbox(sandbox.bwrap, sandbox.version, SandboxSettings(**settings))


def python(sandbox, source, stdin=b""):
    finished = sandbox.run_python(source, stdin)
    return finished, finished.stdout.decode() + finished.stderr.decode()


def shell(sandbox, command):
    return sandbox.run(["bash", "-c", command])


def sleepers():
    """Processes on this machine that run what a guest started."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"sleep", MARKER.encode()]:
                found.append(int(folder.name))
    return found


def gone(what, seconds=10.0):
    limit = time.monotonic() + seconds
    while what():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


def test_output_errors_and_exit_code_come_back(sandbox):
    finished = sandbox.run(["bash", "-c", "cat; echo wrong >&2; exit 7"], b"given" * 50_000)
    assert finished.ended == "exit" and finished.exit_code == 7
    assert finished.stdout == b"given" * 50_000 and finished.stderr == b"wrong\n"


def test_input_that_is_not_read_is_no_error(sandbox):
    assert sandbox.run(["true"], b"x" * MIB).exit_code == 0


def test_every_run_is_new(sandbox):
    assert shell(sandbox, "echo x > /tmp/kept; echo x > /kept").exit_code == 0
    assert shell(sandbox, "ls /kept /tmp/kept").exit_code != 0


def test_a_guest_has_no_privileges_and_gets_none(sandbox):
    finished = shell(sandbox, "id -u; grep -h -E '^(Cap|NoNew)' /proc/self/status; unshare --user true || echo refused")
    uid, *status, refused = finished.stdout.decode().splitlines()
    assert uid == "1000" and refused == "refused"
    assert {line.split()[1] for line in status} == {"0" * 16, "1"} and len(status) == 6
    for command in ("mount -t tmpfs none /tmp", "su -c true", "chroot / true", "unshare --net true"):
        assert shell(sandbox, command).exit_code != 0, command


# network


def test_no_network(sandbox):
    """A server on this machine is not reached, on a port or an abstract socket; nor is any name or address."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0hive-mind-escape")
        abstract.listen()
        port = server.getsockname()[1]
        _, said = python(
            sandbox,
            f"""
import socket
def attempt(family, address):
    try:
        with socket.socket(family) as client:
            client.settimeout(2)
            client.connect(address)
            print("reached", address)
    except OSError as error:
        print("refused", error)
attempt(socket.AF_INET, ("127.0.0.1", {port}))
attempt(socket.AF_INET, ("192.0.2.1", 80))
attempt(socket.AF_INET6, ("2001:db8::1", 80))
attempt(socket.AF_UNIX, "\\0hive-mind-escape")
attempt(40, (2, 1024))  # vsock: a virtual machine's line to its host, which network namespaces do not cut
try:
    print("reached", socket.getaddrinfo("localhost.example", 80))
except OSError as error:
    print("refused", error)
print([name for _, name in socket.if_nameindex()])
""",
        )
    assert said.count("refused [") == 6 and "reached" not in said, said
    assert said.endswith("['lo']\n")


# processes


@pytest.mark.parametrize(
    "bomb",
    [
        ":(){ :|:& };:; sleep 60",
        "while true; do bash -c 'while true; do sleep 60 & done' & done",
        "exec python3 -c 'import os\nwhile True:\n try: os.fork()\n except OSError: pass'",
    ],
)
def test_a_fork_bomb_stays_within_its_number_of_processes(sandbox, bomb):
    small = limited(sandbox, seconds=1.5, processes=32)
    most, done = 0, threading.Event()

    def count():
        nonlocal most
        while not done.wait(0.05):
            most = max(most, sum(1 for _ in descendants(os.getpid())))

    counter = threading.Thread(target=count)
    counter.start()
    begun = time.monotonic()
    finished = shell(small, bomb)
    elapsed = time.monotonic() - begun
    done.set()
    counter.join()
    assert elapsed < 30 and finished.ended in ("time", "exit")
    assert most < 32 + 12  # bubblewrap's own and those of other tests
    assert gone(lambda: len(list(descendants(os.getpid()))) > 2)
    assert shell(sandbox, "echo well").stdout == b"well\n"


@pytest.mark.parametrize(
    "attack", ["kill -9 $PPID", "kill -9 -1", "kill -9 1", "kill -STOP -1", "kill -STOP $PPID; sleep 60"]
)
def test_a_guest_cannot_kill_or_stop_what_runs_it(sandbox, attack):
    small = limited(sandbox, seconds=1.0)
    finished = shell(small, attack)
    assert finished.seconds < 20
    assert shell(sandbox, "echo well").stdout == b"well\n"


def test_a_guest_that_stops_its_clock_is_ended_from_outside(sandbox):
    finished = shell(limited(sandbox, seconds=1.0), f"kill -STOP $PPID; sleep {MARKER}")
    assert finished.ended == "time" and finished.seconds < 10
    assert sleepers() == []


def test_a_guest_sees_no_process_but_its_own(sandbox):
    seen = shell(sandbox, "ls -d /proc/[0-9]*").stdout.split()
    assert len(seen) <= 6
    for pid in (os.getpid(), os.getppid()):
        assert python(sandbox, f"import os; os.kill({pid + 100_000}, 9)")[0].exit_code != 0


@pytest.mark.parametrize(
    "start",
    [
        f"sleep {MARKER} & disown",
        f"setsid nohup sleep {MARKER} > /dev/null 2>&1 < /dev/null &",
        f"(setsid bash -c 'trap \"\" TERM HUP INT; sleep {MARKER} & sleep {MARKER}' &) ; sleep 0.2",
        f"setsid sleep {MARKER} & sleep 60",
    ],
    ids=["disowned", "nohup", "deaf", "of another session"],
)
def test_no_child_survives(sandbox, start):
    shell(limited(sandbox, seconds=1.0), start)
    assert sleepers() == []


def test_a_sandbox_ends_with_the_process_that_runs_it(sandbox):
    script = (
        "from hive_mind.evaluation.sandbox import *; "
        f"find_sandbox(SandboxSettings(seconds=60)).run(['bash', '-c', 'sleep {MARKER} & sleep {MARKER}'])"
    )
    runner = subprocess.Popen([sys.executable, "-c", script])
    try:
        assert gone(lambda: len(sleepers()) < 2, 60)
    finally:
        runner.send_signal(signal.SIGKILL)
        runner.wait()
    assert gone(sleepers)


# disk and memory


@pytest.mark.parametrize("place", ["/", "/tmp"])
def test_the_disk_cannot_be_filled(sandbox, place):
    small = limited(sandbox, disk_mib=16, seconds=20.0)
    finished = shell(small, f"for n in 1 2 3 4 5 6 7 8; do head -c 6M /dev/zero > {place}/f$n; done; du -sm {place}/f1")
    assert b"No space left on device" in finished.stderr
    one = shell(small, f"head -c 100M /dev/zero > {place}/f; stat -c %s {place}/f").stdout
    assert int(one) == 8 * MIB


def test_nor_with_files_that_are_empty(sandbox):
    source = "import os\nn = 0\nwhile True:\n    n += 1\n    os.close(os.open(f'/tmp/{n}', os.O_CREAT))"
    finished, _ = python(limited(sandbox, disk_mib=8, seconds=30.0), source)
    assert finished.ended == "disk" and finished.seconds < 20


def test_dev_has_no_room_besides(sandbox):
    for path in ("/dev/x", "/dev/shm/x", "/dev/pts/x"):
        assert shell(sandbox, f"echo x > {path}").exit_code != 0
    assert shell(sandbox, "mkdir /dev/mqueue/x /sys/x").exit_code != 0


def test_one_process_cannot_take_more_memory_than_it_may(sandbox):
    finished, said = python(limited(sandbox, memory_mib=128), "x = bytearray(1 << 30)")
    assert "MemoryError" in said and finished.ended == "exit"


def test_many_processes_together_cannot_either(sandbox):
    source = """
import os, time
for _ in range(16):
    if os.fork() == 0:
        x = bytearray(b"x") * (40 << 20)
        time.sleep(60)
time.sleep(60)
"""
    finished, _ = python(limited(sandbox, memory_mib=128, seconds=30.0), source)
    assert finished.ended == "memory" and finished.seconds < 30


def test_memory_that_no_limit_counts_is_refused(sandbox):
    source = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def refused(what, result):
    print(what, result == -1 and ctypes.get_errno() == 1)
try:
    os.memfd_create("x")
    print("memfd False")
except OSError as error:
    print("memfd", error.errno == 1)
refused("shm", libc.shmget(0, 1 << 20, 0o1600))
refused("ptrace", libc.ptrace(0, 0, 0, 0))
refused("io_uring", libc.syscall(425, 8, None))
"""
    _, said = python(sandbox, source)
    assert said == "memfd True\nshm True\nptrace True\nio_uring True\n"


def test_memory_of_counts_what_descendants_hold():
    child = subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(b'x') * (64 << 20); print(flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        child.stdout.readline()
        assert memory_of(os.getpid()) > 64 * MIB
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("stream", ["1", "2"])
def test_endless_output_is_cut(sandbox, stream):
    finished = shell(limited(sandbox, output_kib=256), f"yes >&{stream}")
    assert finished.ended == "output" and finished.seconds < 5
    assert len(finished.stdout) + len(finished.stderr) < 256 * 1024 + (1 << 17)


# what is outside


def test_the_home_folder_and_the_environment_are_not_inside(sandbox, monkeypatch, tmp_path):
    monkeypatch.setenv("HIVE_MIND_SECRET", "s3cr3t-value")
    secret = tmp_path / "secret.txt"
    secret.write_text("s3cr3t-value")
    places = [Path.home(), Path.home() / ".ssh", secret, Path.cwd(), Path(sandbox_module.__file__), Path("/etc/shadow")]
    _, said = python(
        sandbox,
        f"""
import glob, os
for place in {[str(place) for place in places]!r}:
    print(place, os.path.exists(place))
print(sorted(os.environ))
for file in glob.glob("/proc/*/environ"):
    try:
        print(open(file, errors="replace").read())
    except OSError:
        pass
""",
    )
    assert "s3cr3t" not in said and "HIVE_MIND" not in said
    shown = [line for line in said.splitlines() if line.endswith(("True", "False"))]
    assert len(shown) == len(places) and not any(line.endswith("True") for line in shown), shown


def test_nothing_outside_can_be_written(sandbox, tmp_path):
    inside = python(
        sandbox,
        """
import os
wrote = []
for place in ("/usr", "/usr/bin", "/usr/local", "/etc/alternatives", "/opt/python/lib", "/proc/sys/kernel", "/dev"):
    try:
        with open(place + "/hive-mind-escape", "w"):
            wrote.append(place)
    except OSError:
        pass
for file in ("/etc/ld.so.cache", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/usr/bin/env"):
    try:
        with open(file, "r+b"):
            wrote.append(file)
    except OSError:
        pass
print(wrote)
""",
    )[1]
    assert inside == "[]\n"
    before = sorted(tmp_path.parent.iterdir())
    shell(sandbox, f"mkdir -p {tmp_path}; echo x > {tmp_path}/escaped; rm -rf {tmp_path.parent}; rm -rf /usr /etc /opt")
    assert sorted(tmp_path.parent.iterdir()) == before and not (tmp_path / "escaped").exists()
    assert Path("/usr/bin/env").exists()


def test_no_file_of_this_process_is_handed_down(sandbox, tmp_path):
    with open(tmp_path / "open", "w") as file:
        os.set_inheritable(file.fileno(), True)
        assert shell(sandbox, "ls /proc/$$/fd; true").stdout.split() == [b"0", b"1", b"2"]


# no sandbox


def test_no_bubblewrap_is_unavailable(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SuiteUnavailable, match="apt install bubblewrap"):
        find_sandbox()


def write_program(folder, text):
    program = folder / "bwrap"
    program.write_text(text)
    program.chmod(0o755)
    folder.chmod(0o755)
    return program


def in_path(monkeypatch, program):
    monkeypatch.setattr(sandbox_module.shutil, "which", lambda name: str(program))
    monkeypatch.setattr(Sandbox, "_prepared", lambda self: [])


def test_a_sandbox_that_cannot_be_made_says_why(monkeypatch, tmp_path):
    in_path(monkeypatch, write_program(tmp_path, "#!/bin/sh\necho 'bwrap: No permissions to create' >&2\nexit 1\n"))
    with pytest.raises(SuiteUnavailable, match="No permissions to create"):
        find_sandbox()


def test_a_sandbox_that_does_not_hold_is_not_used(monkeypatch, tmp_path):
    """A bwrap that runs its command bare, and reports as bubblewrap does."""
    text = f"""#!{sys.executable}
import os, subprocess, sys
here = sys.argv.index("--")
report = int(sys.argv[sys.argv.index("--json-status-fd") + 1])
done = subprocess.run([part.replace({sandbox_module.PYTHON_INSIDE!r}, {str(Path(sys.base_prefix).resolve())!r})
                       for part in sys.argv[here + 1:]])
os.write(report, b'{{"exit-code": %d}}\\n' % done.returncode)
"""
    in_path(monkeypatch, write_program(tmp_path, text))
    with pytest.raises(SuiteUnavailable, match=r"does not hold .*privileges"):
        find_sandbox()


def test_a_processor_without_a_filter_is_unavailable(monkeypatch, sandbox):
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "riscv64")
    with pytest.raises(SuiteUnavailable, match="x86_64 and aarch64"):
        find_sandbox()


def test_a_failure_of_the_sandbox_itself_is_no_result(sandbox):
    with pytest.raises(HiveMindError, match="could not make a sandbox"):
        Sandbox("/bin/false", "", SandboxSettings()).run(["true"])
