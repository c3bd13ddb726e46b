# SPDX-License-Identifier: GPL-2.0
"""Attributes in sysfs of the interfaces: all that can be written, with what they hold and what they should not."""

import os
import re

from kinds import Kind, write
from world import SYS

GOOD = {
    "threaded": ("0", "1", "0", "1", "2"), "mtu": ("68", "1280", "1500", "9000", "9216"), "tx_queue_len": ("0", "10", "1000"),
    "gro_flush_timeout": ("0", "20000", "2000000"), "napi_defer_hard_irqs": ("0", "2", "50"), "netdev_group": ("0", "5"),
    "ifalias": ("a", "a name", ""), "proto_down": ("0",), "carrier": ("0", "1"), "flags": ("0x1003", "0x1103", "0x1203"),
    "rps_cpus": ("0", "1", "3"), "rps_flow_cnt": ("0", "64", "4096"), "xps_cpus": ("0", "1", "2", "3"), "xps_rxqs": ("0", "1", "3"),
    "tx_maxrate": ("0", "100"), "limit": ("0", "3000", "100000", "max"), "limit_min": ("0", "1000"), "limit_max": ("max", "100000"),
    "hold_time": ("0", "1000"), "stall_thrs": ("0", "100"), "stall_max": ("0",), "control": ("on", "auto"),
    "autosuspend_delay_ms": ("0", "1000", "-1"), "async": ("enabled", "disabled"), "uevent": ("change", "add"),
}
"""Values that an attribute of that name may be given. For others there is what they hold."""

BAD = ("", "\n", "-1", "-2147483648", "2147483647", "2147483648", "4294967295", "4294967296", "18446744073709551616", "0x", "1 2",
       "ffffffff,ffffffff", "on", "x" * 4095, "\x00", "\xff\xfe", "%s%n", "1" * 100, "0x7fffffff", "3.5", "max", "../..")

OFTEN = {"threaded": 6, "mtu": 2, "gro_flush_timeout": 2, "napi_defer_hard_irqs": 2}


def kinds(world):
    """The kinds of commands to attributes: one for each name, whatever interface or queue it is of."""
    places, held = {}, {}
    for function in world.functions:
        top = f"{SYS}/{function}/class/net/{function}"
        for folder, _, files in os.walk(top):
            inside = os.path.relpath(folder, top)
            for file in sorted(files):
                path = os.path.normpath(f"{inside}/{file}")
                if "subsystem" in path or "device" in path.split("/") or not os.stat(f"{folder}/{file}").st_mode & 0o200:
                    continue
                name = re.sub(r"-\d+", "", path).removeprefix("queues/")
                places.setdefault(name, []).append((function, path))
                held[function, path] = content(f"{folder}/{file}")
    return [Kind(f"sysfs {name}", maker(where, held, name), OFTEN.get(name, 1)) for name, where in sorted(places.items())]


def content(path):
    """What an attribute holds."""
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def maker(where, held, name):
    """The function that makes commands to an attribute."""
    where = sorted(where)

    def make(rng, hostile):
        function, path = rng.choice(where)
        text = rng.choice(BAD) if hostile else rng.choice(GOOD.get(name.rsplit("/", 1)[-1]) or (held[function, path],))
        return [write(f"{SYS}/{function}/class/net/@name:{function}/{path}", text)]
    return make
