# SPDX-License-Identifier: GPL-2.0
"""Everything that can fail for want of memory fails, one allocation after the other: a clean error, the old state."""

import pytest

import ports
import vfs
from faults import bound, walk
from vfs import PF, VFS

# The least number of faults each operation must have met, so that a walk that counts nothing does not pass.
LEAST = {"probe": 60, "open": 15, "rings": 15, "channels": 10, "sriov": 40, "vf-rings": 8}


@pytest.mark.parametrize("operation", ["open", "rings", "channels"])
def test_pf(guest, operation):
    """The PF's interface."""
    vm = guest()
    ports.start(vm, quiet=True)
    summary = walk(vm, operation, PF, "pf")
    assert summary["step"] == 1 and summary["faults"] >= LEAST[operation], summary
    assert summary["refused"] > 0, summary


@pytest.mark.parametrize("operation", ["mtu", "features"])
def test_pf_takes_none(guest, operation):
    """What changes the interface without taking memory: should it ever, its failures are walked."""
    vm = guest()
    ports.start(vm, quiet=True)
    walk(vm, operation, PF, "pf")


@pytest.mark.parametrize("function", ["pf", "vf"])
def test_probe(guest, function):
    """Binding the driver: it is bound whole, and works, or not at all, and can be bound afterwards."""
    vm = guest()
    target, _ = bound(vm, function)
    summary = walk(vm, "probe", target)
    assert summary["step"] == 1 and summary["refused"] > 0, summary
    assert summary["faults"] >= LEAST["probe"] / (1 if function == "pf" else 2), summary


@pytest.mark.parametrize("operation", ["open", "vf-rings"])
def test_vf(guest, operation):
    """A VF's interface."""
    vm = guest()
    vfs.start(vm, count=1)
    summary = walk(vm, operation, VFS[0], "v0")
    assert summary["step"] == 1 and summary["faults"] >= LEAST[operation] / 2, summary
    assert summary["refused"] > 0, summary


def test_vf_takes_none(guest):
    """As for the PF's."""
    vm = guest()
    vfs.start(vm, count=1)
    walk(vm, "vf-mtu", VFS[0], "v0")
    walk(vm, "vf-features", VFS[0], "v0")


def test_sriov(guest):
    """Making VFs, with their driver loaded, while the PF's interface runs."""
    vm = guest()
    target, _ = bound(vm, "pf")
    vm.check("insmod /mnt/igb_rs/igbvf_rs.ko", timeout=vfs.LIMIT)
    summary = walk(vm, "sriov", target)
    assert summary["step"] == 1 and summary["refused"] > 0 and summary["faults"] >= LEAST["sriov"], summary
