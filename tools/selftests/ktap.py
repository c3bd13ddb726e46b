# SPDX-License-Identifier: GPL-2.0
"""Reads what a test program printed: KTAP, or the lines of the shell library for forwarding."""

import dataclasses
import re

PASS, SKIP, XFAIL, FAIL = "pass", "skip", "xfail", "fail"

_EXIT = {0: PASS, 2: XFAIL, 4: SKIP}
"""Exit statuses of a kselftest; any other is a failure."""

_LINE = re.compile(r"^(not )?ok \d+ (?:- )?(.*?)(?:\s+# (SKIP|XFAIL)\b\s*(.*))?$")
_DIRECTIVES = {"SKIP": SKIP, "XFAIL": XFAIL}
_PLAN = re.compile(r"^1\.\.(\d+)")
_SHELL = re.compile(r"^TEST: (.*?)\s+\[\s*(OK|FAIL|SKIP|XFAIL)\s*\]$")
_SHELL_OUTCOMES = {"OK": PASS, "FAIL": FAIL, "SKIP": SKIP, "XFAIL": XFAIL}

WHOLE = "(the program)"
"""Name of the subtest that stands for a program which reports none, or which ends otherwise than
its subtests say."""

UNFINISHED = "(the end)"
"""Name of the subtest that fails when a program did not come to all it had planned."""


@dataclasses.dataclass
class Subtest:
    """The outcome of a part of a program, and why it is not a pass."""

    name: str
    outcome: str
    reason: str = ""


def read(text, status):
    """The subtests by name, from a program's output and its exit status (None: it was ended)."""
    found = {}
    planned = 0
    said = []
    for line in text.splitlines():
        line = line.rstrip()
        if match := _PLAN.match(line):
            planned = int(match[1])
        elif match := _LINE.match(line):
            outcome = FAIL if match[1] else _DIRECTIVES.get(match[3], PASS)
            reason = _reason(said) if outcome == FAIL else ""
            _add(found, Subtest(match[2], outcome, match[4] or reason))
            said = []
        elif match := _SHELL.match(line):
            # loopback.sh says of what it skips that it is all right.
            skipped = match[1].startswith("SKIP")
            _add(found, Subtest(match[1], SKIP if skipped else _SHELL_OUTCOMES[match[2]]))
        elif line.startswith("\t") and (last := [*found.values()][-1:]) and not last[0].reason:
            # The shell library prints the reason below.
            last[0].reason = line.strip()
        elif line:
            said.append(line)
    if status is None or len(found) < planned:
        end = "ended after its time limit" if status is None else f"ended with status {status}"
        # Not the number of those that ran: that differs from run to run.
        _add(found, Subtest(UNFINISHED, FAIL, f"{end}: {_reason(said)}"))
    elif not found:
        _add(found, Subtest(WHOLE, _EXIT.get(status, FAIL), _reason(said)))
    elif _EXIT.get(status, FAIL) == FAIL and FAIL not in {each.outcome for each in found.values()}:
        _add(found, Subtest(WHOLE, FAIL, f"ended with status {status}: {_reason(said)}"))
    return found


def _add(found, subtest):
    """Adds it; a name that is there already gets a number."""
    name, number = subtest.name, 1
    while subtest.name in found:
        number += 1
        subtest.name = f"{name} ({number})"
    found[subtest.name] = subtest


def _reason(said):
    """The line of a diagnosis that says most.

    It is the message of a command that failed, the last line of an exception, or the last there is.
    """
    lines = [re.sub(r"^#\s*(Exception\||Check\|)?\s*", "", line) for line in said]
    lines = [line for line in lines if line and set(line) - set("^~ ")]
    commands = [line for line in lines if re.match(r"STDERR: ", line)]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Failure|Ex)\b", line)]
    return (commands or errors or lines or [""])[-1]
