# SPDX-License-Identifier: GPL-2.0
"""What of a module can panic: its call graph, from the relocations of the linked object."""

import collections
import re
import subprocess

PANIC = re.compile(r"core\[?.*::panicking::|core\[?.*::(option|result)::\w*_failed|slice_\w+_fail")
"""Demangled names of the functions that never return. Debian's kernel stops at one (BUG)."""

_FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_CALL = re.compile(r"R_X86_64_(?:PLT32|PC32|32S?|64)\s+([^\s.][^\s]*?)(?:[-+]0x[0-9a-f]+)?$")


class CallGraph:
    """Functions of a module and what each refers to, by demangled name."""

    def __init__(self, module):
        listing = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", str(module)], check=True, capture_output=True, text=True)
        edges = collections.defaultdict(set)
        function = None
        for line in listing.stdout.splitlines():
            if found := _FUNCTION.match(line):
                function = found[1]
                edges[function]  # Also one that refers to nothing is there.
            elif function and (found := _CALL.search(line)):
                edges[function].add(found[1])
        names = sorted(edges.keys() | {name for called in edges.values() for name in called})
        plain = dict(zip(names, _demangle(names), strict=True))
        self._edges = {plain[name]: {plain[other] for other in called} for name, called in edges.items()}

    def functions(self, pattern):
        """The module's own functions whose name matches."""
        return sorted(name for name in self._edges if re.search(pattern, name))

    def panics(self, roots):
        """Panics that can be reached from `roots` through the module's own functions: (function, panic) pairs."""
        seen, todo, found = set(), list(roots), set()
        while todo:
            function = todo.pop()
            if function in seen:
                continue
            seen.add(function)
            for called in self._edges.get(function, ()):
                if PANIC.search(called):
                    found.add((function, called))
                else:
                    todo.append(called)
        return sorted(found)


def _demangle(names):
    # Without what tells crates of one name apart.
    text = subprocess.run(["c++filt"], input="\n".join(names), check=True, capture_output=True, text=True).stdout
    return [re.sub(r"\[[0-9a-f]{8,}\]", "", line) for line in text.splitlines()]
