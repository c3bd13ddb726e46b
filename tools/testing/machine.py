# SPDX-License-Identifier: GPL-2.0
"""The guest's machine from outside: physical memory and registers, by QEMU's qtest protocol, and the way of an address
through its IOMMU. Nothing in the guest takes part or notices."""

import os
import socket
import weakref

_machines = weakref.WeakKeyDictionary()

RTADDR = 0xfed90020
"""VT-d's root table address register."""

PAGE = 0xffffffffff000
"""The address in an entry of VT-d's tables."""


class Machine:
    """Reads and writes addresses as the guest's processor would. One for each guest: see `of`."""

    def __init__(self, vm):
        path = f"/tmp/qtest-{vm.pid}"
        vm.qmp("chardev-add", id="machine", backend={"type": "socket", "data": {
            "addr": {"type": "unix", "data": {"path": path}}, "server": True, "wait": False}})
        vm.qmp("object-add", **{"qom-type": "qtest", "id": "machine", "chardev": "machine"})
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(path)
        os.unlink(path)
        self._answers = self._socket.makefile("r")

    @classmethod
    def of(cls, vm):
        """The machine of a guest. QEMU has one qtest server in its life."""
        if vm not in _machines:
            _machines[vm] = cls(vm)
        return _machines[vm]

    def _ask(self, question):
        self._socket.sendall(f"{question}\n".encode())
        # Interrupts are reported in between.
        while (answer := self._answers.readline().split()) and answer[0] == "IRQ":
            pass
        assert answer and answer[0] == "OK", (question, answer)
        return answer[1:]

    def read(self, address, size=4):
        """A number of 4 or 8 bytes."""
        return int(self._ask(f"read{'l' if size == 4 else 'q'} {address:#x}")[0], 16)

    def write(self, address, value, size=4):
        """Writes a number of 4 or 8 bytes."""
        self._ask(f"write{'l' if size == 4 else 'q'} {address:#x} {value:#x}")

    def data(self, address, size):
        """That many bytes."""
        return bytes.fromhex(self._ask(f"read {address:#x} {size:#x}")[0].removeprefix("0x"))

    def physical(self, function, address):
        """Where the IOMMU takes a PCI function's `address`: walks VT-d's tables as it does."""
        _, bus, rest = function.split(":")
        slot, number = rest.split(".")
        root = self.read(RTADDR, 8)
        assert not root & 0xc00, f"not legacy mode: {root:#x}"
        contexts = self.read((root & PAGE) + 16 * int(bus, 16), 8)
        entry = (contexts & PAGE) + 16 * (int(slot, 16) << 3 | int(number))
        table, width = self.read(entry, 8), self.read(entry + 8, 8) & 7
        assert contexts & 1 and table & 1, f"{function} has no domain"
        # Width 1 is three levels of tables, 2 four.
        for level in reversed(range(width + 2)):
            entry = self.read((table & PAGE) + 8 * (address >> 12 + 9 * level & 0x1ff), 8)
            assert entry & 3, f"{function} has nothing at {address:#x}"
            if level == 0 or entry & 1 << 7:
                inside = (1 << 12 + 9 * level) - 1
                return entry & PAGE & ~inside | address & inside
            table = entry
        raise AssertionError("a table without levels")
