# SPDX-License-Identifier: GPL-2.0
"""The guest under test: our drivers and the kernel's own side by side, each on two ports and a wire of its own.

Ends of a side's wire: PFs A, under test, and B; VFs V0, V1, ... of A and, where both have some, W0, W1, ... of B.
"""

import dataclasses
import json
from pathlib import Path

from lab import Vm

GUEST = Path(__file__).with_name("guest")
TRAFFIC = "/run/lab/traffic.py"
LIMIT = 300


@dataclasses.dataclass(frozen=True)
class Side:
    """A pair of drivers and where it is at home: A is the PF under test, B the other end of its wire."""

    name: str
    pf: str
    vf: str
    port: int
    net: int

    def pci(self, port=0):
        return f"0000:{self.port + port + 1:02x}:00.0"

    def ns(self, end):
        """Namespace, and device in it, of an end: "A", "B", "V0", ..."""
        return f"{self.name[0]}{end}"

    def address(self, end):
        host = {"A": 1, "B": 2}.get(end) or {"V": 10, "W": 30}[end[0]] + int(end[1:])
        return f"10.{self.net}.0.{host}"

    @property
    def nowhere(self):
        """An address in the network that nobody has."""
        return f"10.{self.net}.0.200"


OURS = Side("ours", "igb_rs", "igbvf_rs", port=0, net=1)
C = Side("c", "igb", "igbvf", port=2, net=2)
SIDES = (OURS, C)


def insert(module):
    """Shell command: loads one of our modules, or one of the kernel's."""
    return f"insmod /mnt/igb_rs/{module}.ko" if module.endswith("_rs") else f"modprobe {module}"


def place(side, end, pci):
    """Shell commands: gives a function's network device its namespace, name and address, and sets it up."""
    ns = side.ns(end)
    return (f"echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6\nd=$(basename /sys/bus/pci/devices/{pci}/net/*); [ -e /sys/class/net/$d ] || exit 9\n"
            f"ip link set $d name {ns}\nip netns add {ns}\nip link set {ns} netns {ns}\n"
            f"ip netns exec {ns} sysctl -qw net.ipv6.conf.all.disable_ipv6=1\n"
            f"ip -n {ns} addr add {side.address(end)}/24 dev {ns}\nip -n {ns} link set lo up\n"
            f"ip -n {ns} link set {ns} up\n")


def carrier(ns):
    return (f"for i in $(seq 600); do ip -n {ns} -o link show dev {ns} | grep -q LOWER_UP && break; sleep 0.1; done; "
            f"ip -n {ns} -o link show dev {ns} | grep -q LOWER_UP\n")


class Rig:
    """A booted guest in which both sides' PFs are up. A context manager.

    sides: both, or only ours where nothing is compared; mode, cpus, name, qemu_args: as of lab.Vm.
    """

    def __init__(self, mode, sides=SIDES, cpus=2, name="bench", qemu_args=()):
        self.sides = sides
        self.cpus = cpus
        ports = [wire for wire in range(len(sides)) for _ in range(2)]
        self.vm = Vm(mode=mode, ports=ports, cpus=cpus, name=name, stamps=False, qemu_args=qemu_args)
        self.vfs = 0
        self.other_vfs = 0
        try:
            self._load()
        except BaseException:
            self.vm.close()
            raise

    def _load(self):
        self.vm.put(TRAFFIC, (GUEST / "traffic.py").read_bytes())
        text = "set -e\n"
        for side in self.sides:
            for port in (0, 1):
                text += f"echo {side.pf} >/sys/bus/pci/devices/{side.pci(port)}/driver_override\n"
        for side in self.sides:
            text += "".join(f"{insert(module)}\n" for module in (side.pf, side.vf))
        text += "modprobe pktgen\n"
        for side in self.sides:
            text += place(side, "A", side.pci()) + place(side, "B", side.pci(1))
        text += "".join(carrier(side.ns(end)) for side in self.sides for end in "AB")
        self.vm.check(text, timeout=LIMIT)

    def enable_vfs(self, count, both=False):
        """Makes `count` VFs of each side's A, and of B if `both`, each up in a namespace of its own."""
        self.vfs, self.other_vfs = count, count if both else 0
        text = "set -e\n"
        for side in self.sides:
            for port, letter in enumerate("VW" if both else "V"):
                pf = f"/sys/bus/pci/devices/{side.pci(port)}"
                text += f"echo 0 >{pf}/sriov_drivers_autoprobe\necho {count} >{pf}/sriov_numvfs\n"
                for vf in range(count):
                    text += (f"v=$(basename $(readlink {pf}/virtfn{vf}))\n"
                             f"echo {side.vf} >/sys/bus/pci/devices/$v/driver_override\n"
                             f"echo $v >/sys/bus/pci/drivers_probe\n" + place(side, f"{letter}{vf}", "$v"))
        text += "".join(carrier(side.ns(end)) for side in self.sides for end in reversed(self.ends()))
        self.vm.check(text, timeout=LIMIT)

    def ends(self):
        return ["A", "B", *(f"V{vf}" for vf in range(self.vfs)), *(f"W{vf}" for vf in range(self.other_vfs))]

    def set_mtu(self, mtu):
        text = "set -e\n"
        for side in self.sides:
            for end in self.ends():
                text += f"ip -n {side.ns(end)} link set {side.ns(end)} mtu {mtu}\n"
            # The kernel's igb resets the device for this.
            text += "".join(carrier(side.ns(end)) for end in self.ends())
        self.vm.check(text, timeout=LIMIT)

    def cpu(self, end):
        """The processor of an end's interrupts, and of what pktgen sends from it. Those that talk have two, if there are."""
        return {"A": 0, "V": int(end[1:] or 0), "B": 1, "W": int(end[1:] or 0) + 1}[end[0]] % self.cpus

    def _pin(self):
        """Where the kernel puts interrupts is chance: a sender that is or is not on the receiver's processor makes for
        half or twice the rate."""
        cpus = {side.ns(end): self.cpu(end) for side in self.sides for end in self.ends()}
        text = "set -e\n"
        for line in self.vm.check("cat /proc/interrupts").splitlines():
            words = line.split()
            if words and (cpu := cpus.get(words[-1].split("-")[0])) is not None:
                text += f"echo {cpu} >/proc/irq/{words[0].rstrip(':')}/smp_affinity_list\n"
        self.vm.check(text)

    def introduce(self):
        """Tells all ends of each side each other's addresses, for good, so that nothing but the traffic flows later; and
        gives their interrupts a processor."""
        self._pin()
        for side in self.sides:
            macs = {end: self.mac(side, end) for end in self.ends()}
            self.vm.check("set -e\n" + "\n".join(
                f"ip -n {side.ns(end)} neigh replace {side.address(to)} lladdr {macs[to]} dev {side.ns(end)} nud permanent"
                for end in macs for to in macs if to != end))
            for end in self.ends()[1:]:
                self.vm.check(f"ip netns exec {side.ns('A')} ping -q -c 2 -i 0.1 -W 5 {side.address(end)} || "
                              f"ip netns exec {side.ns('A')} ping -q -c 2 -W 5 {side.address(end)}", timeout=LIMIT)

    def stats(self, side, end):
        """The counters of an end's device, as `ip -s` gives them, less the nesting: rx_packets, tx_bytes, ..."""
        ns = side.ns(end)
        found = json.loads(self.vm.check(f"ip -n {ns} -j -s link show dev {ns}"))[0]["stats64"]
        return {f"{way}_{key}": value for way in ("rx", "tx") for key, value in found[way].items()}

    def mac(self, side, end):
        ns = side.ns(end)
        return json.loads(self.vm.check(f"ip -n {ns} -j link show dev {ns}"))[0]["address"]

    def interrupts(self, side, end):
        """Interrupts an end's vectors have had. Vectors bear the device's name."""
        prefix = side.ns(end)
        total = 0
        for line in self.vm.check("cat /proc/interrupts").splitlines():
            words = line.split()
            if words and words[-1].startswith(f"{prefix}-"):
                total += sum(int(word) for word in words[1:] if word.isdigit())
        return total

    def close(self):
        self.vm.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
