# SPDX-License-Identifier: GPL-2.0
"""Commands of the generic netlink families ethtool, netdev and devlink: all that their specifications have.

A valid one takes what the device says it has, which is in the answers to the queries, and changes some of it. For most
a general rule is enough (`likely`); the others are in VALID.
"""

from kinds import Kind, order
from values import message, value

QUERY = {"ethtool rss-set": "rss-get", "ethtool plca-set-cfg": "plca-get-cfg"}
"""The query that shows what a command changes, where the names do not tell."""

SIZES = (64, 80, 128, 256, 512, 1000, 1024, 2048, 4096)

MODES = ("10baseT/Half", "10baseT/Full", "100baseT/Half", "100baseT/Full", "1000baseT/Full")


def bitset(rng, names):
    """Some of the named bits, each on or off."""
    chosen = rng.sample(names, min(len(names), rng.randint(1, 4)))
    return {"bits": {"bit": [{"name": name, **({"value": True} if rng.random() < 0.6 else {})} for name in chosen]}}


def named(bits, wanted=True):
    """Names of a bitset's bits, of those that are set if so `wanted`."""
    return [bit["name"] for bit in bits.get("bits", {}).get("bit", []) if bit.get("name") and (bit.get("value") or not wanted)]


def rings(rng, sample):
    return {what: rng.choice(SIZES) for what in rng.choice((["rx"], ["tx"], ["rx", "tx"]))}


def channels(rng, sample):
    return {"combined-count": rng.randint(1, sample.get("combined-max", 1))}


def coalesce(rng, sample):
    return rng.choice(({"use-adaptive-rx": 1}, {"use-adaptive-rx": 0, "rx-usecs": rng.choice((0, 1, 3, 10, 50, 200, 1000))}))


def features(rng, sample):
    return {"wanted": bitset(rng, named(sample.get("hw", {})))}


def linkmodes(rng, sample):
    return rng.choice((
        {"autoneg": 1, "ours": {"bits": {"bit": [{"name": mode, "value": True} for mode in MODES]}}},
        {"autoneg": 1, "ours": {"nomask": True, "bits": {"bit": [{"name": mode} for mode in rng.sample(MODES, 2)]}}},
        {"autoneg": 0, "speed": rng.choice((10, 100)), "duplex": rng.choice((0, 1))}))


def pause(rng, sample):
    return {what: rng.randrange(2) for what in rng.sample(("autoneg", "rx", "tx"), rng.randint(1, 3))}


def rss(rng, sample):
    places = len(sample.get("indir", [])) or 128
    return rng.choice((
        {"indir": [rng.randrange(2) for _ in range(places)]}, {"indir": [0] * places}, {"indir": []},
        {"hkey": "@hex:" + rng.randbytes(40).hex()}, {"hfunc": 1},
        {"flow-hash": {rng.choice(("udp4", "udp6")): rng.choice((0x30, 0xf0))}}))


def stats(rng, sample):
    groups = ("eth-phy", "eth-mac", "eth-ctrl", "rmon")
    return {"groups": {"bits": {"bit": [{"name": name, "value": True} for name in rng.sample(groups, rng.randint(1, 4))]}}}


def napi(rng, sample):
    return {name: rng.choice(values) for name, values in rng.sample((
        ("threaded", (0, 1, 1, 2)), ("defer-hard-irqs", (0, 1, 2, 100, 0x7fffffff)),
        ("gro-flush-timeout", (0, 20000, 200000, 1 << 33)), ("irq-suspend-timeout", (0, 1000, 20000000))), rng.randint(1, 3))}


def reporter(**more):
    return lambda rng, sample: {"health-reporter-name": "vf", **{name: rng.choice(values) for name, values in more.items()}}


VALID = {
    "ethtool rings-set": rings, "ethtool channels-set": channels, "ethtool coalesce-set": coalesce,
    "ethtool features-set": features, "ethtool linkmodes-set": linkmodes, "ethtool pause-set": pause,
    "ethtool rss-set": rss, "ethtool stats-get": stats,
    "ethtool linkinfo-set": lambda rng, sample: {"tp-mdix-ctrl": rng.choice((1, 2, 3))},
    "ethtool debug-set": lambda rng, sample: {"msgmask": bitset(rng, ("drv", "probe", "link", "timer", "tx-err", "rx-err"))},
    "netdev napi-set": napi,
    "netdev queue-get": lambda rng, sample: {"type": rng.randrange(2), "id": 0},
    "netdev qstats-get": lambda rng, sample: rng.choice(({}, {"scope": 1})),
    "devlink health-reporter-get": reporter(), "devlink health-reporter-diagnose": reporter(),
    "devlink health-reporter-recover": reporter(), "devlink health-reporter-test": reporter(),
    "devlink health-reporter-dump-get": reporter(), "devlink health-reporter-dump-clear": reporter(),
    "devlink health-reporter-set": reporter(**{"health-reporter-auto-dump": (0, 1)}),
}
"""What is put into a valid command beside the name of the device."""

OWN = {
    "netdev napi-get": lambda function, number: {"id": f"@napi:{function}:{number}"},
    "netdev napi-set": lambda function, number: {"id": f"@napi:{function}:{number}"},
}
"""Commands about something else than the device."""


def likely(rng, family, op, names, sample):
    """What the device has, unchanged, or as the specification allows it."""
    have = [name for name in names if name in sample and not name.endswith("-max") and name not in ("header", "ifindex")]
    if have and rng.random() < 0.8:
        spec = family.attr_sets[op.attr_set.name]
        return {name: sample[name] if isinstance(sample[name], int) and rng.random() < 0.5
                else value(family, rng, spec[name], False) for name in rng.sample(have, min(len(have), rng.randint(1, 3)))
                if isinstance(sample[name], int)}
    if "get" in op.name or rng.random() < 0.3:
        return {}
    others = [name for name in names if name not in HANDLES]
    return message(family, rng, op.attr_set.name, others, False) if others else {}


HANDLES = ("header", "ifindex", "bus-name", "dev-name", "index")


def handle(rng, names, function, address):
    """The attributes that say which device is meant."""
    vals = {}
    if "header" in names:
        vals["header"] = rng.choice(({"dev-index": f"@index:{function}"}, {"dev-name": f"@name:{function}"}))
        if rng.random() < 0.3:
            vals["header"]["flags"] = rng.randrange(8)
    if "ifindex" in names:
        vals["ifindex"] = f"@index:{function}"
    if "bus-name" in names:
        vals.update({"bus-name": "pci", "dev-name": address})
    return vals


def spoil(rng, family, op, vals):
    """Attributes that nobody should send, in place of some or beside them."""
    names = [name for name in op.attr_set.attrs if name not in HANDLES] if rng.random() < 0.2 else None
    for name, odd in message(family, rng, op.attr_set.name, names, True).items():
        if name not in HANDLES or rng.random() < 0.2:
            vals[name] = odd
    return vals


def kinds(world, name, samples):
    """All commands of a family, by operation; `samples` are the answers to queries by function and operation."""
    family = world.families[name]
    found = []
    for op in family.ops.values():
        ways = [(way, list((op.yaml[way].get("request") or {}).get("attributes") or [])) for way in ("do", "dump") if way in op.yaml]
        weight = 4 if f"{name} {op.name}" in VALID and "set" in op.name else 1
        found.append(Kind(f"{name} {op.name}", maker(world, name, family, op, ways, samples), weight))
    return found


def maker(world, name, family, op, ways, samples):
    """The function that makes commands of an operation."""
    kind = f"{name} {op.name}"
    query = QUERY.get(kind, op.name.replace("-set", "-get"))

    def make(rng, hostile):
        # The VFs have no devlink.
        function = "pf" if name == "devlink" else rng.choice(("pf", "pf", "v0", "v1"))
        way, names = ways[0] if len(ways) == 1 or rng.random() < 0.7 else ways[1]
        vals = handle(rng, names, function, world.functions[function])
        if kind in OWN and way == "do":
            vals = OWN[kind](function, rng.randrange(2))
        sample = samples.get((function, f"{name} {query}"), {})
        if way == "do" or kind in VALID:
            made = VALID[kind](rng, sample) if kind in VALID else likely(rng, family, op, names, sample)
            vals.update({key: inner for key, inner in made.items() if way == "do" or key in names})
        options = {"dump": True} if way == "dump" else {}
        if hostile:
            if rng.random() < 0.7:
                vals = spoil(rng, family, op, vals)
            if rng.random() < 0.4:
                options["twist"] = rng.getrandbits(32)
        return [order("init" if name == "devlink" else function, name, op.name, vals, **options)]
    return make


def sample(world, name):
    """Asks each function all that can be asked with its name alone."""
    from world import Refused
    answers = {}
    for op in world.families[name].ops.values():
        if "do" not in op.yaml or "-set" in op.name or "reply" not in op.yaml["do"] or op.name.endswith(("-act", "-new", "reload")):
            continue
        names = (op.yaml["do"].get("request") or {}).get("attributes") or []
        for function, address in world.functions.items():
            if "header" not in names:
                continue
            vals = world.resolve({"header": {"dev-index": f"@index:{function}"}})
            try:
                answers[function, f"{name} {op.name}"] = world.ask(function, name, op.name, vals) or {}
            except Refused:
                pass
    return answers
