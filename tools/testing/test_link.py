# SPDX-License-Identifier: GPL-2.0
"""The link of the PF goes and comes; the device goes for good; the device is reset from outside."""

import random
import re
import time

import ports
import vfs
from lab import patience
from machine import Machine
from netns import answered, ip, no_carrier
from ports import BDF, DEBUGFS, DEVICES, LIMIT, carrier, pings, run_all, until, within
from streams import carry

CTRL, STATUS = 0x0, 0x8
"""In the PF's BAR 0."""

LINK_UP = 1 << 1
"""Bit in STATUS."""

PAUSE, SEND_PAUSE = 0x18000000, 0x10000000
"""Bits in CTRL: what PAUSE frames are for, and that for sending them alone."""

MDIC = 0x20
"""In BAR 0: a read of register N of the PHY is asked for with N in bits 20:16, and done when bit 28 is set."""

ANA, PPCTRL, PHPM = 4, 18, 25
"""Registers of the PHY: what is offered, port control, power management."""

OFFERED, OFFERED_TO_SEND = 3 << 10, 1 << 11
"""Bits in ANA: to obey PAUSE frames and to send them; the latter alone."""

CROSSED, AUTOMATIC = 1 << 13, 1 << 12
"""Bits in PPCTRL."""

LOW_POWER = 1 << 1
"""Bit in PHPM: prefer low speeds."""


def phy(vm, register):
    """A register of the PF's PHY, which the driver lets alone while the link does not change."""
    machine, mdic = Machine.of(vm), vfs.bar(vm, BDF["pf"]) + MDIC
    machine.write(mdic, 2 << 26 | 1 << 21 | register << 16)
    value = machine.read(mdic)
    assert value >> 28 & 0xF == 1, f"{value:#x}"
    return value & 0xFFFF


def test_cable(guest):
    """Carrier follows the cable at once, by interrupt, with a line in the log; traffic goes on afterwards."""
    vm = guest()
    ports.start(vm)
    for _ in range(3):
        since = vm.mark()
        vm.set_link(0, False)
        vm.check(until(no_carrier("pf")), timeout=LIMIT)
        assert "Link detected: no" in vm.check(within("pf", "ethtool pf"))
        vm.set_link(0, True)
        vm.check(until(carrier("pf")), timeout=LIMIT)
        run_all(vm, pings("pf", "w", count=3))
        log = [line for line in vm.log(since, vm.mark()) if BDF["pf"] in line]
        assert sum("link down" in line for line in log) == 1 and sum("link up" in line for line in log) == 1, log


def test_cable_under_traffic(guest):
    vm = guest()
    ports.start(vm)
    with ports.Endless(vm, "pf", "w") as stream:
        vm.set_link(0, False)
        vm.check(until(no_carrier("pf")), timeout=LIMIT)
        vm.set_link(0, True)
        vm.check(until(carrier("pf")), timeout=LIMIT)
        stream.flows()


def test_flapping(guest, seed):
    """The cable goes in and out a hundred times, at once or a little later, while PF and VFs send: everything recovers,
    and no function says more in the log than what it saw."""
    vm = guest()
    vfs.start(vm)
    flows = [vfs.endless(vm, "v0", "w"), vfs.endless(vm, "pf", "v1")]
    rng = random.Random(seed)
    since = vm.mark()
    for _ in range(100):
        for up in (False, True):
            vm.set_link(0, up)
            time.sleep(rng.choice((0, 0, 0.01, 0.1)))
    vfs.run_all(vm, *(until(carrier(name)) for name in ("pf", "v0", "v1")), vfs.reaches("v0", "w"), vfs.reaches("pf", "w"))
    carry(*flows)
    for flow in flows:
        flow.stop()
    log = vm.log(since, vm.mark())
    for function in (vfs.PF, *vfs.VFS[:2]):
        said = [line.split(f"_rs {function}: ")[1].strip() for line in log if f"_rs {function}: " in line]
        links = [line.split(",")[0].removeprefix("link ") for line in said if line.startswith("link ")]
        assert links == ["down", "up"] * (len(links) // 2) and 2 <= len(links) <= 200, said
        # What was negotiated about flow control is told beside it.
        assert all(line.startswith(("link ", "flow control ")) for line in said) and len(said) <= 2 * len(links), said


def test_flow_control_after_negotiation(guest):
    """A link that is negotiated anew within a moment, so that it is the same when the driver looks, has the flow control
    that was asked for. QEMU turns on both directions when it is done."""
    vm = guest()
    ports.start(vm)
    machine, registers = Machine.of(vm), vfs.bar(vm, BDF["pf"])
    vm.check(within("pf", "ethtool -A pf autoneg off rx off tx on"))
    for _ in range(5):
        vm.check(within("pf", "ethtool -r pf"))
        end = time.monotonic() + patience(LIMIT)
        while not machine.read(registers + STATUS) & LINK_UP or machine.read(registers + CTRL) & PAUSE != SEND_PAUSE:
            assert time.monotonic() < end, hex(machine.read(registers + CTRL))
            time.sleep(0.05)


def test_flow_control_offered(guest):
    """The partner is offered what was asked for, also by who does not care for its answer."""
    vm = guest()
    ports.start(vm)
    assert phy(vm, ANA) & OFFERED == OFFERED
    for wish, bits in (("rx off tx off", 0), ("rx off tx on", OFFERED_TO_SEND), ("rx on tx on", OFFERED)):
        vm.check(within("pf", f"ethtool -A pf autoneg off {wish}"))
        assert phy(vm, ANA) & OFFERED == bits
        vm.check(until(carrier("pf")), timeout=LIMIT)
    run_all(vm, answered(ports.address("w"), within("pf", "ping")))


def test_flow_control_of_a_speed_by_hand(guest):
    """Without negotiation nobody has agreed to PAUSE frames: none, unless they are asked for by hand as well."""
    vm = guest()
    ports.start(vm)
    machine, registers = Machine.of(vm), vfs.bar(vm, BDF["pf"])
    shown = lambda: re.findall(r"^(?:Autonegotiate|RX|TX):\s+(\w+)$", vm.check(within("pf", "ethtool -a pf")), re.MULTILINE)
    assert shown() == ["on", "on", "on"] and machine.read(registers + CTRL) & PAUSE == PAUSE
    vm.check(within("pf", "ethtool -s pf autoneg off speed 100 duplex full"))
    # QEMU's link does not go by itself.
    vm.set_link(0, False)
    vm.check(until(no_carrier("pf")), timeout=LIMIT)
    vm.set_link(0, True)
    vm.check(until(carrier("pf")), timeout=LIMIT)
    vm.wait_until(f"dmesg | grep 'flow control' | tail -n 1 | grep -q 'flow control off'", timeout=LIMIT)
    assert shown() == ["off", "off", "off"] and machine.read(registers + CTRL) & PAUSE == 0
    assert not vm.run(within("pf", "ethtool -A pf autoneg on")).ok
    vm.check(within("pf", "ethtool -A pf autoneg off rx off tx on"))
    assert shown() == ["off", "off", "on"] and machine.read(registers + CTRL) & PAUSE == SEND_PAUSE


def test_cable_while_down(guest):
    """An interface that comes up without a cable waits for it."""
    vm = guest()
    ports.start(vm)
    vm.check("ip -n pf link set pf down")
    vm.set_link(0, False)
    vm.check(f"ip -n pf link set pf up; {until(no_carrier('pf'))}", timeout=LIMIT)
    vm.set_link(0, True)
    vm.check(until(carrier("pf")), timeout=LIMIT)
    run_all(vm, pings("pf", "w", count=3))


def test_down_and_up_under_traffic(guest):
    vm = guest()
    ports.start(vm)
    with ports.Endless(vm) as stream:
        for _ in range(5):
            vm.check(f"ip -n pf link set pf down && ip -n pf link set pf up && {until(carrier('pf'))}", timeout=LIMIT)
        stream.flows()


def test_crossover(guest):
    """Which pair sends is found out by the PHY, or chosen; at a speed set by hand it is the straight one. No low speeds
    are preferred."""
    vm = guest()
    ports.start(vm)
    shown = lambda: re.search("MDI-X: (.*)", vm.check(within("pf", "ethtool pf")))[1]
    pairs = lambda: phy(vm, PPCTRL) & (CROSSED | AUTOMATIC)
    assert shown() == "off (auto)" and pairs() == AUTOMATIC
    assert not phy(vm, PHPM) & LOW_POWER
    for wish, bits in (("on", CROSSED), ("off", 0), ("auto", AUTOMATIC)):
        vm.check(within("pf", f"ethtool -s pf mdix {wish}"))
        assert pairs() == bits
        # Not known as long as the link is away.
        how = "auto" if wish == "auto" else "forced"
        vm.wait_until(within("pf", "ethtool pf") + f" | grep -q 'MDI-X: .*({how})'", timeout=LIMIT)
    vm.check(within("pf", "ethtool -s pf autoneg off speed 100 duplex full"))
    assert pairs() == 0
    assert not vm.run(within("pf", "ethtool -s pf mdix on")).ok
    vm.check(within("pf", "ethtool -s pf autoneg on advertise 0x2f"))
    assert pairs() == AUTOMATIC
    # The link may still have to go.
    vm.check(answered(ports.address("w"), within("pf", "ping")), timeout=LIMIT)


def test_unplugged(guest):
    """The device is pulled out under traffic: its driver lets go without hanging, the other port works on."""
    vm = guest(ports=3)
    ports.start(vm)
    stream = ports.Endless(vm)
    stream.flows()
    vm.qmp("device_del", id="nic0")
    vm.check(until(f"[ ! -e {DEVICES}/{BDF['pf']} ]"), timeout=LIMIT)
    stream.process.stop()
    assert not vm.run(f"ls {DEBUGFS}/{BDF['pf']}").ok
    old = vm.check(f"ls {DEVICES}/0000:03:00.0/net")
    run_all(vm, f"ip netns delete pf; ip netns add pf; ip link set {old} name pf netns pf",
            ip(*ports.address_lines("pf"), "link set pf up", name="pf"), until(carrier("pf")), pings("pf", "w"))
