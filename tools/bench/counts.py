# SPDX-License-Identifier: GPL-2.0
"""What a packet costs, counted and not timed: accesses to registers, interrupts, invalidations, instructions.

Register accesses, invalidations and descriptors come from QEMU's trace events, interrupts and packets from the guest,
instructions from a plugin of QEMU's TCG. None of it depends on how fast the machine is; how packets gather in
batches does a little, so that what is read is the median of some runs.
"""

import re
import socket
import statistics
import subprocess
import tempfile
from pathlib import Path

from lab import paths

from .rig import SIDES, TRAFFIC, Rig

PLUGIN = Path(__file__).with_name("plugin") / "instructions.c"
EVENTS = ("memory_region_ops_read", "memory_region_ops_write", "vtd_inv_desc_iotlb_*", "e1000e_tx_descr",
          "e1000e_rx_descr")
SETTLE = 0.4
"""Seconds of silence before and after the traffic, in which the host takes its readings."""

ACCESS = re.compile(r"memory_region_ops_(read|write) cpu -?\d+ mr \S+ addr (0x[0-9a-f]+) .* name '(igb|igbvf)-mmio'")

# Registers of the data path (82576 datasheet, 8.10 to 8.12, 8.8); all else is housekeeping by time: link, statistics.
DOORBELLS = {"tdt": (0xE018, 0x3818), "rdt": (0xC018, 0x2818)}
INTERRUPT_REGISTERS = range(0x1500, 0x16E0)
GPIE = 0x1514
"""Among them, but set once: the regular look tells from it whether the device was reset."""


class Unavailable(Exception):
    """Something that counting needs is not there."""


def build_plugin():
    """Compiles the plugin and returns its path."""
    target = paths.BUILD / "bench" / "instructions.so"
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["gcc-14", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", target, PLUGIN],
                          capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"the instruction counter does not compile: {done.stderr.strip()[:300]}")
    return target


def kind(offset):
    """What a register at `offset` of a function's BAR 0 is for."""
    for name, (base, alias) in DOORBELLS.items():
        if offset == alias or (base <= offset < base + 16 * 0x40 and (offset - base) % 0x40 == 0):
            return name
    return "irq" if offset in INTERRUPT_REGISTERS and offset != GPIE else "other"


class Counter:
    """A guest that counts. A context manager.

    instructions: load the plugin (TCG only); blocks: have it count per block, for profiles.
    """

    def __init__(self, mode="strict", vfs=0, sides=SIDES, cpus=1, instructions=True, blocks=False, name="bench-counts"):
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        self._socket = f"{self._folder.name}/plugin"
        self._trace = Path(self._folder.name) / "trace.log"
        self.instructions = instructions
        self.blocks = blocks
        args = ["-D", str(self._trace)]
        if instructions:
            args += ["-plugin", f"{build_plugin()},socket={self._socket}{',blocks=on' if blocks else ''}"]
        self.rig = Rig(mode, sides=sides, cpus=cpus, name=name, qemu_args=args)
        self.vm = self.rig.vm
        try:
            if vfs:
                self.rig.enable_vfs(vfs)
            self.rig.introduce()
            self._bars = self._find_bars()
        except BaseException:
            self.close()
            raise

    def _find_bars(self):
        """(first address, length, side and end) of every function's BAR 0."""
        found = []
        for side in self.rig.sides:
            functions = {"A": side.pci(), "B": side.pci(1)}
            for vf in range(self.rig.vfs):
                functions[f"V{vf}"] = self.vm.check(f"basename $(readlink /sys/bus/pci/devices/{side.pci()}/virtfn{vf})")
            for end, pci in functions.items():
                first, last, _ = self.vm.check(f"head -n 1 /sys/bus/pci/devices/{pci}/resource").split()
                found.append((int(first, 16), int(last, 16) - int(first, 16) + 1, (side, end)))
        return found

    def ask(self, request):
        """The plugin's answer."""
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self._socket)
            link.sendall(f"{request}\n".encode())
            parts = []
            while part := link.recv(1 << 20):
                parts.append(part)
        return b"".join(parts).decode()

    def trace(self, on):
        for event in EVENTS:
            self.vm.qmp("trace-event-set-state", name=event, enable=on, **{"ignore-unavailable": True})

    def run(self, side, kind_, sender, receiver, under_test, amount, more=()):
        """One run; returns counts per packet of the end `under_test`, with `packets` and the raw numbers."""
        to = side.nowhere if kind_ == "packets" else side.address(receiver)
        if kind_ == "packets":
            more = (self.rig.mac(side, receiver), *more, self.rig.cpu(sender))
        command = ["python3", "-I", "-S", TRAFFIC, str(SETTLE), kind_, side.ns(sender), side.ns(receiver), to,
                   str(amount), *map(str, more)]
        before, irqs = self.rig.stats(side, under_test), self.rig.interrupts(side, under_test)
        at = self._trace.stat().st_size if self._trace.exists() else 0
        process = self.vm.start(command, timeout=300)
        process.wait_for("ready", timeout=120)
        self.trace(True)
        start = int(self.ask("total")) if self.instructions else 0
        if self.blocks:
            self.ask("clear")
        process.wait_for("done", timeout=300)
        end = int(self.ask("total")) if self.instructions else 0
        per_block = self.ask("blocks") if self.blocks else ""
        self.trace(False)
        process.wait(60)
        after = self.rig.stats(side, under_test)
        raw = self._read_trace(at, (side, under_test))
        raw["interrupts"] = self.rig.interrupts(side, under_test) - irqs
        if self.instructions:
            raw["instructions"] = end - start
        packets = sum(after[key] - before[key] for key in ("rx_packets", "tx_packets"))
        if packets <= 0:
            raise RuntimeError(f"{side.name}: no packets in {' '.join(command)}")
        return {"packets": packets, "raw": raw, "per_block": per_block, **per_packet(packets, raw)}

    def _read_trace(self, at, function):
        counts = dict.fromkeys(("mmio_reads", "mmio_writes", "tdt", "rdt", "irq_registers", "housekeeping",
                                "invalidations", "descriptors"), 0)
        with self._trace.open(errors="replace") as lines:
            lines.seek(at)
            for line in lines:
                if match := ACCESS.match(line):
                    self._access(counts, function, match[1], int(match[2], 16))
                elif line.startswith("vtd_inv_desc_iotlb"):
                    counts["invalidations"] += 1
                elif line.startswith(("e1000e_tx_descr", "e1000e_rx_descr")):
                    counts["descriptors"] += 1
        return counts

    def _access(self, counts, function, way, address):
        for first, length, owner in self._bars:
            if owner == function and first <= address < first + length:
                what = kind(address - first)
                if what == "other":
                    counts["housekeeping"] += 1
                    return
                counts[f"mmio_{way}s"] += 1
                counts["irq_registers" if what == "irq" else what] += 1
                return

    def close(self):
        rig = getattr(self, "rig", None)
        if rig is not None:
            rig.close()
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def per_packet(packets, raw):
    """What was counted, by packet; and register accesses of both kinds, as `mmio`."""
    figures = {key: value / packets for key, value in raw.items()}
    figures["mmio"] = figures["mmio_reads"] + figures["mmio_writes"]
    return figures


def median(runs):
    """The median of each figure of some runs."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0] if key not in ("raw", "per_block")}
