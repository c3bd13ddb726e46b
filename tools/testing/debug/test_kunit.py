# SPDX-License-Identifier: GPL-2.0
"""KUnit suites of the code both modules share, and the examples of the documentation."""

import re

from kunit import suites


def test_suites(guest):
    """When the module is loaded every case there is runs and passes; none is skipped."""
    vm = guest()
    since = vm.mark()
    vm.check("insmod /mnt/igb_rs/igb_kunit.ko", timeout=600)
    lines = vm.log(since, vm.mark())
    vm.check("rmmod igb_kunit")
    said = "\n".join(re.sub(r"^\[[^\]]*\](\[[^\]]*\])? ?", "", line) for line in lines)
    assert not re.search(r"^ *not ok |# SKIP", said, re.M), said
    # The cases of a suite come before its own line.
    passed, cases = {}, set()
    for indent, name in re.findall(r"^( *)ok \d+ (\w+)$", said, re.M):
        if indent:
            cases.add(name)
        else:
            passed[name], cases = cases, set()
    assert passed == suites.cases(), said
