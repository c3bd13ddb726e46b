# SPDX-License-Identifier: GPL-2.0
"""The PF recovers by itself from what goes wrong in a reset or with the link: its firmware keeps the PHY, packets were
left in its rings."""

import re
import time

import pytest

from lab import patience
from machine import Machine
from ports import statistics
from test_bad_descriptor import Rings
from vfs import LIMIT, PF, VFS, address, bar, carrier, no_carrier, pings, reaches, run_all, start, until

ICS, FCRTH, SW_FW_SYNC = 0xC8, 0x2168, 0x5B5C
"""In the PF's BAR 0: causes to fire; how full its buffer is when the port asks its partner to pause, 0 for never; who has
what it shares with the firmware."""

RESET = 1 << 30 | 1 << 2
"""Bits in ICS: the device was reset, and the link changed, without which QEMU (11.1) does not interrupt."""

PHY = 0x02 << 16
"""Bit in SW_FW_SYNC: the firmware has the PHY."""

FAILED = "setting up the device failed: EBUSY"


def wait(done, work=lambda: time.sleep(0.02)):
    """Works until `done` says so."""
    limit = time.monotonic() + patience(LIMIT)
    while not done():
        assert time.monotonic() < limit
        work()


class Firmware:
    """Plays the PF's firmware."""

    def __init__(self, vm):
        self.vm, self.machine, self.bar = vm, Machine.of(vm), bar(vm, PF)

    def keep_phy(self):
        self.machine.write(self.bar + SW_FW_SYNC, PHY)

    def release_phy(self):
        self.machine.write(self.bar + SW_FW_SYNC, 0)

    def keep_phy_until(self, done):
        """Through resets, which set the register to zero."""
        def keep():
            # The guest needs QEMU, too.
            for _ in range(200):
                self.keep_phy()
                time.sleep(0.002)

        wait(done, keep)

    def spoil_reset(self, times):
        """Makes the driver reset the device, which fails, that many times."""
        since = self.vm.mark()

        def spoilt():
            # The firmware may have been late; while a reset has failed this has no effect.
            self.machine.write(self.bar + ICS, RESET)
            return sum(FAILED in line for line in self.vm.log(since)) >= times

        self.keep_phy_until(spoilt)


@pytest.fixture
def firmware(guest):
    vm = guest()
    start(vm)
    return Firmware(vm)


def works(vm):
    """Everything does, without anybody's help."""
    run_all(vm, *(until(carrier(name)) for name in ("pf", "v0", "v1")), reaches("pf", "w"), reaches("v0", "w"),
            reaches("v0", "v1"), pings("pf", "w"), pings("w", "v0"))


def test_reset_fails(firmware):
    """A reset that fails is tried again, until it succeeds."""
    vm = firmware.vm
    firmware.spoil_reset(times=3)
    assert not vm.run(f"{carrier('pf')} || {carrier('v0')}").ok
    works(vm)


def test_opened_after_failed_reset(firmware):
    """An interface that is brought up when a reset has failed tries it, and says so if it fails again."""
    vm = firmware.vm
    vm.check("ip -n pf link set pf down")
    firmware.spoil_reset(times=1)
    opening = vm.start("ip -n pf link set pf up")
    firmware.keep_phy_until(lambda: not opening.running)
    opened = opening.wait(LIMIT)
    assert not opened.ok and "busy" in opened.stderr, opened
    vm.check("ip -n pf link set pf up")
    works(vm)


def test_link_without_phy(firmware):
    """The link comes back while the firmware has the PHY: it is used, and flow control is set when the PHY is free."""
    vm, threshold = firmware.vm, firmware.bar + FCRTH
    run_all(vm, "ip netns exec pf ethtool -A pf autoneg off rx off tx off")
    wait(lambda: not firmware.machine.read(threshold))
    vm.set_link(0, False)
    run_all(vm, until(no_carrier("pf")), "ip netns exec pf ethtool -A pf autoneg on rx on tx on")
    since = vm.mark()
    firmware.keep_phy()
    try:
        vm.set_link(0, True)
        run_all(vm, *(until(carrier(name)) for name in ("pf", "v0")), reaches("pf", "w"), reaches("v0", "w"))
        vm.logged("flow control not yet set: EBUSY", since, LIMIT)
        assert not firmware.machine.read(threshold)
    finally:
        firmware.release_phy()
    vm.logged("flow control rx/tx", since, LIMIT)
    assert firmware.machine.read(threshold)


def test_link_lost_with_packets_in_ring(guest):
    """Packets that the PF could not send before the link went hold up nothing when it is back, and no VF is reset for it.

    QEMU sends without a link, too: it is kept from it.
    """
    vm = guest()
    start(vm)
    rings = Rings(vm, PF, 2)
    run_all(vm, until(carrier("pf")), reaches("pf", "w"))
    since = vm.mark()
    rings.sending(False)
    vm.run(f"ip netns exec pf ping -q -c 3 -i 0.1 -W 1 {address('w')}", timeout=LIMIT)
    assert rings.waiting()
    vm.set_link(0, False)
    run_all(vm, until(no_carrier("pf")))
    rings.sending(True)
    vm.set_link(0, True)
    run_all(vm, until(carrier("pf")), pings("pf", "w"), until(carrier("v0")), reaches("v0", "w"))
    log = vm.log(since, vm.mark())
    assert not [line for line in log if "hangs" in line or "resetting" in line or "starting anew" in line], log


@pytest.mark.parametrize("name, function, pool", [("pf", PF, 2), ("v0", VFS[0], 0)])
def test_stopped_with_packets_in_ring(guest, name, function, pool):
    """Packets that a queue has not sent when it is stopped are counted as dropped; those that it has sent are not."""
    vm = guest()
    start(vm)
    rings = Rings(vm, function, pool)
    dropped = lambda: sum(value for key, value in statistics(vm, name).items() if re.fullmatch(r"tx_queue_\d_dropped", key))
    run_all(vm, until(carrier(name)), reaches(name, "w"), pings(name, "w", 5))
    before = dropped()
    again = f"ip -n {name} link set {name} down && ip -n {name} link set {name} up"
    run_all(vm, again, until(carrier(name)), reaches(name, "w"), pings(name, "w", 5))
    assert dropped() == before
    # Nothing but the requests goes into the ring.
    run_all(vm, f"ip netns exec {name} sysctl -qw net.ipv6.conf.{name}.disable_ipv6=1",
            f"ip -n {name} neigh replace {address('w')} lladdr {vm.macs[1]} dev {name} nud permanent")
    rings.sending(False)
    vm.run(f"ip netns exec {name} ping -q -c 3 -i 0.1 -W 1 {address('w')}", timeout=LIMIT)
    held = len(rings.waiting())
    vm.check(again)
    # At least one: byte queue limits may keep the others in the stack.
    assert dropped() - before == held > 0
    rings.sending(True)
    run_all(vm, until(carrier(name)), reaches(name, "w"), pings(name, "w", 5))
