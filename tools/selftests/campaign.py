# SPDX-License-Identifier: GPL-2.0
"""Runs programs on both sides, one program at a time, in two guests beside each other."""

import contextlib
import dataclasses
from concurrent.futures import ThreadPoolExecutor

from . import compare
from .ktap import FAIL
from .report import Report
from .rig import DRIVERS, Rig


TRIES = 4
"""How often a subtest may fail on our side before it is lost. Some expect packets within a time, which
the C drivers miss as often in an emulated machine."""


class Pair:
    """Two rigs, one for each side. A context manager."""

    def __init__(self, ports=2, mode="strict", show=print):
        self._rigs = {side: Rig(side, ports, mode) for side in DRIVERS}
        self._show = show

    def run(self, function, program, missing):
        """Runs a program on both sides and returns the verdicts, and the rig.Run of ours."""
        with ThreadPoolExecutor(len(self._rigs)) as pool:
            runs = {side: pool.submit(rig.run, function, program)
                    for side, rig in self._rigs.items()}
        c, ours = runs["c"].result(), runs["ours"].result()
        verdicts = compare.compare(function, program, c, ours, missing)
        tries = 1
        while tries < TRIES and (again := _worth_another(verdicts, ours)):
            tries += 1
            self._show(f"# {function} {program.path}: try {tries}, alone, of {', '.join(again)}")
            found = self._rigs["ours"].run(function, program, again)
            ours = dataclasses.replace(found, subtests={**ours.subtests, **found.subtests})
            verdicts = compare.compare(function, program, c, ours, missing)
        for problem in c.problems:
            self._show(f"# {function} {program.path} on the C drivers: {problem}")
        return verdicts, ours

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for rig in self._rigs.values():
            rig.close()


def run(wanted, functions, missing, mode="strict", show=print):
    """Runs the programs `wanted` against the functions and returns the Report."""
    report = Report(len(wanted) * len(functions), show)
    for ports in sorted({program.ports for program in wanted}):
        with Pair(ports, mode, show) as pair:
            for function in functions:
                for program in (program for program in wanted if program.ports == ports):
                    report.add(function, program, *pair.run(function, program, missing))
    return report


def _worth_another(verdicts, ours):
    """Names of subtests that failed and are lost, if nothing worse came."""
    if any(verdict.kind == compare.PROBLEM for verdict in verdicts):
        return []
    failed = {name for name, subtest in ours.subtests.items() if subtest.outcome == FAIL}
    return [verdict.name for verdict in verdicts
            if verdict.kind == compare.LOST and verdict.name in failed]
