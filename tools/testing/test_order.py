# SPDX-License-Identifier: GPL-2.0
"""The order in which the PF writes its registers, where the datasheet has one that QEMU does not mind: as QEMU traces
it."""

import re
import tempfile

import pytest

from vfs import DEVICES, NUMVFS, PF, WIRE, carrier, insmod, place, run_all, until

CTRL, CTRL_EXT, IMS, RCTL, MBVFIMR, MRQC, RTTDQSEL, RTTBCNRC = 0x0, 0x18, 0xD0, 0x100, 0xC84, 0x5818, 0x3604, 0x36B0

RST, PFRSTD, RXEN, MODE = 1 << 26, 1 << 14, 1 << 1, 7
"""Bits in CTRL, CTRL_EXT, RCTL and MRQC."""

TRACED = ("e1000e_core_write", "e1000e_wrn_regs_write_unknown")


class Trace:
    """The register writes of a guest's 82576 ports inside a `with`: `writes` has (register, value) of each."""

    def __init__(self, vm):
        self.vm = vm
        self.writes = []

    def _switch(self, on, path):
        self.vm.qmp("human-monitor-command", **{"command-line": f"logfile {path}"})
        for event in TRACED:
            self.vm.qmp("trace-event-set-state", name=event, enable=on)

    def __enter__(self):
        self._file = tempfile.NamedTemporaryFile("r")
        self._switch(True, self._file.name)
        return self

    def __exit__(self, *error):
        self._switch(False, "/dev/null")
        for line in self._file:
            found = re.search(r"register (?:at offset: )?0x([0-9a-f]+),.*value: 0x([0-9a-f]+)", line, re.I)
            if found:
                self.writes.append(tuple(int(number, 16) for number in found.groups()))
        self._file.close()


@pytest.fixture
def port(guest):
    """A guest whose second port has no driver, so that each write is the first one's."""
    vm = guest()
    run_all(vm, insmod("igb_rs"), f"echo {WIRE} >{DEVICES}/{WIRE}/driver/unbind", place(PF, "pf"), until(carrier("pf")))
    return vm


def test_receive_modes(port):
    """How packets find their queue changes only while nobody receives: at probe, with and without VFs, as the PF's
    queues change."""
    vm = port
    vm.check(f"echo {PF} >{DEVICES}/{PF}/driver/unbind")
    with Trace(vm) as trace:
        run_all(vm, f"echo {PF} >/sys/bus/pci/drivers/igb_rs/bind", place(PF, "pf"), f"echo 1 >{NUMVFS}",
                *(f"ip netns exec pf ethtool -L pf combined {pairs}" for pairs in (1, 2)), f"echo 0 >{NUMVFS}",
                until(carrier("pf")))
    receiving, mode, changes = False, 0, []
    for register, value in trace.writes:
        if register == RCTL:
            receiving = value & RXEN != 0
        elif register == CTRL and value & RST:
            receiving, mode = False, 0
        elif register == MRQC:
            assert value & MODE == mode or not receiving, changes
            if value & MODE != mode:
                mode = value & MODE
                changes.append(mode)
    # RSS; pools with RSS, without, with; RSS.
    assert changes[-5:] == [2, 5, 3, 5, 2] and receiving, changes


def test_vfs_are_heard(port):
    """The VFs are told that a reset is over when what they say then interrupts."""
    vm = port
    with Trace(vm) as trace:
        run_all(vm, f"echo 1 >{DEVICES}/{PF}/reset", until(carrier("pf")))
    last = {}
    for at, (register, value) in enumerate(trace.writes):
        if register == CTRL and value & RST:
            last.clear()
        elif register in (IMS, MBVFIMR) or register == CTRL_EXT and value & PFRSTD:
            last.setdefault(register, at)
    assert max(last[IMS], last[MBVFIMR]) < last[CTRL_EXT]


def test_rate_of_former_vf(port):
    """The queues of a VF that is gone are no longer limited."""
    vm = port
    with Trace(vm) as trace:
        run_all(vm, f"echo 2 >{NUMVFS}", "ip -n pf link set pf vf 1 max_tx_rate 10", f"echo 0 >{NUMVFS}")
    limits, limited, queue = {}, set(), None
    for register, value in trace.writes:
        if register == RTTDQSEL:
            queue = value
        elif register == RTTBCNRC:
            limits[queue] = value
            limited |= {queue} if value else set()
    assert limited == {1, 9} and not any(limits.values()), limits
