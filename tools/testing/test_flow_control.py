# SPDX-License-Identifier: GPL-2.0
"""PAUSE frames: what the board has to offer, and what becomes of packets without a descriptor where there are none."""

import pytest

import ports
from machine import Machine
from ports import BDF, LIMIT, run_all, until, within
from test_bad_device import bind, load, nvm, poke
from vfs import NUMVFS, bar, carrier

PAUSE_WORD, CHECKSUM_WORD = 0x0F, 0x3F
"""Words of the NVM: initialization control 2, and the one that makes all add up."""

SRRCTL, DROP = 0xC00C, 1 << 31
"""In BAR 0: a receive queue's buffers, of queue 0; its bit for dropping what finds no descriptor."""


@pytest.mark.parametrize("bits, directions", [(0x0000, "off off"), (0x2000, "off on"), (0x3000, "on on")])
def test_board(guest, bits, directions):
    """What is offered until the user says otherwise is the board's."""
    vm = guest()
    load(vm)
    start = nvm(vm)
    with open(f"/proc/{vm.pid}/mem", "rb") as memory:
        memory.seek(start)
        words = memory.read(128)
    read = lambda word: int.from_bytes(words[2 * word:2 * word + 2], "little")
    wanted = read(PAUSE_WORD) & ~0x3000 | bits
    changed = {PAUSE_WORD: wanted, CHECKSUM_WORD: read(CHECKSUM_WORD) + read(PAUSE_WORD) - wanted}
    try:
        for word, value in changed.items():
            poke(vm, start + 2 * word, (value & 0xFFFF).to_bytes(2, "little"))
        bind(vm)
    finally:
        for word in changed:
            poke(vm, start + 2 * word, read(word).to_bytes(2, "little"))
    shown = vm.check(f"ethtool -a $(ls /sys/bus/pci/devices/{BDF['pf']}/net)")
    assert " ".join(line.split()[1] for line in shown.splitlines() if line.startswith(("RX:", "TX:"))) == directions, shown


def test_full_queue(guest):
    """A queue without descriptors holds up no other: it drops, unless the partner is asked to pause."""
    vm = guest()
    ports.start(vm)
    machine, registers = Machine.of(vm), bar(vm, BDF["pf"])
    drops = lambda *queues: [machine.read(registers + SRRCTL + 0x40 * queue) & DROP != 0 for queue in queues]
    vm.wait_until(within("pf", "ethtool -a pf") + " | grep -q 'TX negotiated:.*on'", timeout=LIMIT)
    assert drops(0, 1) == [False, False]
    run_all(vm, within("pf", "ethtool -A pf autoneg off rx on tx off"))
    assert drops(0, 1) == [True, True]
    run_all(vm, within("pf", "ethtool -L pf combined 1"))
    assert drops(0) == [False]
    run_all(vm, within("pf", "ethtool -L pf combined 2"))
    assert drops(0, 1) == [True, True]
    run_all(vm, within("pf", "ethtool -A pf autoneg off rx on tx on"))
    assert drops(0, 1) == [False, False]
    # With VFs it does in any case: queues 1 and 9 are the PF's.
    run_all(vm, f"echo 1 >{NUMVFS}", until(carrier("pf")))
    assert drops(1, 9) == [True, True]
