# SPDX-License-Identifier: GPL-2.0
"""What is timed: cells, how a sample of each is taken, and what the ratio to the kernel's drivers should reach."""

import dataclasses
import json
import re

from .rig import TRAFFIC

BURST = 8
"""Packets per doorbell that pktgen allows: what the stack does when a queue has a backlog."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One row of the table.

    how        tcp, both, packets-sent, packets-received, flood or rr
    sender, receiver  ends of a side (rig.Side); `end` of the two is the function under test
    unit       of a sample; `lower` if less is better
    target     ratio ours / C to reach in the modes strict, lazy, passthrough; None where there is none
    """

    key: str
    title: str
    how: str
    sender: str
    receiver: str
    unit: str
    target: tuple = (None, None, None)
    lower: bool = False
    mtu: int = 1500
    quick: bool = False

    @property
    def needs_vfs(self):
        return "V" in self.sender + self.receiver

    def goal(self, mode):
        """The ratio to reach in an IOMMU mode, or None."""
        return dict(zip(("strict", "lazy", "passthrough"), self.target)).get(mode)


TCP_OUT, TCP_IN, SMALL = (1.25, 1.15, 1.0), (1.2, 1.1, 1.0), (1.3, 1.2, 1.05)
VF_TCP, LATENCY = (1.5, 1.3, 1.2), (0.85, 0.9, 1.0)

CELLS = (
    Cell("pf-tcp-out", "PF TCP out", "tcp", "A", "B", "Mbit/s", TCP_OUT, quick=True),
    Cell("pf-tcp-in", "PF TCP in", "tcp", "B", "A", "Mbit/s", TCP_IN, quick=True),
    Cell("pf-tcp-both", "PF TCP both ways", "both", "A", "B", "Mbit/s"),
    Cell("pf-64-out", "PF 64 B out", "packets-sent", "A", "B", "packets/s", SMALL, quick=True),
    Cell("pf-64-in", "PF 64 B in", "packets-received", "B", "A", "packets/s", SMALL, quick=True),
    Cell("pf-flood", "PF flood ping", "flood", "A", "B", "s", LATENCY, lower=True, quick=True),
    Cell("pf-rr", "PF UDP request/response", "rr", "A", "B", "1/s"),
    Cell("pf-9000-out", "PF TCP out, MTU 9000", "tcp", "A", "B", "Mbit/s", TCP_OUT, mtu=9000),
    Cell("pf-9000-in", "PF TCP in, MTU 9000", "tcp", "B", "A", "Mbit/s", TCP_IN, mtu=9000),
    Cell("vf-tcp-out", "VF TCP out", "tcp", "V0", "B", "Mbit/s", VF_TCP, quick=True),
    Cell("vf-tcp-in", "VF TCP in", "tcp", "B", "V0", "Mbit/s", VF_TCP, quick=True),
    Cell("vf-tcp-both", "VF TCP both ways", "both", "V0", "B", "Mbit/s"),
    Cell("vf-64-out", "VF 64 B out", "packets-sent", "V0", "B", "packets/s"),
    Cell("vf-64-in", "VF 64 B in", "packets-received", "B", "V0", "packets/s"),
    Cell("vf-flood", "VF flood ping", "flood", "V0", "B", "s", LATENCY, lower=True, quick=True),
    Cell("vf-rr", "VF UDP request/response", "rr", "V0", "B", "1/s"),
    Cell("vf-vf-tcp", "VF to VF TCP", "tcp", "V0", "V1", "Mbit/s"),
    Cell("vf-9000-out", "VF TCP out, MTU 9000", "tcp", "V0", "B", "Mbit/s", VF_TCP, mtu=9000),
    Cell("vf-9000-in", "VF TCP in, MTU 9000", "tcp", "B", "V0", "Mbit/s", VF_TCP, mtu=9000),
)


class SampleFailed(Exception):
    """A sample could not be taken; the guest may be well."""


def sample(rig, side, cell, seconds):
    """One figure of `cell` for `side`, in the cell's unit. `seconds`: about how long the traffic is to flow."""
    return _HOW[cell.how](rig, side, cell, seconds)


def _in(rig, side, end, command, limit):
    result = rig.vm.run(f"ip netns exec {side.ns(end)} {command}", timeout=limit)
    if not result.ok:
        raise SampleFailed(f"{result.describe()}: {(result.stderr or result.stdout).strip()[-300:]}")
    return result.stdout


def _iperf3(rig, side, cell, seconds, more=""):
    server = side.ns(cell.receiver)
    rig.vm.check(f"[ -e /run/{server}.pid ] || {{ ip netns exec {server} iperf3 -s -D -I /run/{server}.pid; "
                 f"until ip netns exec {server} ss -Hltn | grep -q :5201; do sleep 0.05; done; }}", timeout=60)
    text = _in(rig, side, cell.sender, f"iperf3 -J -i 0 --connect-timeout 10000 -t {max(1, round(seconds))} {more} "
               f"-c {side.address(cell.receiver)}", seconds + 90)
    try:
        return json.loads(text)["end"]
    except (ValueError, KeyError):
        raise SampleFailed(f"iperf3 said {text[-300:]!r}") from None


def _tcp(rig, side, cell, seconds):
    return _iperf3(rig, side, cell, seconds)["sum_received"]["bits_per_second"] / 1e6


def _both(rig, side, cell, seconds):
    end = _iperf3(rig, side, cell, seconds, "--bidir")
    return (end["sum_received"]["bits_per_second"] + end["sum_received_bidir_reverse"]["bits_per_second"]) / 1e6


def _script(rig, side, cell, kind, amount, more=()):
    to = side.nowhere if kind == "packets" else side.address(cell.receiver)
    command = ["python3", "-I", "-S", TRAFFIC, "0", kind, side.ns(cell.sender), side.ns(cell.receiver), to,
               str(amount), *map(str, more)]
    result = rig.vm.run(command, timeout=120)
    found = re.search(r"^done (.*)$", result.stdout, re.M)
    if not result.ok or not found:
        raise SampleFailed(f"{result.describe()}: {(result.stderr or result.stdout).strip()[-300:]}")
    return json.loads(found[1])


def _packets(received):
    def take(rig, side, cell, seconds):
        count = int(16000 * seconds)
        before = rig.stats(side, cell.receiver)["rx_packets"]
        result = _script(rig, side, cell, "packets", count, (rig.mac(side, cell.receiver), BURST, rig.cpu(cell.sender)))
        # The rest of the ring is polled within microseconds; reading the counter takes longer than that.
        arrived = rig.stats(side, cell.receiver)["rx_packets"] - before
        return (min(arrived, count) if received else count) / result["seconds"]
    return take


def _flood(rig, side, cell, seconds):
    count = int(800 * seconds)
    text = _in(rig, side, cell.sender, f"ping -f -q -c {count} {side.address(cell.receiver)}", 120)
    total = re.search(r"(\d+) received.* time (\d+)ms", text)
    if not total or int(total[1]) < 0.98 * count:
        raise SampleFailed(f"ping said {text.strip()[-200:]!r}")
    return int(total[2]) / 1000


def _rr(rig, side, cell, seconds):
    count = int(1500 * seconds)
    return count / _script(rig, side, cell, "rr", count)["seconds"]


_HOW = {"tcp": _tcp, "both": _both, "packets-sent": _packets(False), "packets-received": _packets(True),
        "flood": _flood, "rr": _rr}
