# SPDX-License-Identifier: GPL-2.0
"""A device that lies: what it writes back, its interrupts and its mailbox are changed from outside the guest, behind the
device's and the driver's back. Nothing is read or written out of bounds, what cannot be right is counted, the log stays
clean, and afterwards the function works like any other."""

import contextlib
import random
import time

import pytest

import ports
from lab import patience
from streams import carry
from test_bad_descriptor import Rings
from vfs import DEVICES, LIMIT, PF, VFS, address, carrier, endless, no_carrier, pings, place, reaches, run_all, start, until

EICS, EIMS, EIMC, MBVFICR = 0x1520, 0x1524, 0x1528, 0xC80
"""Vectors to fire, to enable, to disable, in the BAR 0 of PF and VF; what VFs ask for, in the PF's."""

CTRL, RST = 0x0, 1 << 26
"""In the VF's BAR 0: its bit that resets the function."""

ICS = 0xC8
"""Causes to fire, in the PF's BAR 0."""

LINK, MAILBOX, RESET = 1 << 2, 1 << 8, 1 << 30
"""Bits in ICS: the link changed, a VF has said something, the device was reset."""

VMBMEM, P2VMAILBOX = 0x800, 0xC00
"""In the PF's BAR 0: the first VF's mailbox, and what the PF does with it."""

MESSAGE, TAKEN = 1 << 0, 1 << 3
"""Bits in P2VMAILBOX: there is a message for the VF; the buffer is the PF's."""

DONE, END = 1 << 0, 1 << 1
"""Status bits of a written-back receive descriptor: DD, EOP."""

RECEIVE_ERROR = 1 << 31

SENT = 1 << 32
"""The status bit DD in the second word of a transmit descriptor."""

BUFFER = 2048


def length(octets, more=DONE | END):
    """Second word of a written-back receive descriptor."""
    return octets << 32 | more


LIES = (
    *(length(octets) for octets in (0xFFFF, BUFFER + 1, 0, 13)),
    # A length that is right, with an error; and all ones, which has errors too.
    length(100, DONE | END | RECEIVE_ERROR), (1 << 64) - 1,
    # A beginning that is shorter than its buffer; a packet that does not end when it has to.
    length(100, DONE), length(100), *[length(BUFFER, DONE)] * 6, length(100),
)
"""What the device says of one received frame after the other. Nothing of it is a packet."""

LENGTH_ERRORS, ERRORS = 6, 2
"""How often the driver has to count something wrong for these."""


class Function(Rings):
    """A function's only queue, and its interrupts."""

    def __init__(self, vm, name):
        super().__init__(vm, *{"v0": (VFS[0], 0), "pf": (PF, 2)}[name])
        self.vm, self.name = vm, name
        self.bar = self.pf if name == "pf" else self.tx - 0x3800
        # Vectors of queues; the PF's vector 0 is for the link and the mailbox.
        self.vectors = 0x6 if name == "pf" else 0x1

    def deaf(self):
        """Keeps the interrupts of the queues back."""
        self.machine.write(self.bar + EIMC, self.vectors)

    def hear(self):
        """Lets them come, and one at once."""
        self.machine.write(self.bar + EIMS, self.vectors)
        self.machine.write(self.bar + EICS, self.vectors)

    @contextlib.contextmanager
    def unnoticed(self):
        """Keeps from the PF what VFs say, and what becomes of the link; it hears of all of it when the block ends."""
        self.machine.write(self.pf + EIMC, 1)
        try:
            yield
        finally:
            self.machine.write(self.pf + EIMS, 1)
            self.machine.write(self.pf + EICS, 1)

    def received(self, count):
        """Has at least `count` frames come without the driver's knowing; returns where their descriptors are."""
        machine, places = self.machine, self.descriptors(self.rx)
        first = machine.read(self.rx + 0x10)
        # The neighbour does not answer now, and one that was not heard for some seconds is sent no more.
        self.vm.check(f"ip -n w neigh change {address(self.name)} dev w nud permanent")
        self.deaf()
        self.vm.run(f"ip netns exec w ping -q -c {count} -i 0.02 -W 1 {address(self.name)}", timeout=LIMIT)
        self.deaf()
        last = machine.read(self.rx + 0x10)
        found = [places[number % len(places)] for number in range(first, last if last >= first else last + len(places))]
        assert len(found) >= count and all(machine.read(where + 8) & DONE for where in found)
        return found

    def counted(self):
        """What the driver counted, of all queues together: (errors, errors of length)."""
        counters = ports.statistics(self.vm, self.name)
        return [sum(value for key, value in counters.items() if key.startswith("rx_queue_") and key.endswith(f"_{what}")
                    and not (what == "errors" and "length" in key)) for what in ("errors", "length_errors")]

    def works(self):
        run_all(self.vm, until(carrier(self.name)), reaches(self.name, "w"), pings(self.name, "w"),
                pings("w", self.name, more="-s 1300"))


@pytest.fixture(params=["v0", "pf"])
def function(guest, request):
    vm = guest()
    start(vm)
    run_all(vm, pings(request.param, "w"), pings("w", request.param))
    return Function(vm, request.param)


def test_lengths(function, rounds):
    """Lengths beyond the buffer, none, too short; packets without an end; errors; all ones. Each is counted, once."""
    for _ in range(rounds):
        before = function.counted()
        places = function.received(len(LIES))
        for where, lie in zip(places, LIES):
            function.machine.write(where + 8, lie, 8)
        function.hear()
        function.works()
        assert [now - had for now, had in zip(function.counted(), before)] == [ERRORS, LENGTH_ERRORS]


def test_anything(function, rounds, seed):
    """Descriptors full of anything at all."""
    rng = random.Random(seed)
    before = function.counted()
    for _ in range(rounds):
        for where in function.received(60):
            function.machine.write(where, rng.getrandbits(64), 8)
            function.machine.write(where + 8, rng.getrandbits(64) | DONE, 8)
        function.hear()
        function.works()
    assert sum(function.counted()) > sum(before)


def test_sent_too_early(function):
    """What has not been sent is said to be: its buffers are taken back, and nothing but its content is at stake."""
    vm = function.vm
    function.sending(False)
    ping = vm.start(f"exec ip netns exec {function.name} ping -q -f -c 20 -W 1 {address('w')}")
    # At once: after five seconds the stack resets a device that does not send.
    end = time.monotonic() + patience(LIMIT)
    while not (places := function.waiting()):
        assert ping.running and time.monotonic() < end
    for where in places:
        function.machine.write(where + 8, function.machine.read(where + 8, 8) | SENT, 8)
    function.hear()
    ping.wait(LIMIT)
    function.sending(True)
    function.machine.write(function.tx + 0x18, function.machine.read(function.tx + 0x18))
    function.works()


def interrupts(vm, driver, function):
    """How often each of a function's vectors has fired."""
    counts = {line.split(":")[0].strip(): sum(int(word) for word in line.split()[1:] if word.isdigit())
              for line in vm.read("/proc/interrupts").splitlines() if "MSIX" in line}
    vectors = vm.read(f"/sys/kernel/debug/{driver}/{function}/vectors").splitlines()
    return [counts[line.split()[1]] for line in vectors]


def test_interrupts(guest):
    """Interrupts without a cause, on all vectors, and causes without anything having happened, beside traffic."""
    vm = guest()
    start(vm)
    flows = [endless(vm, "v0", "w"), endless(vm, "pf", "v1")]
    pf, vf = Function(vm, "pf"), Function(vm, "v0")
    fired = lambda: interrupts(vm, "igb_rs", PF) + interrupts(vm, "igbvf_rs", VFS[0])
    for _ in range(20):
        before, end = fired(), time.monotonic() + patience(LIMIT)
        for _ in range(15):
            pf.machine.write(pf.bar + EICS, 0x1FFFFFF)
            vf.machine.write(vf.bar + EICS, 0x7)
            pf.machine.write(pf.pf + ICS, LINK | MAILBOX)
        while not all(now > had for now, had in zip(fired(), before, strict=True)):
            assert time.monotonic() < end, (before, fired())
    carry(*flows)
    # This makes the driver set up the device again. QEMU (11.1) does not interrupt for the reset alone.
    pf.machine.write(pf.pf + ICS, RESET | LINK)
    carry(*flows)
    for flow in flows:
        flow.stop()
    pf.works()
    vf.works()


def unheard(vm, line, neighbour):
    """The first VF asks for something and is not heard: it says so in the log, one line more; a neighbour goes on."""
    lines = f"dmesg | grep -c '{line}'"
    before = int(vm.run(lines, timeout=LIMIT).out)
    # Left to the next session; the interface shows what is wanted.
    vm.run("ip -n v0 link set v0 mtu 1400", timeout=LIMIT)
    vm.wait_until(f"[ $({lines}) -gt {before} ]", timeout=LIMIT)
    run_all(vm, pings(neighbour, "w"))


def test_mailbox(guest, seed):
    """A VF is told things that make no sense, while it waits and while it asks; then the buffer is kept from it."""
    vm = guest()
    start(vm)
    vf = Function(vm, "v0")
    rng = random.Random(seed)
    asking = vm.start("while :; do ip -n v0 link set v0 mtu 1400; ip -n v0 link set v0 mtu 1500; sleep 0.1; done 2>/dev/null")
    for _ in range(200):
        for word in range(16):
            vf.machine.write(vf.pf + VMBMEM + 4 * word, rng.choice((0, 0xFFFFFFFF, rng.getrandbits(32))))
        vf.machine.write(vf.pf + P2VMAILBOX, MESSAGE)
    asking.stop()
    run_all(vm, until("ip -n v0 link set v0 mtu 1400"), until("ip -n v0 link set v0 mtu 1500"), pings("v1", "w"))
    vf.works()

    since = vm.mark()
    vf.machine.write(vf.pf + P2VMAILBOX, TAKEN)
    try:
        unheard(vm, "does not release the mailbox", "v1")
    finally:
        vf.machine.write(vf.pf + P2VMAILBOX, 0)
    vf.works()
    run_all(vm, "ip -n v0 link set v0 mtu 1400")
    said = [line for line in vm.log(since, vm.mark()) if f"igbvf_rs {VFS[0]}" in line and "the PF does not answer" in line]
    assert len(said) <= 1, said


def test_deaf_pf(guest):
    """The PF does not notice what a VF says: the VF gives up in time, says so once, and goes on when it is heard."""
    vm = guest()
    start(vm)
    vf = Function(vm, "v0")
    since = vm.mark()
    with vf.unnoticed():
        unheard(vm, "the PF does not answer", "pf")
    vf.works()
    run_all(vm, "ip -n v0 link set v0 mtu 1400")
    said = [line for line in vm.log(since, vm.mark()) if f"igbvf_rs {VFS[0]}" in line]
    assert sum("the PF does not answer" in line for line in said) == 1, said
    assert sum("the PF is back" in line for line in said) == 1, said


def test_vlans_without_a_pf(guest):
    """Without a PF to refuse them a VF takes no more VLANs than any PF could give, and is soon there when one is."""
    vm = guest()
    start(vm)
    vf = Function(vm, "v0")
    since = vm.mark()
    with vf.unnoticed():
        unheard(vm, "the PF does not answer", "pf")
        taken = vm.check("taken=0; for vid in {101..140}; do ip -n v0 link add link v0 name vlan$vid type vlan id $vid && "
                         "taken=$((taken + 1)); done 2>/dev/null; echo $taken", timeout=LIMIT)
        assert taken == "31"
    vf.works()
    said = [line for line in vm.log(since, vm.mark()) if "the device has no more than 31" in line]
    assert len(said) == 9, said


def test_reset_while_down(guest):
    """Somebody resets the function while its interface is down: it works when it is up, without a queue that hangs first."""
    vm = guest()
    start(vm)
    vf = Function(vm, "v0")
    run_all(vm, "ip netns exec v0 sysctl -qw net.ipv6.conf.all.disable_ipv6=1", "ip -n v0 link set v0 down")
    since = vm.mark()
    vf.machine.write(vf.bar + CTRL, RST)
    run_all(vm, "ip -n v0 link set v0 up", until(carrier("v0")), reaches("v0", "w"))
    said = vm.log(since, vm.mark())
    assert [line for line in said if "starting anew" in line] and not [line for line in said if "hangs" in line], said


def test_news_beside_a_request(guest):
    """The link changes before the PF has read what a VF asks for: the VF gets its answer, and sees the link."""
    vm = guest()
    start(vm)
    vf = Function(vm, "v0")
    since = vm.mark()
    with vf.unnoticed():
        asking = vm.start("ip -n v0 link set v0 mtu 1400")
        end = time.monotonic() + patience(LIMIT)
        while not vf.machine.read(vf.pf + MBVFICR) & 1:
            assert asking.running and time.monotonic() < end
        vm.set_link(0, False)
    assert asking.wait(LIMIT).ok
    run_all(vm, until(no_carrier("v0")))
    vm.set_link(0, True)
    vf.works()
    said = vm.log(since, vm.mark())
    assert not [line for line in said if "unknown message" in line or "starting anew" in line or "not answer" in line], said


BINDING = "/sys/bus/pci/drivers/igbvf_rs"

BEGINNINGS = {
    "probe": (f"echo {VFS[0]} >{BINDING}/unbind", f"echo {VFS[0]} >{BINDING}/bind", place(VFS[0], "v0")),
    "open": ("ip -n v0 link set v0 down", "ip -n v0 link set v0 up", ":"),
    "flr": (":", f"echo 1 >{DEVICES}/{VFS[0]}/reset", ":"),
}
"""What comes before the PF is deaf, what the VF then begins with, and what is done while it waits."""


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_deaf_pf_from_the_beginning(guest, beginning):
    """The PF notices nothing when a VF comes to it: that ends in time, with one line and without a carrier; neighbours go
    on, and when it is heard it goes on by itself."""
    vm = guest()
    start(vm)
    vf = Function(vm, "v0")
    before, begin, wait = BEGINNINGS[beginning]
    run_all(vm, before)
    since = vm.mark()
    with vf.unnoticed():
        # A message is waited for for a second.
        vm.check(begin, timeout=LIMIT)
        vm.logged(f"igbvf_rs {VFS[0]}: the PF does not answer", since, LIMIT)
        run_all(vm, wait, until(no_carrier("v0")), pings("v1", "w"), pings("pf", "w"))
    vf.works()
    said = [line for line in vm.log(since, vm.mark()) if f"igbvf_rs {VFS[0]}" in line]
    assert sum("the PF does not answer" in line for line in said) == 1, said
    assert sum("the PF is back" in line for line in said) == 1, said
