# SPDX-License-Identifier: GPL-2.0
"""Finds every `unsafe` in Rust sources, with what it is and the reason given for it."""

import dataclasses
import re

from . import REPO, rust
from .rust_source import split

_KIND = re.compile(r"\bunsafe\b\s*(?P<what>\{|impl\b|trait\b|extern\b|fn\b|)")
_TYPE = re.compile(r"[<(:]\s*(?:for<[^>]*>\s*)?$")


@dataclasses.dataclass(frozen=True)
class Use:
    """One `unsafe`.

    `kind`: "block", "impl", "trait", "function" (Rust code may call it, so it states what it requires) or
    "callback" (C code calls it; what it relies on is said at the blocks in it).
    """

    path: str
    line: int
    kind: str
    item: str
    reason: str

    @property
    def needs_reason(self):
        return self.kind != "callback"


def census(folder="rust"):
    """All of `folder`, in the order of the files."""
    return [use for path in rust(folder) for use in of_text(str(path), (REPO / path).read_text())]


def of_text(path, text):
    """The uses in one file's text."""
    code, comments = split(text)
    lines = code.split("\n")
    notes = comments.split("\n")
    uses = []
    for found in _KIND.finditer(code):
        line = code.count("\n", 0, found.start())
        what = found["what"]
        if what in ("fn", "extern") and _TYPE.search(code[:found.start()]):
            continue  # The type of a function pointer.
        if what == "{":
            kind, reason = "block", _above(lines, notes, line, "SAFETY:", found.start() - code.rfind("\n", 0, found.start()))
        elif what == "impl":
            kind, reason = "impl", _above(lines, notes, line, "SAFETY:")
        elif what == "trait":
            kind, reason = "trait", _above(lines, notes, line, "# Safety")
        elif what == "extern":
            kind, reason = "callback", ""
        else:
            kind, reason = "function", _above(lines, notes, line, "# Safety") or _of_trait(code, found.start())
        uses.append(Use(path, line + 1, kind, _item(code, found), reason))
    return uses


def _item(code, found):
    """The function (or impl, trait) the use is in or declares."""
    if found["what"] in ("{", ""):
        # The innermost item whose braces are open here.
        depth = 0
        for brace in re.finditer(r"[{}]", code[:found.start()][::-1]):
            depth += 1 if brace[0] == "}" else -1
            if depth < 0:
                depth = 0
                start = found.start() - brace.end()
                head = re.split(r"[;{}]", code[:start])[-1]
                name = re.search(r"\bfn\s+(\w+)", head) or re.search(r"\b(macro_rules!\s*\w+)", head)
                if name:
                    return name[1]
                if re.search(r"\b(impl|trait)\b", head):
                    return " ".join(head.split())
        return "(file)"
    head = re.split(r"[;{]", code[found.start():])[0]
    name = re.search(r"\bfn\s+(\w+)", head)
    return name[1] if name else " ".join(head.removeprefix("unsafe").split())


def _above(lines, notes, line, mark, column=None):
    """The comment with `mark` on the statement that `line` is part of, without the mark; empty if there is none."""
    at = line
    if column is not None and mark in notes[at]:
        return _text(notes, at, mark)
    while at > 0:
        at -= 1
        if notes[at].strip():
            first = at
            while first > 0 and notes[first - 1].strip() and not lines[first - 1].strip():
                first -= 1
            for start in range(first, at + 1):
                if mark in notes[start]:
                    return _text(notes, start, mark)
            if lines[at].strip() and _ends_statement(lines[at]):
                return ""
            at = first
            continue
        code = lines[at].strip()
        if not code or (_ends_statement(code) and not code.startswith("#[")):
            return ""
    return ""


def _ends_statement(code):
    return code.rstrip().endswith((";", "}")) and not code.strip().startswith("}) = ")


def _text(notes, start, mark):
    """The words from `mark` to the end of its comment or paragraph."""
    words = notes[start].split(mark, 1)[1].split()
    for note in notes[start + 1:]:
        note = note.strip()
        if not note.startswith("//"):
            break
        text = note.lstrip("/!").strip()
        if not text and words:
            break
        words += text.split()
    return " ".join(words)


def _of_trait(code, at):
    """The reason of an unsafe function that an unsafe trait demands."""
    depth = 0
    for brace in re.finditer(r"[{}]", code[:at][::-1]):
        depth += 1 if brace[0] == "}" else -1
        if depth < 0:
            head = re.split(r"[;{}]", code[:at - brace.end()])[-1]
            trait = re.search(r"\bimpl\b.*?([\w:]+)(?:<[^{]*>)?\s+for\b", head, re.DOTALL)
            return f"as the trait {trait[1]} demands" if trait else ""
    return ""
