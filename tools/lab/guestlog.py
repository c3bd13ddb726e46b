# SPDX-License-Identifier: GPL-2.0
"""A guest's kernel log, read from its console, and the verdict on it."""

import contextlib
import itertools
import time

from . import kernlog
from .client import Guest, GuestError
from .kernel import patience


class DirtyLog(AssertionError):
    """The kernel said something it must not say, or a guest is gone before it was asked."""


class LoggedGuest(Guest):
    """A guest whose console log can be read: the subclass has `console_bytes()` and `name`."""

    def __init__(self):
        self._marks = itertools.count(1)
        self._allowed = []
        self.judged = 0
        """The mark up to which the log was looked through last."""

    def console_bytes(self):
        """All of the console so far."""
        raise NotImplementedError

    def mark(self):
        """A position in the kernel log: everything logged before this call is before it.

        A marker line is sent through the log and awaited on the console, so nothing is still under way.
        """
        text = f"lab: mark {next(self._marks)}."
        self.put("/dev/kmsg", f"<6>{text}\n")
        limit = time.monotonic() + patience(20)
        while True:
            data = self.console_bytes()
            at = data.rfind(text.encode())
            if at >= 0:
                return at + len(text)
            if time.monotonic() > limit:
                raise GuestError(f"{self.name}: a line written to the kernel log does not reach the console")
            time.sleep(0.05)

    def log(self, since=0, until=None):
        """Lines of the kernel log between two marks."""
        return self.console_bytes()[since:until].decode(errors="replace").splitlines()

    def logged(self, text, since, timeout=60):
        """Waits until a line with `text` in it comes after a mark, and returns it; GuestError after `timeout` s."""
        limit = time.monotonic() + patience(timeout)
        while True:
            for line in self.log(since):
                if text in line:
                    return line
            if time.monotonic() > limit:
                raise GuestError(f"{self.name}: not in the kernel log in {timeout} s: {text}")
            time.sleep(0.2)

    def note(self, text):
        """Writes a line into the kernel log, to find a place again when reading it."""
        self.put("/dev/kmsg", f"<6>lab: {text}\n")

    def findings(self, since=0, allow=()):
        """Lines since a mark that must not be there, less those allowed (see kernlog)."""
        self.judged = until = self.mark()
        spans = sorted((start, end, pattern) for start, end, pattern in self._allowed if end > since)
        found = []
        at = since
        for start, end, pattern in spans:
            start = max(start, at)
            if end > start:
                found += kernlog.findings(self.log(at, start), allow)
                found += kernlog.findings(self.log(start, end), (*allow, pattern))
                at = end
        return found + kernlog.findings(self.log(at, until), allow)

    def assert_clean(self, since=0, allow=()):
        """DirtyLog if the kernel logged a warning, a fault, a hang or the like since a mark.

        `allow` is a list of regular expressions for lines that are expected; `expecting()` does the same for a
        part of the time. A guest that is gone is not clean.
        """
        try:
            found = self.findings(since, allow)
        except GuestError as error:
            found = kernlog.findings(self.log(since), allow) + [str(error)]
        if found:
            lines = "\n  ".join(found[:20])
            raise DirtyLog(f"{self.name}: the kernel log is not clean (all of it: {self.where()}):\n  {lines}")

    def where(self):
        """Where a person finds the log."""
        raise NotImplementedError

    def dmar_faults(self, since=0):
        """Number of faults the IOMMU has logged since a mark."""
        return sum(bool(kernlog.DMAR_FAULT.search(line)) for line in self.log(since, self.mark()))

    @contextlib.contextmanager
    def expecting(self, pattern, required=True):
        """Inside this block, log lines that match `pattern` (with the trace below them) are no failure.

        When `required`, it is one if no such line came.
        """
        start = self.mark()
        yield
        end = self.mark()
        self._allowed.append((start, end, pattern))
        if required and not any(kernlog.matches(pattern, line) for line in self.log(start, end)):
            raise DirtyLog(f"{self.name}: expected in the kernel log but not there: {pattern}")
