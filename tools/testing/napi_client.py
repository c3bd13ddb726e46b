# SPDX-License-Identifier: GPL-2.0
"""The `netdev` family of generic netlink, in a guest: the kernel's own client with the kernel's specification.

    napi_client.py INTERFACE show             the contexts and the queues, as JSON
    napi_client.py INTERFACE set NAME VALUE   a setting of every context
    napi_client.py INTERFACE storm            settings of every context, without end; prints "ready" once it has set one
"""

import json
import pathlib
import random
import socket
import sys

TREE = pathlib.Path("/usr/src/igb-rs-tree")
sys.path.insert(0, str(TREE / "tools/net/ynl"))

from pyynl.lib import NlError, YnlFamily  # noqa: E402

SPECIFICATIONS = TREE / "Documentation/netlink/specs"


def settings():
    """Something to set."""
    return random.choice((
        {"threaded": random.choice(("disabled", "enabled"))}, {"defer-hard-irqs": random.randrange(3)},
        {"gro-flush-timeout": random.choice((0, 20_000))}, {"irq-suspend-timeout": random.choice((0, 1_000_000))}))


def storm(family, index):
    done = 0
    while True:
        try:
            for context in family.dump("napi-get", {"ifindex": index}):
                family.do("napi-set", {"id": context["id"], **settings()})
                done += 1
        except NlError:
            pass  # It went meanwhile.
        if done:
            print("ready", flush=True)


def main(interface, what, *arguments):
    family = YnlFamily(str(SPECIFICATIONS / "netdev.yaml"), schema="")
    index = socket.if_nametoindex(interface)
    if what == "storm":
        storm(family, index)
    contexts = family.dump("napi-get", {"ifindex": index})
    if what == "set":
        name, setting = arguments
        for context in contexts:
            family.do("napi-set", {"id": context["id"], name: int(setting)})
    else:
        print(json.dumps({"contexts": contexts, "queues": family.dump("queue-get", {"ifindex": index})}))


main(*sys.argv[1:])
