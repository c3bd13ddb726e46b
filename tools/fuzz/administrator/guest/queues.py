# SPDX-License-Identifier: GPL-2.0
"""Queueing disciplines, classes and filters: by `tc`, which knows how their options are written, and, for what nobody should
send, messages made from the specification."""

import struct

from kinds import Kind, order, tool
from values import message

ROOTS = (
    "pfifo limit 100", "bfifo limit 100000", "pfifo_fast", "mq", "noqueue", "fq_codel limit 500", "fq", "sfq perturb 10",
    "tbf rate 200mbit burst 32k latency 50ms", "prio bands 4", "red limit 400000 avpkt 1000", "netem delay 1ms limit 500",
    "netem reorder 10% delay 1ms", "cake bandwidth 500mbit", "htb default 1", "multiq", "codel", "pie", "drr", "choke limit 500 bandwidth 100mbit",
    "mqprio num_tc 2 map 0 1 0 1 queues 1@0 1@1 hw 0", "etf clockid CLOCK_TAI delta 100000", "ets bands 3", "hhf", "plug limit 10000",
    "mqprio num_tc 2 map 0 1 0 1 queues 1@0 1@1 hw 1", "cbs idleslope 100000 sendslope -900000 hicredit 150 locredit -1350 offload 0",
    "taprio num_tc 2 map 0 1 queues 1@0 1@1 base-time 1000 sched-entry S 01 300000 sched-entry S 02 300000 clockid CLOCK_TAI",
)
"""Kinds of disciplines with options. Some are refused, by the kernel or by what the device has."""

CERTAIN = ("pfifo limit 100", "bfifo limit 100000", "fq_codel limit 500", "mq", "tbf rate 200mbit burst 32k latency 50ms")
"""Those that both kernels of the lab have and a PF takes."""

LEAVES = ("pfifo limit 50", "bfifo limit 50000", "fq_codel", "tbf rate 100mbit burst 16k latency 50ms", "netem delay 1ms")

MATCHES = ("matchall", "u32 match u32 0 0", "u32 match ip protocol 17 0xff", "flower ip_proto tcp", "flower dst_mac 02:82:57:60:00:01",
           "flower vlan_id 5", "flower ip_proto udp dst_port 9", "basic", "flower skip_sw ip_proto tcp", "matchall skip_sw")

ACTIONS = ("action pass", "action ok", "action skbedit priority 1", "action skbedit mark 7", "action police rate 500mbit burst 64k",
           "action csum ip", "action vlan push id 5", "action vlan pop", "action drop", "action reclassify",
           "action pedit munge offset 0 u8 set 0x45", "action mirred egress mirror dev @", "action continue")


def spaces(rng):
    """A function, and its interface for a `tc` that runs in its namespace."""
    function = rng.choice(("pf", "pf", "v0", "v1"))
    return function, f"@name:{function}"


def fresh(function, device, what):
    """Steps that make a discipline with handle 2: some cannot be changed, so that which was there goes first."""
    return [tool(function, f"tc qdisc replace dev {device} root handle {handle}: {kind}") for handle, kind in (("fe", "pfifo"), ("2", what))]


def without_filters(function, device):
    """Steps after which the interface's ends have no filters, but may have."""
    return [tool(function, f"tc qdisc {verb} dev {device} clsact") for verb in ("replace", "delete", "add")]


def root(rng, hostile):
    function, device = spaces(rng)
    what = rng.choice(ROOTS if hostile or rng.random() < 0.5 else CERTAIN)
    steps = [tool(function, f"tc qdisc replace dev {device} root handle {rng.randrange(1, 100):x}: {what}")]
    if rng.random() < 0.3:
        steps.append(tool(function, f"tc qdisc delete dev {device} root"))
    return steps


def leaf(rng, hostile):
    """Below a queue of the device."""
    function, device = spaces(rng)
    place = rng.choice((3, 0xffff)) if hostile else 1 + rng.randrange(2 if function == "pf" else 1)
    return [tool(function, f"tc qdisc replace dev {device} root handle 1: {rng.choice(('multiq', 'prio')) if hostile else 'mq'}"),
            tool(function, f"tc qdisc replace dev {device} parent 1:{place:x} handle 1{place:x}: {rng.choice(LEAVES)}")]


def delete(rng, hostile):
    function, device = spaces(rng)
    what = rng.choice(("clsact", "parent 1:2", "ingress")) if hostile else "root"
    return [tool(function, f"tc qdisc replace dev {device} root pfifo"), tool(function, f"tc qdisc delete dev {device} {what}")]


def classes(rng, hostile):
    function, device = spaces(rng)
    rate = rng.choice(("1bit", "100gbit")) if hostile else "300mbit"
    return [*fresh(function, device, "hfsc default 1" if hostile and rng.random() < 0.5 else "htb default 1"),
            tool(function, f"tc class replace dev {device} parent 2: classid 2:1 htb rate {rate} ceil {rate}")]


def filters(rng, hostile):
    """At the interface's two ends, for a while."""
    function, device = spaces(rng)
    end = rng.choice(("ingress", "egress"))
    action = rng.choice(ACTIONS if hostile else ACTIONS[:6]).replace("@", device)
    match = rng.choice(MATCHES if hostile else MATCHES[:4])
    protocol = "protocol 802.1q " if "vlan_id" in match else "protocol ip "
    return [tool(function, f"tc qdisc replace dev {device} clsact"),
            tool(function, f"tc filter add dev {device} {end} pref {rng.randrange(1, 9)} {protocol}{match} {action}"),
            *([tool(function, f"tc filter delete dev {device} {end}")] if rng.random() < 0.5 else [])]


def of_another_queue(rng, hostile):
    """Filters that choose the queue: in front of all queues, or below one, of which the packet then is not."""
    function = "pf"
    device = f"@name:{function}"
    queue = rng.choice((2, 7, 0xffff)) if hostile else rng.randrange(2)
    edit = f"protocol ip matchall action skbedit queue_mapping {queue}"
    if rng.random() < 0.5:
        return [tool(function, f"tc qdisc replace dev {device} clsact"),
                tool(function, f"tc filter add dev {device} egress pref 3 {edit}")]
    return [tool(function, f"tc qdisc replace dev {device} root handle fe: pfifo"),
            tool(function, f"tc qdisc replace dev {device} root handle 1: mq"),
            tool(function, f"tc qdisc replace dev {device} parent 1:1 handle 11: prio"),
            tool(function, f"tc filter add dev {device} parent 11: {edit}")]


def show(rng, hostile):
    function, device = spaces(rng)
    return [tool(function, f"tc -s {rng.choice(('qdisc', 'class', 'filter', 'chain'))} show dev {device}")]


def anything(world, op, way):
    """A message of the specification: with a filter or class in its place, or a discipline alone, it is often right."""
    family = world.families["tc"]

    def make(rng, hostile):
        function = rng.choice(("pf", "pf", "v0", "v1"))
        device = f"@name:{function}"
        vals = {"ifindex": f"@index:{function}", "family": 0}
        if hostile:
            vals.update({"handle": rng.choice((0, 0x10000, 0x20000, 0xffff0000, 0xffffffff)), "info": rng.choice((0, 0x30008, 0x10008)),
                         "parent": rng.choice((0xffffffff, 0xfffffff1, 0xfffffff2, 0, 0x10001, 0x20001))})
            names = family.ops[op].yaml[way].get("request", {}).get("attributes")
            vals.update(message(family, rng, "attrs", names, True) if names else {})
            options = {"dump": True} if way == "dump" else {"flags": ["create", "replace"]} if "new" in op else {}
            if rng.random() < 0.3:
                options["twist"] = rng.getrandbits(32)
            return [order(function, "tc", op, vals, **options)]
        return PREPARED[op.removeprefix("new").removeprefix("del").removeprefix("get")](function, device, vals, op)
    return make


ROOT, INGRESS = 0xffffffff, 0xfffffff2
ALL_PROTOCOLS = 0x0300


def of_disciplines(function, device, vals, op):
    """A discipline at the root."""
    put = order(function, "tc", "newqdisc", {**vals, "handle": 0x50000, "parent": ROOT, "kind": "pfifo"}, flags=["create", "replace"])
    if op == "newqdisc":
        return [put]
    return [put, order(function, "tc", op, {**vals, "handle": 0x50000, "parent": ROOT if op == "delqdisc" else 0})]


def of_classes(function, device, vals, op):
    """A class of a discipline that has some."""
    # Two struct tc_ratespec, of which only the last word is not zero, and the rest of struct tc_htb_opt.
    rate = struct.pack("8xI", 12500000)
    options = {"parms": "@hex:" + (rate + rate + struct.pack("5I", 100000, 100000, 0, 0, 0)).hex()}
    put = order(function, "tc", "newtclass", {**vals, "handle": 0x20007, "parent": 0x20000, "kind": "htb", "options": options},
                flags=["create", "replace"])
    rest = [] if op == "newtclass" else [order(function, "tc", op, {**vals, "handle": 0x20007})]
    return [*fresh(function, device, "htb default 1"), put, *rest]


def of_filters(function, device, vals, op):
    """A filter for what comes in."""
    where = {**vals, "parent": INGRESS, "info": 0x50000 | ALL_PROTOCOLS}
    put = order(function, "tc", "newtfilter", {**where, "handle": 1, "kind": "matchall", "options": {}}, flags=["create"])
    rest = {"deltfilter": [order(function, "tc", op, where)],
            "gettfilter": [order(function, "tc", op, {**where, "handle": 1, "kind": "matchall"}),
                           order(function, "tc", op, {**vals, "parent": INGRESS}, dump=True)]}.get(op, [])
    return [*without_filters(function, device), put, *rest]


def of_chains(function, device, vals, op):
    """A chain of filters."""
    where = {**vals, "parent": INGRESS, "chain": 9}
    rest = [] if op == "newchain" else [order(function, "tc", op, where)]
    return [*without_filters(function, device), order(function, "tc", "newchain", where, flags=["create"]), *rest]


PREPARED = {"qdisc": of_disciplines, "tclass": of_classes, "tfilter": of_filters, "chain": of_chains}


def kinds(world):
    """All kinds of commands about queueing."""
    fixed = {"root": root, "leaf": leaf, "delete": delete, "class": classes, "filter": filters, "queue by filter": of_another_queue,
             "show": show}
    found = [Kind(f"tc {name}", make, 2) for name, make in fixed.items()]
    for op in world.families["tc"].ops.values():
        way = "do" if "do" in op.yaml else "dump"
        found.append(Kind(f"tc {op.name}", anything(world, op.name, way), 1))
    return found
