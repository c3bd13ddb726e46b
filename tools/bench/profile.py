# SPDX-License-Identifier: GPL-2.0
"""Where a packet's instructions go: `tools/lab/enter python3 -m bench.profile`, after `make`.

Counts executed instructions per block of code (QEMU plugin) for a fixed amount of traffic and adds them up per
function of the guest's kernel. What load does to the machine does not show.
"""

import argparse
import bisect
import collections

from .counts import Counter
from .rig import SIDES

# As in traffic.py: kind, sender, receiver, amount, more.
CASES = {
    "tcp-out": ("tcp", "{0}", "B", 8 << 20, ()),
    "tcp-in": ("tcp", "B", "{0}", 8 << 20, ()),
    "packets-out": ("packets", "{0}", "B", 8000, (8,)),
    "packets-in": ("packets", "B", "{0}", 8000, (8,)),
    "rr": ("rr", "{0}", "B", 1000, ()),
}


class Symbols:
    """Functions of the guest's kernel and modules by address."""

    def __init__(self, vm):
        found = []
        for line in vm.check("cat /proc/kallsyms", timeout=120).splitlines():
            address, kind, name, *_ = line.split()
            if kind in "tTwW":
                found.append((int(address, 16), name))
        found.sort()
        self._addresses = [address for address, _ in found]
        self._names = [name for _, name in found]

    def name(self, address):
        if address < 1 << 63:
            return "user space"
        at = bisect.bisect(self._addresses, address) - 1
        return self._names[at] if at >= 0 else "?"


def profile(counter, symbols, side, end, case):
    """(packets, Counter of instructions per function) of one run."""
    kind, sender, receiver, amount, more = case
    result = counter.run(side, kind, sender.format(end), receiver.format(end), end, amount, more)
    totals = collections.Counter()
    for line in result["per_block"].splitlines():
        address, instructions, _ = map(int, line.split())
        totals[symbols.name(address)] += instructions
    return result["packets"], totals


def main():
    parser = argparse.ArgumentParser(prog="bench.profile")
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--mode", default="strict")
    parser.add_argument("--vf", action="store_true", help="of a VF, not of the PF")
    parser.add_argument("--top", type=int, default=30)
    args = parser.parse_args()
    if unknown := set(args.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    with Counter(args.mode, vfs=int(args.vf), blocks=True, name="bench-profile") as counter:
        symbols = Symbols(counter.vm)
        for name in args.cases:
            for side in SIDES:
                # Once to warm up: translation does not count, but first allocations and neighbours do.
                profile(counter, symbols, side, "V0" if args.vf else "A", CASES[name])
                packets, totals = profile(counter, symbols, side, "V0" if args.vf else "A", CASES[name])
                print(f"\n{name}, {side.name}: {packets} packets, {totals.total() / packets:.0f} instructions each")
                for function, count in totals.most_common(args.top):
                    print(f"  {count / packets:8.1f}  {function}", flush=True)


if __name__ == "__main__":
    main()
