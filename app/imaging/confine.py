"""Limits that the decoding child puts on itself before it sees the first untrusted byte.

Everything here is one-way: memory, time, file and privilege limits that the process cannot lift again.
What the system does not offer is left out and reported: a missing extra must not stop photos from being read.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_LANDLOCK_CREATE_RULESET = 444  # the same number on every architecture Linux has added since 2019
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_VERSION = 1
# How many access rights (consecutive bits) each interface version knows: refer, truncate and ioctl came
# later.
_LANDLOCK_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_LANDLOCK_RIGHTS_NEWEST = 16


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends; exit if it has already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def limit_resources(memory: int) -> None:
    """No core dumps, no writing to files, few descriptors, low priority, ``memory`` bytes above those in
    use.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    mapped = memory_use().mapped
    resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, mapped + memory))
    os.nice(5)  # a page that somebody waits for goes first


def limit_cpu(seconds: int) -> None:
    """Kill this process (SIGXCPU) once it has computed ``seconds`` more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def forbid_files_and_network() -> bool:
    """From now on no path can be opened, created or removed and no TCP connection made (Linux 5.13 or later).

    Descriptors that are open already stay usable. Returns False where the kernel has no Landlock.
    Source: the kernel's documentation, "Landlock: unprivileged access control".
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return False
    files = (1 << _LANDLOCK_RIGHTS.get(version, _LANDLOCK_RIGHTS_NEWEST)) - 1
    network = 3 if version >= 4 else 0  # bind and connect
    scope = 3 if version >= 6 else 0  # abstract sockets and signals
    ruleset = struct.pack("=QQQ", files, network, scope)[: 8 if version < 4 else 16 if version < 6 else 24]
    descriptor = libc.syscall(_LANDLOCK_CREATE_RULESET, ruleset, len(ruleset), 0)
    if descriptor < 0:
        return False
    try:
        # A rule set without a single rule: every right it handles is denied everywhere.
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_LANDLOCK_RESTRICT_SELF, descriptor, 0) == 0)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class MemoryUse:
    """Bytes of this process: address space, resident now, and the most that ever was resident."""

    mapped: int
    resident: int
    peak: int


_status = -1


def memory_use() -> MemoryUse:
    """From /proc, because the peak that getrusage tells includes the parent's before the program was loaded."""
    global _status
    if _status < 0:
        _status = os.open("/proc/self/status", os.O_RDONLY)  # kept open: later no path can be opened
    lines = (line.split() for line in os.pread(_status, 65536, 0).decode().splitlines())
    sizes = {words[0]: int(words[1]) * 1024 for words in lines if words[0] in ("VmSize:", "VmRSS:", "VmHWM:")}
    return MemoryUse(sizes["VmSize:"], sizes["VmRSS:"], sizes["VmHWM:"])
