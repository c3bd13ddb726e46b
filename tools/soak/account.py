# SPDX-License-Identifier: GPL-2.0
"""The accounts of a soak: every packet is somewhere.

What the device has given to a queue its driver has taken from it, and given on or counted as dropped, queue by queue. The
device counts a VF's, which has one queue; those of the PF's pool together (QEMU uses only the first of the two); and those
of the other port together, which has no VFs and spreads by hash. With every account goes that no reset came in between,
because it takes the device's counters with it.
"""

from changes import CHANNELS
from counters import FUNCTIONS, LOST, gained, taken
from checked_streams import SCRIPT
from vfs import LIMIT, address

DATAGRAMS = 5000
PORT = 5400


def queues_add_up(difference):
    """Fails unless what each function's device gave its queues is what the driver took from them; returns both."""
    result = {}
    for name in FUNCTIONS:
        part = difference.get(name, {})
        by_queue = {queue: taken(count) for queue, count in part.get("queues", {}).items() if queue.startswith("rx")}
        result[name] = {"device": part.get("device", 0), "driver": by_queue}
        assert result[name]["device"] == sum(by_queue.values()), f"the device gave {name} what its driver did not take: {part}"
    return result


def of_datagrams(vm, reader):
    """An account of datagrams to each function: what was sent has arrived, whole, or somebody has counted it as dropped."""
    # One flow goes to one queue.
    vm.check("ip netns exec w ethtool -N w rx-flow-hash udp4 sdfn")
    result, before = {}, reader.still()
    for source, target in zip([*FUNCTIONS[1:], FUNCTIONS[0]], FUNCTIONS):
        whole = _spray(vm, source, target)
        after = reader.still()
        result[f"{source} to {target}"] = _add_up(source, target, whole, gained(before, after))
        before = after
    return result


def _spray(vm, source, target):
    """Sends the datagrams; returns how many came whole."""
    receiver = vm.start(f"exec ip netns exec {target} python3 {SCRIPT} count {address(target)} {PORT}")
    receiver.wait_for("ready", timeout=LIMIT)
    vm.check(f"ip netns exec {source} python3 {SCRIPT} spray {address(target)} {PORT} {DATAGRAMS}", timeout=LIMIT)
    return int(receiver.wait(LIMIT).stdout.split()[-2])


def _add_up(source, target, whole, difference):
    """The account of one target; fails where it does not add up."""
    queues_add_up(difference)
    there = difference[target]
    queues = {queue: count for queue, count in there["queues"].items() if queue.startswith("rx")}
    lost = sum(count.get(what, 0) for count in queues.values() for what in LOST) + there.get("missed", 0)
    refused = there.get("refused", 0)
    held_back = sum(count.get("dropped", 0) for count in difference[source]["queues"].values())
    result = {"sent": DATAGRAMS, "held_back": held_back, "whole": whole, "lost": lost, "refused": refused,
              "device": there["device"], "queues": queues}
    assert whole == there.get("datagrams", 0), result
    assert DATAGRAMS == held_back + whole + lost + refused, result
    if target == "w":
        # Without VFs QEMU spreads by hash.
        assert len(queues) == CHANNELS and all(count.get("packets") for count in queues.values()), result
    return result
