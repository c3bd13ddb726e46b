# SPDX-License-Identifier: GPL-2.0
"""What the functions and their drivers count, by queue."""

import json
import re
import time

from lab import patience
from machine import Machine
from vfs import LIMIT, PF, bar

VFS_BUSY = 3
"""VFs that streams run on: v0, v1, ..."""

IDLE = VFS_BUSY
"""The VF that has none: its driver may go and come."""

FUNCTIONS = ("pf", "w", *(f"v{vf}" for vf in range(VFS_BUSY + 1)))

LOST = ("errors", "length_errors", "alloc_failed")
"""A receive queue's counters of packets that go no further."""

PORT_LOST = ("crc_errors", "align_errors", "rx_errors", "excessive_collisions", "late_collisions", "length_errors",
             "rx_no_buffer", "rx_fragments", "rx_oversize", "rx_jabber")
"""A port's own counters of packets that go no further. Not rx_undersize: QEMU pads short ones and counts them there."""

POOL_PACKETS = 0x10010 + 0x100 * (VFS_BUSY + 1)
"""PVFGPRC of the pool after the last VF's, the PF's: good packets its queues were given (datasheet 8.26). Not cleared by
being read."""

_QUEUE = re.compile(r"([rt]x)_queue_(\d+)_(.*)")


class Counters:
    """Reads them all, with one shell command."""

    def __init__(self, vm):
        self._vm = vm
        self._machine = Machine.of(vm)
        self._pool = bar(vm, PF) + POOL_PACKETS
        # nsenter, not `ip netns exec`, which would mount sysfs each time.
        self._command = "\n".join(
            ["set -e", *(f"nsenter --net=/run/netns/{name} ethtool -S {name}; echo\n"
                         f"nsenter --net=/run/netns/{name} cat /proc/net/snmp; echo" for name in FUNCTIONS),
             "ip -n pf -j -s -s link show dev pf; ip -n w -j -s -s link show dev w"])

    def read(self):
        """Each function's counters: `device`, packets the device gave its queues; `queues`, what the driver counts by queue
        ("rx 0", "tx 0", ...); `port`, what the device counts besides; `missed`, packets that found no descriptor;
        `datagrams` and `refused`, what UDP took and what it dropped."""
        # In front of the driver's: what comes in between is in the next reading's.
        pool = self._machine.read(self._pool)
        *parts, links = self._vm.check(self._command, timeout=LIMIT).split("\n\n")
        result = {}
        for name, counters, snmp in zip(FUNCTIONS, parts[::2], parts[1::2], strict=True):
            result[name] = _function(counters, snmp)
        # Whether a ring was full is for a port to see, also of its VFs.
        pf, w = (json.loads(link)[0] for link in links.splitlines())
        result["pf"]["missed"], result["w"]["missed"] = (link["stats64"]["rx"]["missed_errors"] for link in (pf, w))
        for vf, shown in enumerate(pf["vfinfo_list"]):
            result[f"v{vf}"]["missed"] = shown["stats"]["rx"]["dropped"]
        result["pf"]["device"] = pool
        return result

    def still(self):
        """A reading in which nothing moves: two in a row were the same."""
        limit = time.monotonic() + patience(LIMIT)
        before, now = self.read(), self.read()
        while now != before:
            assert time.monotonic() < limit, f"packets move although no stream runs: {gained(before, now)}"
            before, now = now, self.read()
        return now


def _function(counters, snmp):
    port, queues = {}, {}
    for line in counters.splitlines()[1:]:
        key, value = line.strip().split(": ")
        if found := _QUEUE.fullmatch(key):
            way, number, what = found.groups()
            queues.setdefault(f"{way} {number}", {})[what] = int(value)
        else:
            port[key] = int(value)
    names, values = (line.split()[1:] for line in snmp.splitlines() if line.startswith("Udp:"))
    stack = dict(zip(names, map(int, values)))
    return {"device": port["rx_packets"], "queues": queues, "port": port,
            "datagrams": stack["InDatagrams"], "refused": stack["InErrors"] + stack["NoPorts"]}


def gained(before, after):
    """What moved between two readings, or parts of them; without what did not."""
    if isinstance(after, dict):
        inside = {key: gained(before[key], after[key]) for key in after}
        return {key: value for key, value in inside.items() if value}
    return (after - before) % (1 << 32) if after < before else after - before


def taken(queue):
    """Packets a receive queue's driver has taken from it: given on or dropped for a reason that is counted."""
    return queue.get("packets", 0) + sum(queue.get(what, 0) for what in LOST)


def losses(reading):
    """Everything in a reading that tells of packets lost or broken, by function, queue and name."""
    result = {}
    for name, function in reading.items():
        for queue, counters in function["queues"].items():
            for what in (*LOST, "csum_bad") if queue.startswith("rx") else ("dropped",):
                result[f"{name} {queue} {what}"] = counters[what]
        for what in PORT_LOST:
            result[f"{name} {what}"] = function["port"].get(what, 0)
        result[f"{name} missed"] = function["missed"]
    return result
