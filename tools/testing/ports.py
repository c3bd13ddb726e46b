# SPDX-License-Identifier: GPL-2.0
"""Two ports of a guest on one wire: `pf` is driven by our module, `w` is the other end.

Each is in a network namespace of its name. One shell command does as much as it can: each costs the guest a tenth of
a second and more.
"""

import json
from pathlib import Path

from netns import DEVICES, all_answered, carrier, ip, server, silence, taken_into, until
from streams import account, carry, transfer

BDF = {"pf": "0000:01:00.0", "w": "0000:02:00.0"}
DEBUGFS = "/sys/kernel/debug/igb_rs"
MODULE = "/mnt/igb_rs/igb_rs.ko"

LIMIT = 120
"""Seconds for what takes a few, on a machine that is busy."""

FRAMES = "/run/frames.py"


def address(name, network=0):
    """IPv4 address in namespace `name`; `network` tells networks on top of each other apart."""
    return f"10.82.{network}.{1 if name == 'pf' else 2}"


def address6(name, network=0):
    """IPv6 address."""
    return f"fd82:{network}::{1 if name == 'pf' else 2}"


def address_lines(name, device=None, network=0):
    """Lines for netns.ip() that give an interface its addresses."""
    device = device or name
    return (f"addr add {address(name, network)}/24 dev {device}",
            f"addr add {address6(name, network)}/64 dev {device} nodad")


def place(name, quiet=False):
    """Shell commands that put a port's interface into its namespace, and up; `quiet`: it sends nothing by itself."""
    text = taken_into(BDF[name], name)
    if quiet:
        text += f"ip netns exec {name} sysctl -qw net.ipv6.conf.{name}.disable_ipv6=1\n"
    lines = () if quiet else address_lines(name)
    return text + ip("link set lo up", *lines, f"link set {name} up", name=name) + "\n"


def start(vm, parameters="", quiet=False):
    """Loads the module and brings both ports up; returns when both have a carrier."""
    vm.check(f"set -e\ninsmod {MODULE} {parameters}\n{place('w', quiet)}{place('pf', quiet)}"
             f"{until(carrier('pf'))}\n{until(carrier('w'))}", timeout=LIMIT)


def run_all(vm, *commands):
    """Runs shell commands one after the other; all must succeed. Returns what they printed."""
    return vm.check("set -ex\n" + "\n".join(f"( {command} )" for command in commands), timeout=LIMIT)


def within(name, command):
    """Shell command: `command` in the namespace."""
    return f"ip netns exec {name} {command}"


def pings(source, target, count=20, size=56, network=0, more="", v6=False):
    """Shell command: `count` echo requests of `size` bytes, fails unless all are answered."""
    to = address6(target, network) if v6 else address(target, network)
    ask = lambda requests: all_answered(to, requests, f"-s {size} {more}", within(source, "ping"))
    # Fragments of several such requests at once do not fit into a ring.
    return ask(count) if size <= 20000 else f"for n in {{1..{count}}}; do {ask(1)}; done"


def silent(source, target, size=56, network=0, more=""):
    """Shell command: some echo requests, fails unless none is answered."""
    return silence(address(target, network), 3, f"-s {size} {more}", within(source, "ping"))


def stream(vm, source, target, mebibytes=4, network=0, v6=False, more=""):
    """One TCP stream (or what `more` asks for) of that many MiB; returns iperf3's account of it.

    Fails unless all of it arrives.
    """
    to = address6(target, network) if v6 else address(target, network)
    sending = transfer(to, mebibytes, more, within(source, "iperf3"))
    return account(vm.check(server(target) + sending, timeout=LIMIT), mebibytes)


PERSISTENT = "sysctl -qw net.ipv4.tcp_rto_max_ms=5000 net.ipv4.tcp_retries2=255"
"""Has TCP try again every five seconds, for twenty minutes; after a minute without a link it would wait for another."""


class Endless:
    """A TCP stream that flows while the block runs, whatever happens to the link; at the end it must still flow."""

    def __init__(self, vm, source="w", target="pf"):
        self.vm = vm
        iperf = f"iperf3 -i 0.5 -t 86400 --forceflush -c {address(target)}"
        self.process = vm.start(f"{server(target)} {within(source, PERSISTENT)}; exec {within(source, iperf)}")

    def __enter__(self):
        self.flows()
        return self

    def flows(self):
        """Waits until an interval of the stream that began after the call has carried something."""
        carry(self.process, limit=LIMIT)

    def __exit__(self, kind, *_):
        if kind is None:
            self.flows()
        self.process.stop()


def statistics(vm, name, device=None):
    """`ethtool -S` as a dictionary."""
    text = vm.check(within(name, f"ethtool -S {device or name}"))
    return {key.strip(): int(value) for key, value in (line.split(":") for line in text.splitlines()[1:])}


def interface(vm, name, device=None):
    """What `ip -s link` shows of an interface, as a dictionary."""
    return json.loads(vm.check(f"ip -n {name} -j -s -d link show dev {device or name}"))[0]


def moved(after, before):
    """What changed between two dictionaries of counters."""
    return {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}


def frames(vm, to, *sends, listener="pf", sender="w"):
    """Sends raw frames from one end to the other; returns those the other end's interface handed up, as a list of
    "destination length vlan" texts in the order of arrival, each without what was not asked.

    Each of `sends` is arguments of frames.py's `send`; `to` are more arguments for `listen`. Those with a VLAN first: of
    frames that are handed up together the kernel gives a socket those with a tag before the others.
    """
    vm.put(FRAMES, (Path(__file__).with_name("frames.py")).read_bytes())
    ear = vm.start(within(listener, f"python3 {FRAMES} listen {listener} {to}"))
    ear.wait_for("ready", timeout=LIMIT)
    vm.check(within(sender, f"python3 {FRAMES} send {sender} {' '.join(sends)}"), timeout=LIMIT)
    result = ear.wait(timeout=LIMIT)
    assert result.ok, result.stderr
    return result.stdout.splitlines()[1:]
