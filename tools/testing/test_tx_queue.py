# SPDX-License-Identifier: GPL-2.0
"""The transmit queue of a packet may be another one than that whose lock the stack holds."""

import json
import os

import ports
from netns import until
from ports import LIMIT, address, interface, moved, statistics, within

COUNT = 1500
"""Packets that each of two processors sends in a round: the other end's ring has room for all, as QEMU does not count
those for which there is none."""

ROUNDS = int(os.environ.get("FLOOD_ROUNDS") or 20)

GENERATOR = "/proc/net/pktgen"

QUEUES = """
set -e
modprobe -a pktgen sch_prio cls_u32 act_skbedit sch_ingress
tc qdisc replace dev pf root handle 1: mq
tc qdisc replace dev pf parent 1:1 handle 10: prio
tc qdisc replace dev pf parent 1:2 handle 20: pfifo_fast
tc qdisc add dev pf clsact
tc filter add dev pf egress pref 1 protocol ip u32 match ip dport 5003 0xffff action skbedit queue_mapping 1
tc filter add dev pf egress pref 2 protocol ip u32 match ip protocol 17 0xff action skbedit queue_mapping 0
tc filter add dev pf parent 10: protocol ip u32 match ip dport 5002 0xffff action skbedit queue_mapping 1
"""
"""Port 5003 has queue 1, 5001 and 5002 queue 0, below whose discipline a filter gives 5002 queue 1."""


def generator(processor, first, last, mac):
    """Shell commands that have a processor send to these ports, through the queueing disciplines."""
    settings = (f"count {COUNT}", "xmit_mode queue_xmit", "pkt_size 60", "delay 0", f"dst_mac {mac}",
                f"dst {address('w')}", f"src_min {address('pf')}", f"src_max {address('pf')}",
                # The last one is not among them.
                f"udp_dst_min {first}", f"udp_dst_max {last + 1}")
    return "\n".join((
        f"echo rem_device_all >{GENERATOR}/kpktgend_{processor}",
        f"echo add_device pf@{processor} >{GENERATOR}/kpktgend_{processor}",
        *(f"echo {setting} >{GENERATOR}/pf@{processor}" for setting in settings)))


# A discipline whose first packet is for another queue, which is full, is not told when that queue has room again: it
# looks with its next packet.
NUDGE = f"""
import socket, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    sender.sendto(bytes(32), ("{address('w')}", 5001))
    time.sleep(0.05)
"""


def seen(name, way):
    """Shell word: how many packets an interface has sent ("tx") or received ("rx")."""
    return f"$(ip netns exec {name} cat /sys/class/net/{name}/statistics/{way}_packets)"


def rounds(number):
    """Shell command: that many rounds, each ending when the other end has as many packets as were sent."""
    arrived = f"[ {seen('w', 'rx')} = {seen('pf', 'tx')} ]"
    return (f"for round in {{1..{number}}}; do {within('pf', f'bash -c "echo start >{GENERATOR}/pgctrl"')} || exit 1; "
            f"{until(arrived)}; done")


def dequeued(vm):
    """Packets that the disciplines of both queues have given to the driver."""
    shown = json.loads(vm.check(within("pf", "tc -j -s qdisc show dev pf")))
    return sum(discipline["packets"] for discipline in shown if discipline["handle"] in ("10:", "20:"))


def test_other_queue(guest):
    """Two processors, one of whose packets a filter moves to the other's queue: each packet is sent once."""
    vm = guest()
    ports.start(vm, quiet=True)
    mac = interface(vm, "w")["address"]
    vm.put("/run/queues", QUEUES + generator(0, 5001, 5002, mac) + "\n" + generator(1, 5003, 5003, mac) + "\n")
    vm.check(f"ip -n pf addr add {address('pf')}/24 dev pf; ip -n pf neigh replace {address('w')} lladdr {mac} dev pf\n" + within("pf", "bash /run/queues"),
             timeout=LIMIT)
    ports.run_all(vm, within("w", "ethtool -G w rx 4096"), until(ports.carrier("w")), until(ports.carrier("pf")))
    before = dequeued(vm), statistics(vm, "pf"), statistics(vm, "w")
    vm.put("/run/nudge.py", NUDGE)
    nudge = vm.start(within("pf", "python3 /run/nudge.py"))
    vm.check(rounds(ROUNDS), timeout=LIMIT)
    vm.check(until(f"[[ $({within('pf', 'tc -s qdisc show dev pf handle 10:')}) = *'backlog 0b 0p'* ]]"), timeout=LIMIT)
    assert nudge.running, nudge.wait()
    nudge.stop()
    vm.check(until(f"[ {seen('w', 'rx')} = {seen('pf', 'tx')} ]"), timeout=LIMIT)
    sent = dequeued(vm) - before[0]
    ours, theirs = moved(statistics(vm, "pf"), before[1]), moved(statistics(vm, "w"), before[2])
    total = lambda stats, side, what: sum(stats.get(f"{side}_queue_{queue}_{what}", 0) for queue in (0, 1))
    assert sent > ROUNDS * COUNT, sent
    assert sent == total(ours, "tx", "packets") == total(theirs, "rx", "packets"), (sent, ours, theirs)
    assert not total(ours, "tx", "dropped"), ours
    assert all(ours[f"tx_queue_{queue}_packets"] for queue in (0, 1)), ours
