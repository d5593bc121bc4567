"""The filter of system calls, run by a BPF machine of our own: processors that are not at hand are tried too."""

import errno
import struct

import pytest

from hive_mind.evaluation.seccomp import program

ALLOWED, REFUSED = 0x7FFF0000, 0x00050000 | errno.EPERM
X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003


def verdict(machine, arch, number, argument=0):
    """What the kernel would answer: a load of 32 bits, jumps on equal and at least, and return."""
    data = struct.pack("=IIQ6Q", number, arch, 0, argument, 0, 0, 0, 0, 0)
    code = program(machine)
    lines = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    loaded, at = 0, 0
    while True:
        operation, if_true, if_false, value = lines[at]
        at += 1
        if operation == 0x20:
            [loaded] = struct.unpack_from("=I", data, value)
        elif operation in (0x15, 0x35):
            at += if_true if (loaded == value if operation == 0x15 else loaded >= value) else if_false
        else:
            assert operation == 0x06
            return value


@pytest.mark.parametrize(
    ("machine", "arch", "number", "argument", "expected"),
    [
        ("x86_64", X86_64, 0, 0, ALLOWED),  # read
        ("x86_64", X86_64, 59, 0, ALLOWED),  # execve
        ("x86_64", X86_64, 319, 0, REFUSED),  # memfd_create
        ("x86_64", X86_64, 29, 0, REFUSED),  # shmget
        ("x86_64", X86_64, 41, 1, ALLOWED),  # socket(AF_UNIX)
        ("x86_64", X86_64, 41, 2, ALLOWED),
        ("x86_64", X86_64, 41, 40, REFUSED),  # socket(AF_VSOCK)
        ("x86_64", X86_64, 41, 38, REFUSED),  # socket(AF_ALG)
        ("x86_64", X86_64, 0x40000000 | 319, 0, REFUSED),  # memfd_create by its x32 number
        ("x86_64", I386, 3, 0, REFUSED),  # anything by int 0x80
        ("aarch64", AARCH64, 63, 0, ALLOWED),  # read
        ("aarch64", AARCH64, 221, 0, ALLOWED),  # execve
        ("aarch64", AARCH64, 279, 0, REFUSED),  # memfd_create
        ("aarch64", AARCH64, 194, 0, REFUSED),  # shmget
        ("aarch64", AARCH64, 425, 0, REFUSED),  # io_uring_setup
        ("aarch64", AARCH64, 198, 10, ALLOWED),  # socket(AF_INET6)
        ("aarch64", AARCH64, 198, 40, REFUSED),
        ("aarch64", X86_64, 63, 0, REFUSED),
    ],
)
def test_what_is_refused(machine, arch, number, argument, expected):
    assert verdict(machine, arch, number, argument) == expected


def test_a_processor_that_is_not_known_has_no_filter():
    assert program("riscv64") is None
