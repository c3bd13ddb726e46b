# SPDX-License-Identifier: GPL-2.0
"""The IOMMU refuses, or there are no vectors, at the first call or any later one: another way or a clean error."""

import json

import pytest

import vfs
from faults import bound, put, record

# What refuses, with which error, and what the user sees: the error of binding and of bringing up. A domain that is
# refused may be the DMA API's, but want of memory never makes the protection weaker.
CASES = {
    ("nic_iommu_attach", "EBUSY"): (None, None),
    ("nic_iommu_attach", "ENOMEM"): ("ENOMEM", None),
    ("nic_iommu_map", "ENOMEM"): (None, "ENOMEM"),
    ("nic_alloc_msix", "ENOSPC"): ("ENOSPC", None),
}

FOREVER = 100_000


@pytest.mark.parametrize("function", ["pf", "vf"])
@pytest.mark.parametrize("name, error", CASES)
def test_refusal(guest, name, error, function):
    """The driver does without or fails with that error and one line in the log; with the next attempt all is well.

    What a round may have lost is looked for when the guest ends.
    """
    vm = guest()
    target, driver = bound(vm, function)
    put(vm)
    # One call at a time: smaller pieces are mapped instead of one that is refused, all else is as if it were for good.
    for times in (1, FOREVER):
        since = vm.mark()
        arguments = f"{name} {error} {times} {target} w"
        text = vm.check(f"python3 -E -s -S /run/refuse.py {arguments}", timeout=4 * vfs.LIMIT)
        rounds = json.loads(text.splitlines()[-1])
        *refused, last = rounds
        assert refused, "nobody calls it"
        expected = (None, None) if (name, times) == ("nic_iommu_map", 1) else CASES[name, error]
        assert {(each["bound"], each["up"]) for each in refused} == {expected}, rounds
        assert (last["bound"], last["up"], last["domain"]) == (None, None, "domain: private"), rounds
        without = error == "EBUSY"
        assert all((each["domain"] == "domain: private") != without for each in refused), rounds
        log = [line for line in vm.log(since, vm.mark()) if target in line]
        said = {text: sum(text in line for line in log) for text in (
            f"probe with driver {driver} failed with error", f"starting the queues failed: {error}")}
        assert list(said.values()) == [len(refused) * (what is not None) for what in expected], (said, rounds)
        record(f"{name} {error} {function}" + (" once" if times == 1 else ""), len(refused))
