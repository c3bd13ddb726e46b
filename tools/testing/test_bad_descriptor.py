# SPDX-License-Identifier: GPL-2.0
"""Our own drivers with wrong addresses in their descriptors, as if a driver had a mistake: written into the rings from
outside the guest, behind the driver's back. What the device then tries the IOMMU stops."""

import time

import pytest

from fuzz import storm
from lab.kernel import patience
from machine import Machine
from vfs import DEVICES, LIMIT, PF, VFS, address, bar, carrier, pings, reaches, run_all, start, until


VFTE = 0xC90
"""In the PF's BAR 0: which pools may send."""

DATA = 3 << 20
"""Type of an advanced transmit descriptor that has the address of a packet."""


class Rings:
    """The rings of a function's only queue, seen from outside."""

    def __init__(self, vm, function, pool):
        if function == PF:
            # All that it sends goes by the ring that is looked at.
            vm.check("ip netns exec pf ethtool -L pf combined 1", timeout=LIMIT)
        self.machine = Machine.of(vm)
        self.function = function
        self.pool = pool
        self.pf = bar(vm, PF)
        # The PF's queue of the same number as its pool.
        self.tx, self.rx = ((self.pf + 0xE000 + 0x40 * pool, self.pf + 0xC000 + 0x40 * pool) if function == PF else
                            (bar(vm, function) + 0x3800, bar(vm, function) + 0x2800))

    def descriptors(self, ring):
        """Where each of a ring's descriptors is in physical memory."""
        read = self.machine.read
        base = read(ring) | read(ring + 4) << 32
        return [self.machine.physical(self.function, base + at) for at in range(0, read(ring + 8), 16)]

    def receive_to(self, wrong):
        """All packets are to be put at `wrong`."""
        for where in self.descriptors(self.rx):
            self.machine.write(where, wrong, 8)

    def sending(self, on):
        """Lets the function's pool send, or holds what its driver sends back in the ring."""
        pools = self.machine.read(self.pf + VFTE)
        self.machine.write(self.pf + VFTE, pools | 1 << self.pool if on else pools & ~(1 << self.pool))

    def waiting(self):
        """Descriptors that the driver handed over and the device did not look at."""
        head, tail = (self.machine.read(self.tx + at) for at in (0x10, 0x18))
        found = self.descriptors(self.tx)
        return [found[number % len(found)] for number in range(head, tail if tail >= head else tail + len(found))]

    def send_from(self, wrong):
        """What waits is to be fetched from `wrong`, now."""
        for where in self.waiting():
            if self.machine.read(where + 8) & 0xF << 20 == DATA:
                self.machine.write(where, wrong, 8)
        self.sending(True)
        self.machine.write(self.tx + 0x18, self.machine.read(self.tx + 0x18))


def rodata(vm):
    """Physical address of the kernel's constants."""
    line, = [line for line in vm.check("cat /proc/iomem").splitlines() if "Kernel rodata" in line]
    return int(line.split("-")[0], 16)


def faults(vm, since, what, function, wrong):
    """What the kernel logged of a function's attempts at an address."""
    return [line for line in vm.log(since, vm.mark()) if f"[DMA {what} " in line
            and f"Request device [{function}] fault addr {wrong:#x} " in line]


def repeat(vm, attempt, *expected):
    """Makes an attempt until the kernel logs it: it is sparing with such lines after another test's."""
    since = vm.mark()
    end = time.monotonic() + patience(LIMIT)
    while True:
        attempt()
        if faults(vm, since, *expected):
            return
        assert time.monotonic() < end, f"no fault was logged: {expected}"


@pytest.mark.parametrize("name", ["v0", "pf"])
def test_wrong_address(guest, name):
    """A ring full of addresses of the kernel's or a neighbour's memory: nothing is written there, nothing of it sent; the
    function is named; its neighbours go on; a reset makes it whole."""
    vm = guest()
    storm.build()
    start(vm)
    function, pool, others = {"v0": (VFS[0], 0, (("pf", "w"), ("v1", "pf"))), "pf": (PF, 2, (("v0", "w"), ("v1", "v0")))}[name]
    rings = Rings(vm, function, pool)
    machine = rings.machine
    neighbour = Rings(vm, VFS[1], 1)
    constants = rodata(vm)
    content = machine.data(constants, 4096)
    run_all(vm, pings(name, "w"), pings("w", name))

    def receive():
        rings.receive_to(wrong)
        vm.run(f"ip netns exec w ping -q -c 3 -i 0.1 -W 1 {address(name)}", timeout=LIMIT)

    def send():
        rings.sending(False)
        ping = vm.start(f"exec ip netns exec {name} ping -q -c 1 -W 1 {address('w')}")
        end = time.monotonic() + patience(LIMIT)
        while not rings.waiting():
            assert time.monotonic() < end
        rings.send_from(wrong)
        assert "0 received" in ping.wait(LIMIT).stdout

    fault = rf"DMAR: .*(handling fault|Request device \[{function}\])|DMAR: .*fault storm"
    with vm.expecting(fault), storm.neighbours(vm, others):
        for wrong in (constants, neighbour.descriptors(neighbour.tx)[0]):
            repeat(vm, receive, "Write", function, wrong)
            repeat(vm, send, "Read", function, wrong)
            if function == PF:
                vm.check("ip -n pf link set pf down && ip -n pf link set pf up")
            else:
                vm.check(f"echo 1 >{DEVICES}/{function}/reset")
            run_all(vm, until(carrier(name)), reaches(name, "w"), reaches("w", name))
    # Without the neighbours' streams nothing has a reason to be lost.
    run_all(vm, pings(name, "w"), pings("w", name, more="-s 1400"))
    assert machine.data(constants, 4096) == content
