# SPDX-License-Identifier: GPL-2.0
"""What the port shares with its firmware and with the driver of the other port, when one of these keeps it: the
semaphores and what they guard are set from outside the guest, as their owner would."""

import pytest

import ports
from machine import Machine
from ports import BDF, DEVICES, LIMIT, carrier, pings, run_all, until, within
from test_order import Trace
from vfs import bar, no_carrier

SWSM, SW_FW_SYNC = 0x5B50, 0x5B5C
"""In BAR 0: the semaphores; who has the PHYs and the NVM."""

SMBI, SWESMBI = 1 << 0, 1 << 1
"""Bits in SWSM: the semaphore between drivers, which a read sets, and the one between drivers and firmware."""

FIRMWARE = 0xFFFF << 16
"""Bits in SW_FW_SYNC: the firmware has everything."""

MANC, BLOCK_PHY_RESET = 0x5820, 1 << 18
"""In BAR 0: what the management controller is set to; its bit for a session over the PHY."""

CTRL, PHY_RST, MDIC, MDIC_OPERATION, MDIC_WRITE = 0x0, 1 << 31, 0x20, 3 << 26, 1 << 26
"""In BAR 0: the device's control register and its bit that resets the PHY; access to the PHY's registers, and writing."""

NVM = "ethtool -e pf raw on length 2"

QUESTIONS = (within("pf", "{} ethtool -i pf"), within("pf", "{} ethtool pf"), f"{{}} devlink dev info pci/{BDF['pf']}")
"""What anybody may ask a port."""


@pytest.fixture
def port(guest):
    """A guest with both ports up; its machine; where the PF's registers are."""
    vm = guest()
    ports.start(vm)
    return vm, Machine.of(vm), bar(vm, BDF["pf"])


def said(vm, since):
    return [line for line in vm.log(since, vm.mark()) if f"igb_rs {BDF['pf']}" in line]


def test_questions_wait_for_nobody(port):
    """What anybody may ask is answered as ever while the firmware has PHY and NVM; who needs these waits."""
    vm, machine, registers = port
    anybody = "setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --bounding-set=-all"
    ask = "\n".join(question.format(anybody) for question in QUESTIONS)
    before = vm.check(f"set -e\n{ask}")
    assert all(text in before for text in ("firmware-version: 2.1.0", "Link partner advertised link modes", "fw 2.1.0"))
    since = vm.mark()
    machine.write(registers + SW_FW_SYNC, FIRMWARE)
    try:
        assert vm.check(f"set -e\n{ask}", timeout=LIMIT) == before
        assert said(vm, since) == []
        result = vm.run(within("pf", NVM), timeout=LIMIT)
        assert not result.ok and "busy" in result.stderr
        assert len(said(vm, since)) == 1 and "firmware does not release resource" in said(vm, since)[0]
    finally:
        machine.write(registers + SW_FW_SYNC, 0)
    run_all(vm, within("pf", NVM))


def test_link_waits_for_nobody(port):
    """A link that comes up while the firmware has the PHY is used; what the partner offers is asked for until it is
    known."""
    vm, machine, registers = port
    vm.set_link(0, False)
    try:
        vm.check(until(no_carrier("pf")), timeout=LIMIT)
        machine.write(registers + SW_FW_SYNC, FIRMWARE)
        since = vm.mark()
    finally:
        vm.set_link(0, True)
    try:
        vm.check(until(carrier("pf")), timeout=LIMIT)
        log = "\n".join(said(vm, since))
        assert "link up" in log and "flow control not yet set" in log, log
        # What depends on it a little is done all the same.
        run_all(vm, "ip -n pf link set pf mtu 9000", "ip -n pf link set pf mtu 1500")
    finally:
        machine.write(registers + SW_FW_SYNC, 0)
    run_all(vm, pings("pf", "w"))
    vm.wait_until(within("pf", "ethtool pf") + " | grep -q 'Link partner advertised link modes'", timeout=LIMIT)


@pytest.mark.parametrize("left", [SMBI, SMBI | SWESMBI])
def test_semaphore_left(port, left):
    """Semaphores that nobody gives back are waited for as long as their owner could be kept from it, then taken over
    with a word in the log."""
    vm, machine, registers = port
    run_all(vm, within("pf", NVM))
    since = vm.mark()
    machine.write(registers + SWSM, left)
    seconds = float(vm.check(f"start=$(date +%s%N); {within('pf', NVM)} >/run/nvm && "
                             "echo $(( $(date +%s%N) - start ))", timeout=LIMIT)) / 1e9
    assert seconds >= 1
    assert len(said(vm, since)) == 1 and "clearing a semaphore" in said(vm, since)[0]
    # All is free again; the read takes it.
    assert machine.read(registers + SWSM) == 0 and machine.read(registers + SW_FW_SYNC) == 0
    machine.write(registers + SWSM, 0)
    run_all(vm, within("pf", NVM))
    assert len(said(vm, since)) == 1


def test_phy_in_use(port):
    """A PHY that the management controller needs is left as it is by a reset of the device, and by who sets the link."""
    vm, machine, registers = port
    since = vm.mark()
    left = lambda: sum("PHY left as it is" in line for line in said(vm, since))
    with Trace(vm) as trace:
        reset = vm.start(f"echo 1 >{DEVICES}/{BDF['pf']}/reset")
        # The reset sets the register to its default.
        while reset.running:
            machine.write(registers + MANC, BLOCK_PHY_RESET)
        assert reset.wait(LIMIT).ok and left() == 1
        # QEMU's link is away without that; the silicon's is not.
        for order in ("-s pf advertise 0x20", "-r pf"):
            result = vm.run(within("pf", f"ethtool {order}"))
            assert not result.ok and "busy" in result.stderr, result
    assert not [value for register, value in trace.writes if register == MDIC and value & MDIC_OPERATION == MDIC_WRITE]
    assert not [value for register, value in trace.writes if register == CTRL and value & PHY_RST]
    machine.write(registers + MANC, 0)
    with Trace(vm) as trace:
        run_all(vm, f"echo 1 >{DEVICES}/{BDF['pf']}/reset", until(carrier("pf")), pings("pf", "w"))
    assert left() == 1
    assert [value for register, value in trace.writes if register == MDIC and value & MDIC_OPERATION == MDIC_WRITE]
