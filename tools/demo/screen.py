# SPDX-License-Identifier: GPL-2.0
"""What a person sees: steps as they are done, and a table that fills cell by cell. 100 columns wide."""

import contextlib
import sys
import threading
import time


def _write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def title(text):
    """The headline of a part of the run."""
    _write(f"\n{text}\n")


class _Step:
    """What a step may say about itself: `result` is printed at its end."""

    result = ""


@contextlib.contextmanager
def step(text, dot_every=4.0):
    """Prints what is done, a dot every few seconds, and at the end how it went and how long it took.

        with step("boot") as done:
            done.result = "stock kernel"
    """
    done = _Step()
    ended = threading.Event()

    def dots():
        while not ended.wait(dot_every):
            _write(".")

    _write(f"  {text} ")
    start = time.monotonic()
    ticker = threading.Thread(target=dots, daemon=True)
    ticker.start()
    verdict = "FAILED"
    try:
        yield done
        verdict = done.result or "done"
    finally:
        ended.set()
        ticker.join()
        _write(f" {verdict} ({time.monotonic() - start:.1f} s)\n")


class Table:
    """A table whose rows appear cell by cell.

    `columns` is a list of (heading, width); a width below zero aligns to the right.
    """

    def __init__(self, columns):
        self._columns = columns
        self._next = 0
        self.row([heading for heading, _ in columns])
        self.row(["-" * abs(width) for _, width in columns])

    def cell(self, value):
        """Prints the next cell, and ends the line after the last."""
        _, width = self._columns[self._next]
        text = str(value)
        gap = "  " if self._next < len(self._columns) - 1 else "\n"
        _write(("  " if self._next == 0 else "") + (text.rjust(-width) if width < 0 else text.ljust(width)) + gap)
        self._next = (self._next + 1) % len(self._columns)

    def row(self, values):
        """Prints a row at once."""
        for value in values:
            self.cell(value)
