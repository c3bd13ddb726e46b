# SPDX-License-Identifier: GPL-2.0
"""The debug kernel's checks look, and the suite notices when they do not."""

import pytest

import debugging
from lab import Vm

BOOT = (
    "KernelAddressSanitizer initialized",
    "kfence: initialized",
    "kmemleak: Kernel memory leak detector initialized",
    "DMA-API: debugging enabled by kernel config",
    "iommu: Debugging page allocations",
)
"""What the checks say when the kernel starts."""


def test_awake(guest):
    """Every check is on, from the start."""
    vm = guest()
    assert not debugging.asleep(vm)
    said = "\n".join(vm.log())
    missing = [text for text in BOOT if text not in said]
    assert not missing, missing


def test_dma_debug_sees(guest):
    """dma-debug knows what a driver that uses the DMA API has mapped, and forgets it when that is gone."""
    vm = guest()
    vm.check("insmod /mnt/igb_rs/igb_rs.ko dma=2 && ip link set $(ls /sys/bus/pci/devices/0000:01:00.0/net) up")
    mapped = "grep -c '^igb_rs 0000:01:00.0 ' /sys/kernel/debug/dma-api/dump"
    assert int(vm.check(mapped)) > 0
    vm.check("rmmod igb_rs")
    assert vm.run(mapped).out == "0"


def test_asleep(guests):
    """Checks that are off are told by name, and no leak is looked for in vain."""
    off = "kmemleak=off dma_debug=off kfence.sample_interval=0 sysctl.kernel.hung_task_timeout_secs=0"
    with Vm(name="check-asleep", cmdline=off) as vm:
        assert debugging.asleep(vm).splitlines() == ["dma-debug is off", "kmemleak is off", "KFENCE is off",
                                                     "a task counts as hung after 0 s"]
        with pytest.raises(AssertionError, match="kmemleak is off"):
            debugging.leaks(vm)
