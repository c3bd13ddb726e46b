#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Suites made from what is there already, written on standard output as a module of igb_kunit_main.rs: the files of
tools/host-tests/tests, one suite each, and the examples of the documentation, one suite for each crate that has some.

An example becomes the body of a test case, as rustdoc would do it: what it defines is compiled, what it does is run.
Those marked `ignore` are left out.
"""

import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]
HOST_TESTS = REPO / "tools/host-tests/tests"
EXAMPLES = {"nic": REPO / "rust", "igb_common": REPO / "drivers/net/ethernet/intel/igb_common"}

HOST_ONLY = {"threads", "vf_model"}
"""Host tests that need the standard library: threads, sets."""

BLOCK = re.compile(r"^ *//[/!] ?```(?P<kind>\w*)\n(?P<body>(?: *//[/!].*\n)*?) *//[/!] ?```$", re.MULTILINE)
CASE = re.compile(r"#\[test\]\n *fn (\w+)\(\)")
SUITE = re.compile(r"#\[kunit_tests\((\w+)\)\]\nmod \w+ \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)


def suite(name, cases):
    """A suite: the body of each of its cases, by name."""
    body = "\n".join(f"    #[test]\n    fn {case}() {{\n{code}\n    }}" for case, code in cases.items())
    return f"#[allow(dead_code)]\n#[kunit_tests({name})]\nmod {name} {{\n{body}\n}}\n"


def host_tests():
    """Each file as a module, and a suite that calls its tests: assertions stay what they are, and one that fails is a
    panic, which ends the case and has its line and values in the log."""
    for path in sorted(HOST_TESTS.glob("*.rs")):
        if path.stem in HOST_ONLY:
            continue
        text = path.read_text()
        code = CASE.sub(r"pub(super) fn \1()", text)
        yield f"mod {path.stem} {{\n{code}}}\n"
        yield suite(f"igb_common_{path.stem}", {name: f"        super::{path.stem}::{name}();" for name in CASE.findall(text)})


def examples():
    """A suite for each crate."""
    for crate, folder in EXAMPLES.items():
        cases = {}
        for path in sorted(folder.rglob("*.rs")):
            text = path.read_text()
            for found in BLOCK.finditer(text):
                if found["kind"] != "ignore":
                    line = text.count("\n", 0, found.start()) + 1
                    code = (re.sub(r"^ *//[/!] ?(# )?", "", line) for line in found["body"].splitlines())
                    cases[f"{'_'.join(path.relative_to(folder).with_suffix('').parts)}_{line}"] = "\n".join(
                        f"        {line}".rstrip() for line in code)
        yield suite(f"{crate}_examples", cases)


def generated():
    """The module."""
    return "\n".join(["// Made by suites.py.\n\nuse kernel::prelude::*;\n", *host_tests(), *examples()])


def cases():
    """The cases of every suite that igb_kunit.ko has, by suite."""
    text = generated() + "".join(path.read_text() for path in sorted(Path(__file__).parent.glob("*.rs")))
    return {name: set(CASE.findall(body)) for name, body in SUITE.findall(text)}


if __name__ == "__main__":
    print(generated(), end="")
