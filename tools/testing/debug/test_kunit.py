# SPDX-License-Identifier: GPL-2.0
"""KUnit suites of the code both modules share, and the examples of the documentation."""

import re

SUITES = {"igb_common_ring", "igb_common_mbx", "igb_common_quota", "igb_common_vf_bank", "nic_dma", "nic_examples"}


def test_suites(guest):
    """Every suite runs when the module is loaded, and every case passes."""
    vm = guest()
    since = vm.mark()
    vm.check("insmod /mnt/igb_rs/igb_kunit.ko", timeout=300)
    lines = vm.log(since, vm.mark())
    vm.check("rmmod igb_kunit")
    said = "\n".join(re.sub(r"^\[[^\]]*\](\[[^\]]*\])? ?", "", line) for line in lines)
    assert not re.search(r"^ *not ok ", said, re.M), said
    passed = set(re.findall(r"^ok \d+ (\w+)$", said, re.M))
    assert passed == SUITES, said
    cases = re.findall(r"^ +ok \d+ (\w+)$", said, re.M)
    assert len(cases) >= 9, said
