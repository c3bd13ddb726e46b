# SPDX-License-Identifier: GPL-2.0
"""Compares a program's two runs, on the kernel's C drivers and on ours, subtest by subtest.

A subtest that C passes and ours does not is a loss, whether ours fails, skips it, or does not have
it. Losses are named in missing.toml, each under the feature that it waits for; one that is not
named fails the run, and so does a name of what is no loss any more.
"""

import dataclasses
import tomllib
from pathlib import Path

from .ktap import FAIL, PASS, Subtest

LIST = Path(__file__).with_name("missing.toml")

SAME, BETTER, NEITHER = "same", "better", "neither"
MISSING, LOST, STALE, PROBLEM = "missing", "lost", "stale", "problem"

BAD = (LOST, STALE, PROBLEM)
"""Verdicts that fail the run."""


@dataclasses.dataclass
class Verdict:
    """The verdict on one subtest, and the reason for it in one line."""

    name: str
    kind: str
    reason: str = ""

    @property
    def bad(self):
        return self.kind in BAD


class BadList(Exception):
    """The list of missing features cannot be used."""


def load(path=LIST):
    """The list of losses that have a reason: (function, program, subtest) -> reason."""
    try:
        data = tomllib.loads(Path(path).read_text())
    except tomllib.TOMLDecodeError as error:
        raise BadList(f"{path}: {error}") from None
    found = {}
    for feature, entry in data.items():
        reason = entry.get("reason")
        if not reason:
            raise BadList(f"{path}: [{feature}] has no reason")
        for function, programs in entry.items():
            if function == "reason":
                continue
            for program, names in programs.items():
                for name in names:
                    key = function, program, name
                    if key in found:
                        raise BadList(f"{path}: [{feature}] names {' '.join(key)} again")
                    found[key] = reason
    return found


def compare(function, program, c, ours, missing):
    """Returns the verdicts on a program's subtests.

    `c` and `ours` are the rig.Runs, `missing` is what load() returned.
    """
    named = {name: reason for (of, path, name), reason in missing.items()
             if (of, path) == (function, program.path)}
    verdicts = []
    for name in dict.fromkeys((*c.subtests, *ours.subtests, *named)):
        theirs = c.subtests.get(name, Subtest(name, "not there"))
        own = ours.subtests.get(name, Subtest(name, "not there"))
        verdicts.append(_verdict(name, theirs, own, named.get(name)))
    verdicts += [Verdict(problem, PROBLEM, problem) for problem in ours.problems]
    return verdicts


def _verdict(name, c, ours, named):
    difference = f"C: {_told(c)}; ours: {_told(ours)}"
    if ours.outcome == PASS:
        if named:
            return Verdict(name, STALE, f"passes: take it off {LIST.name} ({named})")
        return Verdict(name, SAME) if c.outcome == PASS else Verdict(name, BETTER, difference)
    if c.outcome == PASS:
        return Verdict(name, MISSING, named) if named else Verdict(name, LOST, difference)
    # A failure of C's can be chance, and says nothing about the name.
    if named and c.outcome != FAIL:
        return Verdict(name, STALE, f"no loss: take it off {LIST.name} ({difference})")
    return Verdict(name, NEITHER, difference)


def _told(subtest):
    return f"{subtest.outcome}, {subtest.reason}" if subtest.reason else subtest.outcome
