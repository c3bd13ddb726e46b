# SPDX-License-Identifier: GPL-2.0
"""What a kind of command is."""

import dataclasses
from typing import Callable


@dataclasses.dataclass
class Kind:
    """A class of commands, whose successes are counted.

    `make(rng, hostile)` returns the steps of one command (see World.perform): one that should work if nobody is in its
    way, or, with `hostile`, one that nobody should give. The command has succeeded when all of its steps have.
    """

    name: str
    make: Callable
    weight: int = 1


def order(space, family, op, vals, **options):
    """A step: one netlink message."""
    return ["netlink", space, family, op, vals, options]


def tool(space, text):
    """A step: a program with arguments that have no spaces."""
    return ["tool", space, text.split()]


def write(path, text):
    """A step: a text into a file of sysfs."""
    return ["write", path, text]
