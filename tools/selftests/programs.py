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
    """One of them: its path below FOLDER, how many ports it wants, and whether the other port is to
    be in a namespace of its own."""

    path: str
    ports: int = 2
    remote: bool = True

    @property
    def python(self):
        return self.path.endswith(".py")


def _look(path):
    """Returns the program at a path. A shell program says in variables which ports it wants."""
    text = (FOLDER / path).read_text()
    if path.endswith(".py"):
        return Program(path)
    ports = re.search(r"^NUM_NETIFS=(\d+)", text, re.MULTILINE)
    return Program(path, int(ports[1]) if ports else 2, "DRIVER_TEST_CONFORMANT:=yes" in text)


def find(pattern="."):
    """The programs whose path matches the regular expression, in the order of the kernel's list."""
    found = []
    for line in (FOLDER / "kselftest-list.txt").read_text().split():
        collection, name = line.split(":")
        path = f"{collection}/{name}"
        if collection in COLLECTIONS and re.search(pattern, path):
            found.append(_look(path))
    return found
