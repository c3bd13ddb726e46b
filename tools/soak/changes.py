# SPDX-License-Identifier: GPL-2.0
"""What changes at random during a soak, and the settings it begins and ends with."""

import collections

from lab.client import CommandFailed
from counters import FUNCTIONS, IDLE, VFS_BUSY
from vfs import DEVICES, LIMIT, PF, VFS, WIRE, carrier, no_carrier, place, until

CHANNELS = 2
"""Queue pairs of a port, as many as it has processors."""

RINGS = (64, 128, 256, 512, 1024)
"""Sizes the rings may have."""

FEATURES = ("tso", "rx", "tx", "gso", "gro", "sg")

PORTS = {"pf": (0, PF), "w": (1, WIRE)}
"""Number and PCI function of each port."""

SETTINGS = "\n".join((
    "set -e",
    "echo 1 >/sys/devices/system/cpu/cpu1/online",
    *(f"ip -n {name} link set {name} up mtu 1500 promisc off allmulticast off\n"
      f"ip netns exec {name} ethtool -G {name} rx 256 tx 256\n"
      f"ip netns exec {name} ethtool -C {name} adaptive-rx on\n"
      f"ip netns exec {name} ethtool -K {name} {' '.join(f'{feature} on' for feature in FEATURES)}\n"
      f"ip netns exec {name} ethtool --set-tunable {name} rx-copybreak 256" for name in FUNCTIONS),
    *(f"ip netns exec {name} ethtool -L {name} combined {CHANNELS}\n"
      f"ip netns exec {name} ethtool -X {name} default\n"
      f"ip netns exec {name} ethtool -A {name} autoneg on rx on tx on" for name in PORTS),
    *(f"ip -n pf link set pf vf {vf} trust off spoofchk on max_tx_rate 0 vlan 0 state auto" for vf in range(IDLE + 1)),
    *(until(carrier(name)) for name in FUNCTIONS)))
"""Shell commands for the settings at the beginning and at the end, all of which must be accepted."""

LARGEST = "\n".join(
    f"ip netns exec {name} ethtool -G {name} rx {max(RINGS)} tx {tx}" for name in FUNCTIONS for tx in (max(RINGS), min(RINGS)))
"""Shell commands after which every function has had the most memory it can need: that of the largest rings, twice, because
new ones are made before the old ones go. What is mapped stays mapped."""


def kinds(rng):
    """One change of every kind, as steps: shell commands and what is done to the machine. A step that is refused is the last."""
    name = rng.choice([name for name in FUNCTIONS if name != f"v{IDLE}"])
    port = rng.choice(sorted(PORTS))
    number, function = PORTS[port]
    vf = rng.randrange(VFS_BUSY)
    switch = rng.choice(("on", "off"))
    link, ethtool = f"ip -n {name} link", f"ip netns exec {name} ethtool"
    on_port, on_vf = f"ip netns exec {port} ethtool", f"ip -n pf link set pf vf {vf}"
    any_byte = rng.randrange(256)
    size = lambda: rng.choice(RINGS)
    cable = lambda plugged: lambda vm: vm.set_link(number, plugged)
    return {
        "mtu": [f"{link} set {name} mtu {rng.choice((1500, 2000, 4000, 9000))}"],
        "rings": [f"{ethtool} -G {name} rx {size()} tx {size()}"],
        "moderation": [f"{ethtool} -C {name} {rng.choice(('adaptive-rx on', 'adaptive-rx off rx-usecs 0', 'rx-usecs 20'))}"],
        "copybreak": [f"{ethtool} --set-tunable {name} rx-copybreak {rng.choice((0, 256, 2048, 10000))}"],
        "feature": [f"{ethtool} -K {name} {rng.choice(FEATURES)} {switch}"],
        "down and up": [f"{link} set {name} down; {link} set {name} up"],
        "promiscuous": [f"{link} set {name} promisc {switch}"],
        "all multicast": [f"{link} set {name} allmulticast {switch}"],
        "multicast": [f"ip -n {name} maddr add 33:33:00:00:01:{any_byte:02x} dev {name}",
                      f"ip -n {name} maddr delete 33:33:00:00:01:{any_byte:02x} dev {name}"],
        "vlan": [f"{link} add link {name} name soak type vlan id {rng.randrange(1, 4095)}", f"{link} delete soak"],
        "macvlan": [f"{link} add link {name} name soak type macvlan mode bridge; {link} set soak up", f"{link} delete soak"],
        "address of a port": [f"ip -n {port} link set {port} address 02:82:57:51:0{number}:{any_byte:02x}"],
        "channels": [f"{on_port} -L {port} combined {rng.randint(1, CHANNELS)}"],
        "spreading": [f"{on_port} -X {port} {rng.choice(('default', 'equal 1'))}"],
        "hashed fields": [f"{on_port} -N {port} rx-flow-hash udp4 {rng.choice(('sd', 'sdfn'))}"],
        "pause": [f"{on_port} -A {port} rx {switch} tx {rng.choice(('on', 'off'))}"],
        "negotiation": [f"{on_port} -r {port}"],
        "self-test": [until(carrier(port)), f"{on_port} -t {port} offline"],
        "cable": [cable(False), until(no_carrier(port)), cable(True)],
        "reset of a port": [f"echo 1 >{DEVICES}/{function}/reset"],
        "reset of a VF": [f"echo 1 >{DEVICES}/{VFS[vf]}/reset"],
        "trust": [f"{on_vf} trust {switch}"],
        "spoofchk": [f"{on_vf} spoofchk {switch}"],
        "rate": [f"{on_vf} max_tx_rate {rng.choice((0, 500, 1000))}"],
        "address of a VF": [f"{on_vf} mac 02:82:57:50:0{vf}:{any_byte:02x}"],
        "state of a VF": [f"{on_vf} state disable", until(no_carrier(f"v{vf}")), f"{on_vf} state auto"],
        "VLAN of a VF": [f"{on_vf} vlan {rng.randrange(1, 4095)} qos {rng.randrange(8)}", f"{on_vf} vlan 0"],
        "priority of a VF": [f"{on_vf} vlan 0 qos {rng.randrange(1, 8)}", f"{on_vf} vlan 0"],
        "driver of a VF": [f"echo {VFS[IDLE]} >/sys/bus/pci/drivers/igbvf_rs/unbind",
                           f"echo {VFS[IDLE]} >/sys/bus/pci/drivers/igbvf_rs/bind", f"set -e\n{place(VFS[IDLE], f'v{IDLE}')}"],
        "interrupts": [f"for irq in $(ls {DEVICES}/{function}/msi_irqs); do echo {rng.randint(0, 1)} "
                       ">/proc/irq/$irq/smp_affinity_list || exit 1; done"],
        "processor": [f"echo {processor} >/sys/devices/system/cpu/cpu1/online" for processor in (0, 1)],
        "reading": [f"{{ {ethtool} -d {name}; {ethtool} -S {name}; {ethtool} {name}; {ethtool} -g {name}; devlink health; "
                    "cat /sys/kernel/debug/igb*_rs/*/*; } >/dev/null"],
    }


STOPS = {"mtu", "rings", "feature", "down and up", "channels", "self-test", "cable", "reset of a port", "reset of a VF",
         "address of a VF", "state of a VF", "VLAN of a VF", "priority of a VF", "driver of a VF", "negotiation", "pause"}
"""Kinds that stop a transmit queue: what is handed down at that moment is dropped, and counted."""

TRIES = 5
"""A kind that came up so often must have been accepted once."""


class Changes:
    """Makes them and remembers what came of it."""

    def __init__(self, vm, rng):
        self._vm = vm
        self._rng = rng
        self.counts = collections.defaultdict(lambda: {"accepted": 0, "refused": 0, "reasons": collections.Counter()})

    def make(self):
        """Makes one change; returns its kind and whether it was accepted."""
        kind, steps = self._rng.choice(sorted(kinds(self._rng).items()))
        self._vm.note(f"{kind}: {'; '.join(step for step in steps if isinstance(step, str))}")
        count = self.counts[kind]
        try:
            for step in steps:
                if isinstance(step, str):
                    self._vm.check(step, timeout=LIMIT)
                else:
                    step(self._vm)
        except CommandFailed as refusal:
            # What takes too long has not been refused.
            if refusal.result.timeout:
                raise
            count["refused"] += 1
            count["reasons"][(refusal.result.stderr.strip() or refusal.result.describe()).splitlines()[-1]] += 1
            return kind, False
        count["accepted"] += 1
        return kind, True

    def total(self):
        """How many changes were accepted, and how many refused."""
        return tuple(sum(count[what] for count in self.counts.values()) for what in ("accepted", "refused"))

    def verdict(self):
        """Fails if a kind was never accepted, which would be a kind that is not tested."""
        never = {kind: count for kind, count in self.counts.items()
                 if not count["accepted"] and count["refused"] >= TRIES}
        assert not never, f"refused every time: {never}"
