# SPDX-License-Identifier: GPL-2.0
"""Locks between processes that use one build folder."""

import contextlib
import fcntl


@contextlib.contextmanager
def only_one(folder):
    """Makes `folder`, and lets one process at a time into the block: for what several may make
    there."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
