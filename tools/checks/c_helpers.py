# SPDX-License-Identifier: GPL-2.0
"""Finds the C functions of the library that are more than one statement, with the reason why they are in C."""

import dataclasses
import re

from . import REPO

_FUNCTION = re.compile(
    r"(?P<comment>/\*(?:(?!\*/).)*\*/\n)?^(?:\w+ )+\**(?P<name>\w+)\([^;{]*?\)\n\{\n(?P<body>.*?)^\}",
    re.MULTILINE | re.DOTALL)
_BRANCH = re.compile(r"\b(if|for|while|do|switch)\b")
MARK = "In C:"


@dataclasses.dataclass(frozen=True)
class Helper:
    """One function. `reason`: why it is in C, empty if its comment does not say."""

    path: str
    name: str
    reason: str


def of_text(path, text):
    """The functions of a file that are more than one statement."""
    found = []
    for match in _FUNCTION.finditer(text):
        body = match["body"]
        if body.count(";") == 1 and not _BRANCH.search(body) and "?" not in body:
            continue
        words = re.sub(r"^/\*|\*/$|^ \*(?!/)", "", (match["comment"] or "").strip(), flags=re.MULTILINE).split()
        _, _, reason = " ".join(words).partition(MARK)
        found.append(Helper(path, match["name"], reason.strip()))
    return found


def census():
    """Those of the library, in the order of files and lines."""
    return [helper for path in sorted((REPO / "rust/helpers").glob("*.c"))
            for helper in of_text(str(path.relative_to(REPO)), path.read_text())]
