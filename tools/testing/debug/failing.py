# SPDX-License-Identifier: GPL-2.0
"""Runs in a guest: chooses which allocations may fail, those under our modules' code.

    failing.py PERCENT [FUNCTION]

lets so many of them fail, whatever the context: softirq, the kernel's threads, every task; 0 lets none fail. With a
function of the kernel's, the allocations under that.
"""

import os
import sys

FAULTS = "/sys/kernel/debug"
KINDS = ("failslab", "fail_page_alloc")


def write(path, text):
    with open(path, "wb", buffering=0) as file:
        file.write(text.encode())


def read(path):
    with open(path) as file:
        return file.read().strip()


def modules_text():
    """The addresses between which our modules' code is."""
    spans = []
    for name in ("igb_rs", "igbvf_rs"):
        if os.path.exists(f"/sys/module/{name}"):
            start = int(read(f"/sys/module/{name}/sections/.text"), 16)
            size = int(read(f"/sys/module/{name}/coresize"))
            spans.append((start, start + size))
    return min(start for start, _ in spans), max(end for _, end in spans)


def span_of(function):
    """The addresses of a function of the kernel's: its own, and the next symbol's."""
    symbols = sorted((int(line.split()[0], 16), line.split()[2]) for line in read("/proc/kallsyms").splitlines())
    (first,) = {address for address, name in symbols if name == function}
    return first, min(address for address, _ in symbols if address > first)


def settle(**values):
    """Sets both kinds of failure; `_` in a name stands for `-`."""
    for kind in KINDS:
        for name, value in values.items():
            write(f"{FAULTS}/{kind}/{name.replace('_', '-')}", str(value))


def ours(but):
    """Faults are for allocations under our modules' code, but not under the kernel's function `but`; those that may
    sleep count too."""
    first, last = modules_text()
    spared = span_of(but)
    settle(probability=0, verbose=0, ignore_gfp_wait="N", stacktrace_depth=32, require_start=hex(first),
           require_end=hex(last), reject_start=hex(spared[0]), reject_end=hex(spared[1]))
    write(f"{FAULTS}/fail_page_alloc/min-order", "0")
    write(f"{FAULTS}/fail_page_alloc/ignore-gfp-highmem", "N")


def main():
    percent = int(sys.argv[1])
    if percent:
        # It would say that it can no longer be relied on.
        ours(but="ref_tracker_alloc")
        for function in sys.argv[2:]:
            first, end = map(hex, span_of(function))
            settle(require_start=first, require_end=end)
    settle(task_filter="N", interval=1, times=-1, space=0, probability=percent)


if __name__ == "__main__":
    main()
