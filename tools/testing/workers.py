# SPDX-License-Identifier: GPL-2.0
"""Tests side by side: how many workers of pytest-xdist run them, and how one test gets the machine
to itself."""

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lab import paths

GUESTS, MEMORY = {"stock": (3, 4096), "debug": (2, 9216)}[paths.KERNEL]
"""How many guests a worker keeps at most, and how many MiB these have used at most, all together,
with some room. The debug kernel writes into all of its memory when it boots."""


def default():
    """Returns how many workers suit this machine: three for two processors, as far as there is
    memory for their guests.

    As many workers as processors would leave some idle whenever a guest waits, for a timer, the
    device or a link.
    """
    memory = Path("/proc/meminfo").read_text()
    available = int(memory.split("MemAvailable:")[1].split()[0]) >> 10
    return max(1, min(len(os.sched_getaffinity(0)) * 3 // 2, available // MEMORY))


def needed(keyword, args):
    """Returns how many workers a run of pytest with `-k keyword` and these arguments needs: none
    for a single test."""
    most = default()
    if keyword:
        command = [sys.executable, "-m", "pytest", "-n", "0", "--collect-only", "-q", "-k", keyword]
        listed = subprocess.run([*command, *args], capture_output=True, text=True)
        # With no test, or a mistake in the keyword, the run that follows has to say so.
        found = listed.stdout.splitlines() if listed.returncode == 0 else ()
        most = min(most, sum("::" in line for line in found))
    return most if most > 1 else 0


class Turns:
    """Lets tests of all workers run side by side, and one of them alone.

    Two locks: every test passes the gate before it takes its part in the machine, and a test that
    wants to be alone stays in the gate until it has ended. Others can thus not keep it waiting for
    ever.
    """

    def __init__(self, folder=None):
        # The folder is the run's own: tools/lab/enter mounts one for each.
        folder = Path(folder or tempfile.gettempdir())
        self._gate = open(folder / "tests-gate", "w")
        self._machine = open(folder / "tests-machine", "w")
        self._alone = False

    @contextlib.contextmanager
    def beside(self):
        """Waits until no test is alone, or wants to be, and keeps it so."""
        if self._alone:
            # Of this very worker: a fixture that outlives its test.
            yield
            return
        with _held(self._gate, fcntl.LOCK_EX):
            fcntl.flock(self._machine, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(self._machine, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def alone(self):
        """Waits until no other test runs, and keeps it so."""
        with _held(self._gate, fcntl.LOCK_EX), _held(self._machine, fcntl.LOCK_EX):
            self._alone = True
            try:
                yield
            finally:
                self._alone = False


@contextlib.contextmanager
def _held(file, kind):
    fcntl.flock(file, kind)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
