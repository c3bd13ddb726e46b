# SPDX-License-Identifier: GPL-2.0
"""Tells what came of the programs: KTAP as they end, a list of what differs, JUnit XML."""

import collections
import xml.etree.ElementTree as xml

from . import compare

TITLES = {
    compare.SAME: "passed by both",
    compare.BETTER: "passed by ours only",
    compare.NEITHER: "passed by neither",
    compare.MISSING: f"lost for a feature that is not there yet ({compare.LIST.name})",
    compare.LOST: "lost",
    compare.STALE: f"named in {compare.LIST.name} without being a loss",
    compare.PROBLEM: "hangs and what the kernel said",
}


class Report:
    """Takes each program's verdicts and prints them; `failed` says whether any is bad."""

    def __init__(self, planned, show=print):
        self._show = show
        self._done = []
        show(f"KTAP version 1\n1..{planned}")

    @property
    def failed(self):
        return any(verdict.bad for _, _, verdicts, _ in self._done for verdict in verdicts)

    def add(self, function, program, verdicts, ours):
        """Prints a program's verdicts as a test with subtests. `ours` is its rig.Run of ours."""
        self._done.append((function, program, verdicts, ours))
        name = f"{function} {program.path}"
        lines = ["    KTAP version 1", f"    # Subtest: {name}", f"    1..{len(verdicts)}"]
        for number, verdict in enumerate(verdicts, 1):
            lines += [f"    {line}" for line in _ktap(number, verdict)]
        bad = any(verdict.bad for verdict in verdicts)
        lines.append(f"{'not ok' if bad else 'ok'} {len(self._done)} {name}")
        self._show("\n".join(lines))

    def summary(self):
        """What is not simply passed, each with its reason, and how many there are of each kind."""
        kinds = collections.defaultdict(list)
        for function, program, verdicts, _ in self._done:
            for verdict in verdicts:
                line = f"{function} {program.path} {verdict.name}: {verdict.reason}"
                kinds[verdict.kind].append(line)
        lines = []
        for kind, title in TITLES.items():
            if kind != compare.SAME and kinds[kind]:
                lines += [f"# {title}:", *(f"#   {line}" for line in kinds[kind])]
        counts = ", ".join(f"{len(kinds[kind])} {title}" for kind, title in TITLES.items()
                           if kinds[kind])
        return "\n".join([*lines, f"# {counts or 'nothing was run'}"])

    def junit(self, path):
        """Writes the same as JUnit XML."""
        root = xml.Element("testsuites", name="selftests")
        for function, program, verdicts, ours in self._done:
            suite = xml.SubElement(root, "testsuite", name=f"{function} {program.path}",
                                   tests=str(len(verdicts)), errors="0", time=f"{ours.seconds:.1f}")
            counts = collections.Counter(failures=0, skipped=0)
            for verdict in verdicts:
                case = xml.SubElement(suite, "testcase", classname=f"{function}.{program.path}",
                                      name=_plain(verdict.name))
                if verdict.bad:
                    counts["failures"] += 1
                    xml.SubElement(case, "failure", type=verdict.kind,
                                   message=_plain(verdict.reason))
                elif verdict.kind in (compare.NEITHER, compare.MISSING):
                    counts["skipped"] += 1
                    xml.SubElement(case, "skipped", message=_plain(verdict.reason))
            suite.attrib.update({name: str(count) for name, count in counts.items()})
            if counts["failures"]:
                xml.SubElement(suite, "system-out").text = _plain(ours.output)
        path.parent.mkdir(parents=True, exist_ok=True)
        xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _ktap(number, verdict):
    """A verdict's lines."""
    if verdict.bad:
        return [f"# {verdict.kind}: {verdict.reason}", f"not ok {number} {verdict.name}"]
    directive = {compare.NEITHER: "SKIP", compare.MISSING: "XFAIL"}.get(verdict.kind)
    if directive:
        return [f"ok {number} {verdict.name} # {directive} {verdict.reason}"]
    said = [f"# {verdict.kind}: {verdict.reason}"] if verdict.reason else []
    return [*said, f"ok {number} {verdict.name}"]


def _plain(text):
    """The text without the control characters that XML cannot have."""
    return "".join(letter for letter in text if letter in "\t\n" or letter >= " ")
