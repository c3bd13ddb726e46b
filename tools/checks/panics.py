# SPDX-License-Identifier: GPL-2.0
"""What of a module can panic: its call graph, from the branches and relocations of the linked object.

A call through a pointer ends the way: what a vtable holds has to be looked at as a root of its own.
"""

import bisect
import collections
import re
import subprocess

PANIC = re.compile(r"core\[?.*::panicking::|core\[?.*::(option|result)::\w*_failed|slice_\w+_fail")
"""Demangled names of the functions that never return. Debian's kernel stops at one (BUG)."""

_SECTION = re.compile(r"^Disassembly of section (.+):$")
_FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
_BRANCH = re.compile(r"\s(?:call|j\w+)\s+[0-9a-f]+ <([^>+]+)(?:\+0x[0-9a-f]+)?>$")
_RELOCATION = re.compile(r"R_X86_64_(PLT32|PC32|32S?|64)\s+(\S+?)([-+]0x[0-9a-f]+)?$")
_RELATIVE = ("PLT32", "PC32")


class CallGraph:
    """Functions of a module and what each refers to, by demangled name."""

    def __init__(self, module):
        listing = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", str(module)], check=True, capture_output=True, text=True)
        edges = read_listing(listing.stdout.splitlines())
        names = sorted(edges.keys() | {name for called in edges.values() for name in called})
        plain = dict(zip(names, _demangle(names), strict=True))
        self._edges = {plain[name]: {plain[other] for other in called} for name, called in edges.items()}

    def functions(self, pattern):
        """The module's own functions whose name matches."""
        return sorted(name for name in self._edges if re.search(pattern, name))

    def reached(self, roots):
        """`roots` and every function that they lead to, each as (function, what it refers to)."""
        seen, todo = {}, list(roots)
        while todo:
            function = todo.pop()
            if function not in seen:
                seen[function] = self._edges.get(function, set())
                todo += seen[function]
        return seen.items()

    def panics(self, roots):
        """Panics that can be reached from `roots` through the module's own functions: (function, panic) pairs."""
        return sorted((function, other) for function, called in self.reached(roots) for other in called if PANIC.search(other))


def read_listing(lines):
    """The functions of a listing, each with the names of what it refers to."""
    edges = collections.defaultdict(set)
    starts = collections.defaultdict(list)  # Section to (address, function), ascending.
    within = []  # (function, section, address) of relocations that name a section.
    section = function = branch = None
    for line in lines:
        if relocation := _RELOCATION.search(line):
            # What the linker still has to fill in: the branch does not lead to where it seems to.
            branch = None
            kind, target, offset = relocation.groups()
            if not function:
                continue
            if not target.startswith("."):
                edges[function].add(target)
            elif target.startswith(".text"):
                # The processor counts from the instruction's end, four bytes further.
                within.append((function, target, int(offset or "0", 16) + (4 if kind in _RELATIVE else 0)))
            continue
        if branch:
            edges[function].add(branch)
            branch = None
        if found := _SECTION.match(line):
            section, function = found[1], None
        elif found := _FUNCTION.match(line):
            function = found[2]
            edges[function]  # Also one that refers to nothing is there.
            starts[section].append((int(found[1], 16), function))
        elif found := _BRANCH.search(line):
            branch = found[1]
    if branch:
        edges[function].add(branch)
    for function, section, address in within:
        place = bisect.bisect_right(starts[section], address, key=lambda start: start[0])
        edges[function].add(starts[section][place - 1][1])
    return edges


def _demangle(names):
    # Without what tells crates of one name apart.
    text = subprocess.run(["c++filt"], input="\n".join(names), check=True, capture_output=True, text=True).stdout
    return [re.sub(r"\[[0-9a-f]{8,}\]", "", line) for line in text.splitlines()]
