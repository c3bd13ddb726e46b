# SPDX-License-Identifier: GPL-2.0
"""The kernel's test programs as the lab installed them (`selftests` in tools/lab/setup)."""

import dataclasses
import re
from pathlib import Path

FOLDER = Path("/usr/src/igb-rs-selftests")
"""Where they are, in the lab's root and so in a guest."""

COLLECTIONS = ("drivers/net", "drivers/net/hw")

SECONDS = 360
"""How long a program may take; the kernel's own limit for drivers/net."""


@dataclasses.dataclass(frozen=True)
class Program:
    """One of them: its path below FOLDER, and how many ports the program wants to be given."""

    path: str
    ports: int

    @property
    def remote(self):
        """Whether the other port is in a namespace of its own, as the Python programs have it."""
        return self.path.endswith(".py")


def _ports(text):
    """How many interfaces the shell program wants: it says so in a variable."""
    found = re.search(r"^NUM_NETIFS=(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 2


def find(pattern="."):
    """The programs whose path matches the regular expression, in the order of the kernel's list."""
    found = []
    for line in (FOLDER / "kselftest-list.txt").read_text().split():
        collection, name = line.split(":")
        path = f"{collection}/{name}"
        if collection in COLLECTIONS and re.search(pattern, path):
            ports = 2 if name.endswith(".py") else _ports((FOLDER / path).read_text())
            found.append(Program(path, ports))
    return found
