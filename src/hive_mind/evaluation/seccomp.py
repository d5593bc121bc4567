"""The system calls that the sandbox refuses, as a BPF program for seccomp(2) that bubblewrap loads for the guest.

Refused with EPERM are calls whose memory no limit of the sandbox counts (memfd, SysV shared memory), those that reach
past the network namespace (vsock and other address families), and those that a guest has no use for and that have been
ways out of containers (bpf, io_uring, userfaultfd, keyrings, perf, ptrace).
"""

from __future__ import annotations

import errno
import platform
import struct

# Numbers from Linux's syscall_64.tbl (x86_64) and asm-generic/unistd.h (aarch64); from 424 on they are the same.
_X86_64 = {
    "socket": 41, "shmget": 29, "semget": 64, "msgget": 68, "ptrace": 101, "add_key": 248, "request_key": 249,
    "keyctl": 250, "perf_event_open": 298, "memfd_create": 319, "bpf": 321, "userfaultfd": 323,
    "io_uring_setup": 425, "memfd_secret": 447,
}  # fmt: skip
_AARCH64 = {
    "socket": 198, "shmget": 194, "semget": 190, "msgget": 186, "ptrace": 117, "add_key": 217, "request_key": 218,
    "keyctl": 219, "perf_event_open": 241, "memfd_create": 279, "bpf": 280, "userfaultfd": 282,
    "io_uring_setup": 425, "memfd_secret": 447,
}  # fmt: skip
_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}
"""Of every processor: AUDIT_ARCH, by which the kernel names its calling convention, and its numbers."""
_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK: all that the sandbox's own network namespace holds."""
_X32 = 0x40000000
"""Numbers from here on are x86_64's second, 32-bit convention, under which every call has another number."""

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM


def program(machine: str | None = None) -> bytes | None:
    """Return the filter for a processor (this one's by default); None where its numbers are not known here."""
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        return None
    arch, numbers = _MACHINES[machine]
    refused = [number for name, number in numbers.items() if name != "socket"]
    lines: list[tuple[int, int, str, str]] = [
        (_LOAD, _ARCH, "", ""),
        (_EQUAL, arch, "", "refuse"),
        (_LOAD, _NUMBER, "", ""),
        (_AT_LEAST, _X32, "refuse", ""),
        *((_EQUAL, number, "refuse", "") for number in refused),
        (_EQUAL, numbers["socket"], "", "allow"),
        (_LOAD, _FIRST_ARGUMENT, "", ""),
        *((_EQUAL, family, "allow", "") for family in _FAMILIES),
        (_RETURN, _REFUSE, "", ""),
        (_RETURN, _ALLOW, "", ""),
    ]
    places = {"refuse": len(lines) - 2, "allow": len(lines) - 1}
    encoded = b""
    for place, (code, value, if_true, if_false) in enumerate(lines):
        jumps = [places[target] - place - 1 if target else 0 for target in (if_true, if_false)]
        encoded += struct.pack("=HBBI", code, *jumps, value)
    return encoded
