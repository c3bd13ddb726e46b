# SPDX-License-Identifier: GPL-2.0
"""Everything that can fail for want of memory fails, one allocation after the other: a clean error, the old state."""

import pytest

import ports
import vfs
from faults import record, walk
from vfs import NUMVFS, PF, VFS

# The least number of faults each operation must have met, so that a walk that counts nothing does not pass.
LEAST = {"probe": 60, "open": 15, "rings": 15, "channels": 10, "sriov": 40}

LONGEST_SRIOV = 120
"""Allocations of sriov_configure that are failed: there are some thousand, of the PCI core's and sysfs', and each round
takes seconds, as the PCI core sleeps. Ours come first."""


@pytest.mark.parametrize("operation", ["open", "rings", "channels"])
def test_pf(guest, operation):
    """The PF's interface."""
    vm = guest()
    ports.start(vm, quiet=True)
    summary = walk(vm, operation, PF, "pf")
    assert summary["whole"] and summary["faults"] >= LEAST[operation], summary
    assert summary["refused"] > 0, summary


@pytest.mark.parametrize("operation", ["mtu", "features"])
def test_pf_takes_none(guest, operation):
    """What changes the interface without taking memory: should it ever, its failures are walked."""
    vm = guest()
    ports.start(vm, quiet=True)
    assert walk(vm, operation, PF, "pf")["whole"]


@pytest.mark.parametrize("function", ["pf", "vf"])
def test_probe(guest, function):
    """Binding the driver: it is bound whole, or not at all, and can be bound afterwards."""
    vm = guest()
    if function == "pf":
        vm.check("insmod /mnt/igb_rs/igb_rs.ko", timeout=vfs.LIMIT)
        target = PF
    else:
        vfs.run_all(vm, "insmod /mnt/igb_rs/igb_rs.ko", "insmod /mnt/igb_rs/igbvf_rs.ko", f"echo 1 >{NUMVFS}")
        target = VFS[0]
    summary = walk(vm, "probe", target)
    assert summary["whole"] and summary["refused"] > 0, summary
    assert summary["faults"] >= LEAST["probe"] / (1 if function == "pf" else 2), summary


def test_vf(guest):
    """A VF's interface."""
    vm = guest()
    vfs.start(vm, count=1)
    summary = walk(vm, "open", VFS[0], "v0")
    assert summary["whole"] and summary["refused"] > 0, summary
    # Takes none, as the PF's.
    assert walk(vm, "vf-mtu", VFS[0], "v0")["whole"]


def test_sriov(guest):
    """Making VFs, with their driver loaded, while the PF's interface runs."""
    vm = guest()
    ports.start(vm, quiet=True)
    vm.check("insmod /mnt/igb_rs/igbvf_rs.ko")
    summary = walk(vm, "sriov", PF, "pf", limit=LONGEST_SRIOV)
    assert summary["refused"] > 0 and summary["faults"] >= LEAST["sriov"], summary


FAIL = """
set -e
cd /sys/kernel/debug/fail_function
echo {function} >inject
printf %#x {error} >{function}/retval
echo 100 >probability; echo 1 >interval; echo 100000 >times; echo 0 >verbose; echo 0 >space; echo N >task-filter
"""
HEAL = "cd /sys/kernel/debug/fail_function; echo 0 >probability; echo >inject"

# What fails and how, and whether the driver then does without it: a domain that is refused may be the DMA API's, but
# want of memory never makes the protection weaker.
FUNCTIONS = {
    ("nic_iommu_attach", -16): True,
    ("nic_iommu_attach", -12): False,
    ("nic_iommu_map", -12): False,
    ("nic_alloc_msix", -28): False,
}


@pytest.mark.parametrize("function, error", FUNCTIONS)
def test_function(guest, function, error):
    """The IOMMU refuses, or there are no vectors: another way or a clean error; with the next attempt all is well."""
    vm = guest()
    vm.check("insmod /mnt/igb_rs/igb_rs.ko", timeout=vfs.LIMIT)
    driver = "/sys/bus/pci/drivers/igb_rs"
    domain = f"grep -qx 'domain: private' /sys/kernel/debug/igb_rs/{PF}/iommu"
    vm.check(f"echo {PF} >{driver}/unbind", timeout=vfs.LIMIT)
    vm.check(FAIL.format(function=function, error=error), timeout=vfs.LIMIT)
    try:
        bound = vm.run(f"echo {PF} >{driver}/bind", timeout=vfs.LIMIT).ok
        up = bound and vm.run(f"ip link set $(ls /sys/bus/pci/devices/{PF}/net) up", timeout=vfs.LIMIT).ok
    finally:
        vm.check(HEAL, timeout=vfs.LIMIT)
    assert up == FUNCTIONS[function, error]
    if up:
        assert not vm.run(domain, timeout=vfs.LIMIT).ok
    if bound:
        vm.check(f"echo {PF} >{driver}/unbind", timeout=vfs.LIMIT)
    vm.check(f"echo {PF} >{driver}/bind && ip link set $(ls /sys/bus/pci/devices/{PF}/net) up && {domain}", timeout=vfs.LIMIT)
    record(f"{function} {error}", {"bound": bound, "up": up})
