# SPDX-License-Identifier: GPL-2.0
"""The document that lists every `unsafe` and why it is sound."""

import itertools
import textwrap

from . import REPO, c_helpers
from .unsafe_census import census

DOCUMENT = REPO / "Documentation/design/unsafe-ledger.rst"

_HEAD = """\
.. SPDX-License-Identifier: GPL-2.0

=============
Unsafe ledger
=============

Every ``unsafe`` of the project, with the reason it is sound as its ``SAFETY`` comment gives it. All of them are
in the crate ``nic`` (``rust/``); the crates under ``drivers/`` forbid ``unsafe``. This file is made by
``tools/checks/unsafe_ledger --write``, and ``make check`` fails when it is not up to date or a reason is
missing. ``tools/checks/unsafe_ledger --list`` shows them with line numbers.

Kinds: a *block* does what the compiler cannot check; an *impl* promises what a trait demands; a *function*
demands something of its caller, given here as its ``Safety`` section states it. *Callbacks* are functions that
only C code calls; they are counted, and what they rely on is said at the blocks in them.

C helpers (``rust/helpers/``) are functions of one statement each, for what the kernel has as inline functions or macros.
Those of more than one are at the end, each with the reason why it is in C.
"""


def _counts(uses):
    kinds = ("block", "impl", "trait", "function", "callback")
    return {kind: sum(use.kind == kind for use in uses) for kind in kinds}


def summary():
    """One line with the totals."""
    uses = census()
    parts = ", ".join(f"{count} {kind}" for kind, count in _counts(uses).items() if count)
    return f"{len(uses)} unsafe in {len({use.path for use in uses})} files: {parts}"


def listing():
    """One line per use."""
    return "\n".join(f"{use.path}:{use.line}: {use.kind} in {use.item}: {use.reason or '-'}" for use in census())


def text():
    """The document."""
    uses = census()
    out = [_HEAD, "", summary().capitalize() + ".", ""]
    for path, group in itertools.groupby(uses, key=lambda use: use.path):
        group = list(group)
        out += [path, "-" * len(path), ""]
        callbacks = sum(use.kind == "callback" for use in group)
        if callbacks:
            out += [f"{callbacks} callback{'s' * (callbacks > 1)}.", ""]
        for use in group:
            if use.needs_reason:
                item = use.item.replace("*", "\\*")
                out += _entry(f"- {use.kind}, ``{item}``: {_escape(use.reason)}")
        out.append("")
    title = "C helpers of more than one statement"
    out += [title, "-" * len(title), ""]
    for helper in c_helpers.census():
        out += _entry(f"- ``{helper.name}``: {_escape(helper.reason)}")
    return "\n".join(out).rstrip() + "\n"


def _entry(text):
    return textwrap.wrap(text, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _escape(reason):
    """Rust's comments are Markdown: code is in single backquotes there."""
    parts = reason.replace("[`", "`").replace("`]", "`").split("`")
    return "".join(f"``{part}``" if index % 2 else part.replace("*", "\\*").replace("|", "\\|")
                   for index, part in enumerate(parts))


def write():
    """Writes the document."""
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(text())


def problems():
    """What is wrong, one line each; empty when nothing is."""
    found = [f"{use.path}:{use.line}: unsafe {use.kind} in {use.item} has no reason"
             for use in census() if use.needs_reason and not use.reason]
    found += [f"{helper.path}: {helper.name}() is more than one statement and does not say why it is in C"
              for helper in c_helpers.census() if not helper.reason]
    have = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    if have != text():
        found.append(f"{DOCUMENT.relative_to(REPO)} is not up to date: run tools/checks/unsafe_ledger --write")
    return found
