# SPDX-License-Identifier: GPL-2.0
"""Runs walk.py in a guest, and judges what it left."""

import json
from pathlib import Path

import debugging

WALK = Path(__file__).with_name("walk.py")
RESULTS = debugging.paths.BUILD / "faults.json"

KERNELS_OWN = r"WARNING: fs/proc/generic\.c:\d+ at remove_proc_entry"
"""genirq goes on without a file of /proc/irq that it found no memory for, and warns that it is not there when the
interrupt is freed."""

LIMIT = 1200
"""Seconds for a walk; the lab stretches them for the debug kernel."""


def walk(vm, operation, function, namespace=None, wire="w", limit=100_000):
    """Fails every allocation of an operation in turn, in a network namespace; returns the summary."""
    vm.put("/run/walk.py", WALK.read_bytes())
    # `ip netns exec` mounts a /sys of its own.
    inside = f"ip netns exec {namespace} sh -c 'mount -t debugfs d /sys/kernel/debug; exec \"$@\"' -" if namespace else ""
    with vm.expecting(KERNELS_OWN, required=False):
        text = vm.check(f"{inside} python3 -I -S /run/walk.py {operation} {function} {wire} {limit}", timeout=LIMIT)
    summary = json.loads(text.splitlines()[-1])
    record(f"{operation} {function}", summary)
    # Nobody lost anything, and no module warned about DMA memory (which would be in the log).
    found = debugging.leaks(vm)
    assert not found, found
    return summary


def record(name, summary):
    """Keeps figures for people to read."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known[name] = summary
    RESULTS.write_text(json.dumps(known, indent=2) + "\n")
