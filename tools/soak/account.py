# SPDX-License-Identifier: GPL-2.0
"""The account at the end of a long run: every packet is somewhere.

Datagrams go to each function. What was sent has arrived, whole, or somebody has counted it as dropped; and what the
device counts as given to a VF's queue is what the driver counts as taken from it. At the end only, because a reset in
between takes the device's counters with it.
"""

import time

import ports
from vfs import LIMIT, address, facts

DATAGRAMS = 5000
PORT = 5400

LOST = ("errors", "length_errors", "alloc_failed")
"""Names of a receive queue's counters of packets that go no further."""


def udp(vm, name):
    """The counters of UDP in a namespace."""
    names, values = (line.split()[1:] for line in vm.check(f"ip netns exec {name} grep ^Udp: /proc/net/snmp").splitlines())
    return dict(zip(names, map(int, values)))


def reading(vm, name):
    """What there is to know of a function's reception: what the device gave its queues, what the driver took, what was
    dropped on the way to them, what UDP got and what UDP dropped."""
    counters, stack = ports.statistics(vm, name), udp(vm, name)
    queues = {key.split("_", 3)[3]: 0 for key in counters if key.startswith("rx_queue_")}
    for key, value in counters.items():
        if key.startswith("rx_queue_"):
            queues[key.split("_", 3)[3]] += value
    lost = sum(queues[what] for what in LOST)
    if name == "pf":
        missed = int(vm.check("ip netns exec pf cat /sys/class/net/pf/statistics/rx_missed_errors"))
    else:
        missed = facts(vm, int(name[1:]))["stats"]["rx"]["dropped"]
    return {"device": counters["rx_packets"], "driver": queues["packets"] + lost, "dropped": lost + missed,
            "datagrams": stack["InDatagrams"], "refused": stack["InErrors"] + stack["NoPorts"]}


def dropped_by_sender(vm, name):
    """What a function's driver could not send."""
    return ports.interface(vm, name)["stats64"]["tx"]["dropped"]


def settled(vm, name, before):
    """What a function has gained since `before`, once device and driver of a VF agree."""
    limit = time.monotonic() + LIMIT
    while True:
        now = reading(vm, name)
        gained = {what: now[what] - before[what] for what in now}
        # The PF's counter in the device is the whole port's.
        if name == "pf" or gained["device"] == gained["driver"]:
            return gained
        assert time.monotonic() < limit, f"{name}: the device gave what the driver did not take: {gained}"
        time.sleep(0.5)


def account(vm, vf_count):
    """Makes the account; returns it, and fails where it does not add up."""
    names = ["pf", *(f"v{vf}" for vf in range(vf_count))]
    result = {}
    for source, target in zip([*names[1:], "w"], names):
        before, held_back = reading(vm, target), dropped_by_sender(vm, source)
        receiver = vm.start(f"exec ip netns exec {target} python3 /run/stream.py count {address(target)} {PORT}")
        receiver.wait_for("ready", timeout=LIMIT)
        vm.check(f"ip netns exec {source} python3 /run/stream.py spray {address(target)} {PORT} {DATAGRAMS}", timeout=LIMIT)
        whole = int(receiver.wait(LIMIT).stdout.split()[-2])
        gained = settled(vm, target, before)
        held_back = dropped_by_sender(vm, source) - held_back
        result[f"{source} to {target}"] = {"sent": DATAGRAMS, "held_back": held_back, "whole": whole, **gained}
        assert whole == gained["datagrams"], result
        assert DATAGRAMS == held_back + whole + gained["dropped"] + gained["refused"], result
    return result
