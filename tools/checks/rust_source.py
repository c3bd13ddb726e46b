# SPDX-License-Identifier: GPL-2.0
"""Just enough of Rust's lexical grammar to tell code from comments and literals."""

import re

_TOKEN = re.compile(r"""
    (?P<line>//[^\n]*)
  | (?P<block>/\*)
  | (?P<raw>b?r(?P<hashes>\#*)"(?s:.*?)"(?P=hashes))
  | (?P<string>[bc]?"(?:\\.|[^"\\])*")
  | (?P<char>b?'(?:\\(?:x..|u\{[^}]*\}|.)|[^'\\\n])')
""", re.VERBOSE | re.DOTALL)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def split(text):
    """Returns (code, comments): `text` with everything but code as blanks, and with everything but comments.

    Both have the length and lines of `text`.
    """
    code, comments = [], []
    at = 0
    while True:
        found = _TOKEN.search(text, at)
        if not found:
            code.append(text[at:])
            comments.append(_blank(text[at:]))
            return "".join(code), "".join(comments)
        end = _end_of_block(text, found.start()) if found["block"] else found.end()
        code += [text[at:found.start()], _blank(text[found.start():end])]
        comment = found["line"] or found["block"]
        comments += [_blank(text[at:found.start()]),
                     text[found.start():end] if comment else _blank(text[found.start():end])]
        at = end


def _end_of_block(text, at):
    """Block comments nest."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return at + mark.end()
    return len(text)
