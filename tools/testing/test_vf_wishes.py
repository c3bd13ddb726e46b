# SPDX-License-Identifier: GPL-2.0
"""What a VF wants to receive beyond its own address, and what becomes of it when its trust or its link comes and goes."""

import pytest

from machine import Machine
from vfs import DEVICES, LIMIT, PF, VFS, bar, carrier, no_carrier, pings, reaches, run_all, start, until

VMOLR, MPME = 0x5AD0, 1 << 28
"""In the PF's BAR 0: reception of pool 0; its bit for every group."""

GROUPS = [f"01:00:5e:52:23:{number:02x}" for number in range(40)]
"""More than a message of the mailbox holds."""


@pytest.fixture
def every(guest):
    """A guest with a VF, and a function that says whether the VF receives every group."""
    vm = guest()
    start(vm, count=1)
    machine, register = Machine.of(vm), bar(vm, PF) + VMOLR
    return vm, lambda: machine.read(register) & MPME != 0


def single(order, groups):
    """Shell command: the VF joins (`add`) or leaves (`del`) each group."""
    return " && ".join(f"ip -n v0 maddr {order} {group} dev v0" for group in groups)


def test_every_group(every):
    """A trusted VF that wants every group has them whatever single groups it joins or leaves, and after resets."""
    vm, has_all = every
    run_all(vm, "ip -n pf link set pf vf 0 trust on", "ip -n v0 link set v0 allmulticast on")
    assert has_all()
    for change in (single("add", GROUPS[:3]), single("del", GROUPS[:2])):
        vm.check(change)
        assert has_all()
    for reset in (VFS[0], PF):
        run_all(vm, f"echo 1 >{DEVICES}/{reset}/reset", until(carrier("v0")), reaches("v0", "w"))
        assert has_all()
    run_all(vm, "ip -n v0 link set v0 allmulticast off")
    assert not has_all()
    # More than can be named are every group, too.
    vm.check(single("add", GROUPS[:2] + GROUPS[3:]))
    assert has_all()
    vm.check("ip -n v0 link set v0 allmulticast on && ip -n v0 link set v0 allmulticast off")
    assert has_all()
    vm.check(single("del", GROUPS[3:]))
    assert not has_all()


def test_trusted_later(every):
    """Trust gives a VF what it was refused before; one that was not is not disturbed."""
    vm, has_all = every
    since = vm.mark()
    run_all(vm, "ip -n pf link set pf vf 0 trust on", pings("v0", "w", 5), "ip -n pf link set pf vf 0 trust off",
            "ip -n v0 link set v0 allmulticast on", pings("v0", "w", 5))
    log = "\n".join(vm.log(since, vm.mark()))
    assert "does not let this VF receive every multicast packet" in log and "starting anew" not in log
    assert not has_all()
    vm.check("ip -n pf link set pf vf 0 trust on")
    vm.wait_until(reaches("v0", "w"), timeout=LIMIT)
    assert has_all()


def test_refused_without_link(every):
    """A VF whose link is disabled, and whose wishes are refused, stays with its PF as it is."""
    vm, has_all = every
    run_all(vm, "ip -n pf link set pf vf 0 state disable", until(no_carrier("v0")))
    since = vm.mark()
    run_all(vm, "ip -n v0 link set v0 promisc on", single("add", GROUPS), "ip -n v0 link set v0 address 02:82:57:60:00:42",
            # It begins anew for the reset, with wishes that are refused.
            f"echo 1 >{DEVICES}/{VFS[0]}/reset", "ip -n pf link set pf vf 0 state auto", until(carrier("v0")),
            reaches("v0", "w"), pings("v0", "w", 5))
    log = "\n".join(vm.log(since, vm.mark()))
    assert "does not let this VF receive" in log and "starting anew" not in log, log
    assert not has_all()
