# SPDX-License-Identifier: GPL-2.0
"""Runs walk.py in a guest, and judges what it left."""

import json
import time
from pathlib import Path

import debugging
import ports
import vfs
from lab import locks

HERE = Path(__file__).parent
RESULTS = debugging.paths.BUILD / "faults.json"

KERNELS_OWN = r"WARNING: fs/proc/generic\.c:\d+ at remove_proc_entry"
"""genirq goes on without a file of /proc/irq that it found no memory for, and warns that it is not there when the
interrupt is freed."""

LIMIT = 1200
"""Seconds for a walk; the lab stretches them for the debug kernel."""


def walk(vm, operation, function, namespace=None, wire="w", limit=100_000):
    """Fails every allocation of an operation in turn, in a network namespace; returns the summary. Of more than `limit`
    that many are failed, at even distances."""
    put(vm)
    # `ip netns exec` mounts a /sys of its own.
    inside = ""
    if namespace:
        inside = f"ip netns exec {namespace} sh -c 'mount -t debugfs d /sys/kernel/debug; exec \"$@\"' -"
    began = time.monotonic()
    with vm.expecting(KERNELS_OWN, required=False):
        text = vm.check(f"{inside} python3 -E -s -S /run/walk.py {operation} {function} {wire} {limit}", timeout=LIMIT)
    summary = json.loads(text.splitlines()[-1]) | {"seconds": round(time.monotonic() - began)}
    record(f"{operation} {function}", summary)
    # Nobody lost anything, and no module warned about DMA memory (which would be in the log).
    found = debugging.leaks(vm)
    assert not found, found
    return summary


def bound(vm, function):
    """Loads what drives "pf" or "vf", and the other end of the wire; returns the PCI function and its driver's name."""
    if function == "pf":
        vm.check(f"set -e\ninsmod {ports.MODULE}\n{ports.place('w', quiet=True)}", timeout=vfs.LIMIT)
        return vfs.PF, "igb_rs"
    vfs.start(vm, count=1)
    return vfs.VFS[0], "igbvf_rs"


def put(vm):
    """Gives a guest its part."""
    for name in ("failing.py", "walk.py", "refuse.py"):
        vm.put(f"/run/{name}", (HERE / name).read_bytes())


def chance(vm, percent, function=""):
    """From now on so many of the allocations under our modules' code, or under a function of the kernel's, fail, whoever
    asks; 0: none."""
    put(vm)
    vm.check(f"python3 -E -s -S /run/failing.py {percent} {function}")


def record(name, summary):
    """Keeps figures for people to read."""
    with locks.only_one(RESULTS.parent):
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        known[name] = summary
        RESULTS.write_text(json.dumps(known, indent=2) + "\n")
