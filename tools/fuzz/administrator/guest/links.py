# SPDX-License-Identifier: GPL-2.0
"""Commands of rtnetlink for interfaces, and what the administrator of the PF sets for its VFs."""

from kinds import Kind, order
from values import message

UP, PROMISC, ALLMULTI = 0x1, 0x100, 0x200

HUGE = (0, 1, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff)
"""Numbers for what is never that large."""

SECOND = 1000000000


def change(function, vals, space=None, op="setlink", **options):
    """A step: changes the function's interface, in its own namespace or where it is said to be."""
    return order(space or function, "rt-link", op, {"ifi-index": f"@index:{function}", **vals}, **options)


def flags(function, bit, on):
    """A step: one of the interface's flags."""
    return change(function, {"ifi-flags": bit if on else 0, "ifi-change": bit})


def address(rng, last=None):
    """An Ethernet address nobody else has."""
    return bytes((2, 0x82, 0x57, 0x60, rng.randrange(4), rng.randrange(256) if last is None else last)).hex()


def plain(attribute, good, bad):
    """A maker of commands that set one attribute to one of some values."""
    def make(rng, hostile, function):
        return [change(function, {attribute: rng.choice(bad if hostile else good)})]
    return make


def go_down(rng, hostile, function):
    """Down and up again, or, now and then, down until somebody else puts it up."""
    steps = [flags(function, UP, False)]
    return steps if hostile and rng.random() < 0.3 else steps + [flags(function, UP, True)]


def go_up(rng, hostile, function):
    return [flags(function, UP, True)]


def promiscuous(rng, hostile, function):
    bits = rng.getrandbits(32) & ~UP if hostile else 0
    if hostile:
        return [change(function, {"ifi-flags": rng.getrandbits(32) | UP, "ifi-change": bits})]
    return [flags(function, rng.choice((PROMISC, ALLMULTI)), rng.random() < 0.5)]


def own_address(rng, hostile, function):
    odd = ("", "00", "000000000000", "ffffffffffff", "01005e000001", "02" * 32)
    return [change(function, {"address": rng.choice(odd) if hostile else address(rng)})]


def rename(rng, hostile, function):
    odd = ("", ".", "..", "a/b", "lo", "%d", "eth%d%d", " ", "x" * 15, "x" * 16, "x" * 200, "all", "default")
    return [change(function, {"ifname": rng.choice(odd) if hostile else f"{function}x{rng.randrange(100)}"})]


def move(rng, hostile, function):
    """To another namespace and back."""
    if hostile:
        return [change(function, rng.choice(({"net-ns-fd": rng.choice((0, 1, 999, 0xffffffff))},
                                             {"net-ns-pid": rng.choice((0, 2, 0x7fffffff))}, {"target-netnsid": 77})))]
    back = {"net-ns-fd": f"@fd:{function}"}
    return [change(function, {"net-ns-fd": "@fd:away"}), change(function, back, space="away"), flags(function, UP, True)]


def vlan(rng, hostile, function):
    """A VLAN's interface for a while."""
    name = f"vlan{rng.randrange(1000)}"
    data = {"id": rng.choice((0, 4095, 4096, 65535)) if hostile else rng.randrange(1, 4095),
            **({"protocol": rng.choice((0x88a8, 0, 0xffff))} if hostile else {})}
    vals = {"ifname": name, "link": f"@index:{function}", "linkinfo": {"kind": "vlan", "data": data}}
    return [order(function, "rt-link", "newlink", vals, flags=["create", "excl"]),
            order(function, "rt-link", "newlink", {"ifname": name, "ifi-flags": UP, "ifi-change": UP}),
            order(function, "rt-link", "dellink", {"ifname": name})]


def macvlan(rng, hostile, function):
    """An interface with an address of its own, which the function has to let through."""
    name = f"mac{rng.randrange(1000)}"
    mode = rng.choice(("passthru", "private", "source", "nonsense") if hostile else ("bridge", "private", "vepa"))
    return [["tool", function, ["ip", "link", "add", "link", f"@name:{function}", "name", name, "type", "macvlan", "mode", mode]],
            order(function, "rt-link", "newlink", {"ifname": name, "ifi-flags": UP, "ifi-change": UP}),
            order(function, "rt-link", "dellink", {"ifname": name})]


def bridge(rng, hostile, function):
    """A member of a bridge for a while."""
    name = f"br{rng.randrange(1000)}"
    return [order(function, "rt-link", "newlink", {"ifname": name, "linkinfo": {"kind": "bridge"}}, flags=["create", "excl"]),
            ["tool", function, ["ip", "link", "set", "dev", f"@name:{function}", "master", name]],
            order(function, "rt-link", "dellink", {"ifname": name})]


def ip_address(rng, hostile, function):
    host = "@hex:" + bytes((10, 83, rng.randrange(256), rng.randrange(256))).hex()
    vals = {"ifa-family": 2, "ifa-prefixlen": rng.choice((33, 255)) if hostile else 24, "ifa-index": f"@index:{function}",
            "local": host, "address": host if not hostile else "@hex:00"}
    return [order(function, "rt-addr", "newaddr", vals, flags=["create", "replace"]), order(function, "rt-addr", "deladdr", vals)]


def multicast(rng, hostile, function):
    group = f"33:33:00:00:{rng.randrange(256):02x}:{rng.randrange(256):02x}"
    group = "00:00:00:00:00:00" if hostile else group
    return [["tool", function, ["ip", "maddr", verb, group, "dev", f"@name:{function}"]] for verb in ("add", "delete")]


def query(rng, hostile, function):
    return [change(function, {"ext-mask": rng.getrandbits(32) if hostile else rng.choice((0, 1, 8, 9))}, op="getlink")]


def statistics(rng, hostile, function):
    vals = {"ifindex": f"@index:{function}", "filter-mask": rng.getrandbits(32) if hostile else rng.choice((1, 4, 8, 16, 31))}
    return [order(function, "rt-link", "getstats", vals)]


ON_AN_INTERFACE = {
    "rtnl down": go_down, "rtnl up": go_up, "rtnl flags": promiscuous, "rtnl address": own_address, "rtnl rename": rename,
    "rtnl namespace": move, "rtnl vlan": vlan,
    "rtnl macvlan": macvlan, "rtnl bridge": bridge, "rtnl address of IP": ip_address, "rtnl multicast": multicast, "rtnl getlink": query,
    "rtnl getstats": statistics,
    "rtnl mtu": plain("mtu", (68, 576, 1280, 1500, 2000, 4000, 9000, 9216), (67, 9217, *HUGE)),
    "rtnl txqlen": plain("txqlen", (0, 1, 100, 1000), HUGE),
    "rtnl group": plain("group", (0, 1, 77), HUGE),
    "rtnl alias": plain("ifalias", ("a", "name of a port"), ("", "x" * 255, "x" * 256, "x" * 4000)),
    "rtnl gso size": plain("gso-max-size", (1500, 16384, 65536), HUGE),
    "rtnl gso segments": plain("gso-max-segs", (1, 2, 40, 65535), HUGE),
    "rtnl gro size": plain("gro-max-size", (1500, 16384, 65536), HUGE),
    "rtnl link mode": plain("linkmode", (0, 1), (2, 255)),
    "rtnl operstate": plain("operstate", (5, 6), (0, 1, 7, 255)),
    "rtnl proto down": plain("proto-down", (0,), (1, 2, 255)),
    "rtnl carrier": plain("carrier", (0, 1), (2, 255)),
    "rtnl xdp": lambda rng, hostile, function: [change(function, {"xdp": {
        "fd": rng.choice((0, 1, 999)) if hostile else -1, "flags": rng.choice((0, 2, 4, 8, 0xffff)) if hostile else 2}})],
}
"""A maker for each kind of command to an interface."""

BUSY = {"rtnl down", "rtnl up", "rtnl mtu", "rtnl flags"}
"""What shall be done more often."""


def links():
    """The kinds of commands to an interface."""
    def bound(make):
        return lambda rng, hostile: make(rng, hostile, rng.choice(("pf", "pf", "v0", "v1")))
    return [Kind(name, bound(make), 4 if name in BUSY else 1) for name, make in ON_AN_INTERFACE.items()]


def anything(world, op):
    """A command of rtnetlink as the specification has it."""
    family = world.families["rt-link"]

    def make(rng, hostile):
        function = rng.choice(("pf", "pf", "v0", "v1"))
        names = [name for name in family.attr_sets["link-attrs"].attrs if name not in ("net-ns-fd", "net-ns-pid")]
        vals = message(family, rng, "link-attrs", names, hostile) if rng.random() < 0.9 else {}
        return [change(function, vals, op=op, **({"twist": rng.getrandbits(32)} if hostile and rng.random() < 0.3 else {}))]
    return make


def freely(world):
    """Commands of rtnetlink made from the specification alone."""
    return [Kind(f"rt-link {op}", anything(world, op), 3) for op in ("setlink", "newlink", "getlink")]


# What the administrator sets for a VF: the member of vfinfo, good values and bad.
FOR_A_VF = {
    "mac": lambda rng, bad: {"mac": (rng.choice(("00" * 6, "ff" * 6, "01005e000001")) if bad else address(rng)).ljust(64, "0")},
    "vlan": lambda rng, bad: {"vlan": rng.choice((4096, *HUGE)) if bad else rng.choice((0, 1, 5, 4094)),
                              "qos": rng.choice((8, *HUGE)) if bad else rng.randrange(8)},
    "tx-rate": lambda rng, bad: {"rate": rng.choice((5, 1001, *HUGE)) if bad else rng.choice((0, 100, 1000))},
    "rate": lambda rng, bad: {"min-tx-rate": rng.choice(HUGE) if bad else 0,
                              "max-tx-rate": rng.choice((5, 1001, *HUGE)) if bad else rng.choice((0, 100, 1000))},
    "spoofchk": lambda rng, bad: {"setting": rng.choice(HUGE) if bad else rng.randrange(2)},
    "trust": lambda rng, bad: {"setting": rng.choice(HUGE) if bad else rng.randrange(2)},
    "link-state": lambda rng, bad: {"link-state": rng.choice((3, *HUGE)) if bad else rng.randrange(3)},
    "rss-query-en": lambda rng, bad: {"setting": rng.choice(HUGE) if bad else rng.randrange(2)},
}


def for_a_vf(what):
    """A maker of commands that set one thing for a VF."""
    def make(rng, hostile):
        vf = rng.choice((2, 6, 7, 8, 255, 0x7fffffff, 0xffffffff)) if hostile and rng.random() < 0.4 else rng.randrange(2)
        return [change("pf", {"vfinfo-list": {"info": [{what: {"vf": vf, **FOR_A_VF[what](rng, hostile)}}]}})]
    return make


def vlan_list(rng, hostile):
    """The newer way to set a VF's VLAN, which can name the tag's protocol."""
    vlan = {"vf": rng.choice((2, 7, 0xffffffff)) if hostile else rng.randrange(2), "vlan": rng.choice((0, 5, 4094)),
            "qos": rng.randrange(8), "vlan-proto": rng.choice((0, 0xa888, 0xffff)) if hostile else 0x0081}
    return [change("pf", {"vfinfo-list": {"info": [{"vlan-list": {"info": [vlan] * (rng.choice((1, 2)) if hostile else 1)}}]}})]


def of_a_foreign(rng, hostile):
    """A VF is no PF: what it is told of VFs is refused."""
    return [change(rng.choice(("v0", "v1")), {"vfinfo-list": {"info": [{"trust": {"vf": 0, "setting": 1}}]}})]


def vfs():
    """The kinds of commands about VFs."""
    return [*(Kind(f"vf {what}", for_a_vf(what)) for what in FOR_A_VF), Kind("vf vlan-list", vlan_list),
            Kind("vf of a VF", of_a_foreign)]
