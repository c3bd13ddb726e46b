# SPDX-License-Identifier: GPL-2.0
"""`make bench`: runs the cells, counts and times, shows them as they come, keeps what was measured."""

import argparse
import fcntl
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

from lab import GuestError, qemu
from lab.client import CommandFailed

from . import chart, results, show, table
from .cells import CELLS, SampleFailed, sample
from .copybreak import measure_copybreak
from .counts import Counter, Unavailable, median
from .rig import C, OURS, SIDES, Rig
from .scale import measure_scale
from .times import measure_times

LOCK = Path("/var/lock/igb-rs-bench")
NEEDS_MEMORY = 5 << 10
"""MiB: a guest of 4 GiB and QEMU."""
TOOLS = ("qemu-system-x86_64", "gcc-14")

COUNTED = (
    # name, kind, sender, receiver (as traffic.py; {0} is the function), amount, more
    ("TCP out", "tcp", "{0}", "B", 6 << 20, ()),
    ("TCP in", "tcp", "B", "{0}", 6 << 20, ()),
    ("64 B out", "packets", "{0}", "B", 4000, (8,)),
    ("64 B in", "packets", "B", "{0}", 4000, (8,)),
    ("request/response", "rr", "{0}", "B", 500, ()),
)


class Refused(Exception):
    """The bench cannot begin."""


def parse(argv):
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="strict mode only, the main cells, few counts")
    parser.add_argument("--modes", default=None, help=f"comma-separated, of {', '.join(qemu.MODES)} ({', '.join(results.MODES)})")
    parser.add_argument("--cells", default=".", help="regular expression: cells to measure")
    parser.add_argument("--pairs", type=int, default=7, help="pairs of samples per cell (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1, help="of traffic per sample (%(default)s)")
    parser.add_argument("--only", choices=("cells", "counts", "scale", "times", "copybreak"),
                        help="one part of it; copybreak is in no other run")
    parser.add_argument("--commit", default="", help="what is measured, for the record")
    args = parser.parse_args(argv)
    args.modes = args.modes.split(",") if args.modes else ["strict"] if args.quick else list(results.MODES)
    if unknown := set(args.modes) - set(qemu.MODES):
        parser.error(f"no such IOMMU mode: {', '.join(sorted(unknown))} (there are {', '.join(qemu.MODES)})")
    if not 1 <= args.pairs <= 1000:
        parser.error("--pairs: between 1 and 1000")
    if not 0.1 <= args.seconds <= 600:
        parser.error("--seconds: between 0.1 and 600")
    try:
        args.cells = [cell for cell in CELLS if re.search(args.cells, cell.key) and (cell.quick or not args.quick)]
    except re.error as error:
        parser.error(f"--cells: {error}")
    if not args.cells:
        parser.error("--cells: none has such a name; there are " + " ".join(cell.key for cell in CELLS))
    return args


def lock(path=LOCK):
    """Keeps other benches out for as long as the file returned is open."""
    file = open(path, "a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Refused("another bench is running: two would measure each other") from None
    return file


def preconditions(available_mib=None, tools=TOOLS, modules=None):
    """Raises Refused, with what to do, if the bench cannot run here."""
    for tool in tools:
        if not shutil.which(tool):
            raise Refused(f"{tool} is missing: run this by `make bench`, which sets up the lab")
    if available_mib is None:
        text = Path("/proc/meminfo").read_text()
        available_mib = int(re.search(r"MemAvailable:\s+(\d+)", text)[1]) >> 10
    if available_mib < NEEDS_MEMORY:
        raise Refused(f"{available_mib} MiB of memory are available, {NEEDS_MEMORY} are needed: end something first")
    for module in modules if modules is not None else results.modules():
        if not Path(module).exists():
            raise Refused(f"{module} is missing: run `make` first")


class Bench:
    """One run of the bench. What it has is in `self.results` and, after every cell, on disk."""

    def __init__(self, args):
        self.args = args
        self.results = results.Results(args)
        self.failed = False

    def part(self, name, work):
        """Does a part of the run; what goes wrong in it is told and recorded, and the rest goes on."""
        try:
            work()
        except (GuestError, CommandFailed, SampleFailed, Unavailable, RuntimeError) as error:
            self.failed = True
            self.results.failure(name, str(error))
            show.problem(name, error)

    def run(self):
        if self.args.only in (None, "counts"):
            self.part("counts", self.counts)
        for mode in self.args.modes:
            if self.args.only in (None, "cells"):
                self.part(mode, lambda mode=mode: self.cells(mode))
        if self.args.only == "scale" or (self.args.only is None and not self.args.quick):
            self.part("scale", self.scale)
        if self.args.only in (None, "times"):
            self.part("times", self.times)
        if self.args.only == "copybreak":
            self.part("copybreak", self.copybreak)
        self.results.finish()
        return not self.failed

    def cells(self, mode):
        show.heading(f"IOMMU {mode}: {self.args.pairs} pairs of {self.args.seconds:g} s each, ours and C in turn")
        show.columns()
        with Rig(mode, name=f"bench-{mode}") as rig:
            self.results.note_guest(rig.vm)
            rig.introduce()
            mtu = 1500
            # Cells without VFs come first: with them a PF has other queues. Then by MTU, which changes seldom.
            for cell in sorted(self.args.cells, key=lambda cell: (cell.needs_vfs, cell.mtu)):
                if cell.needs_vfs and not rig.vfs:
                    rig.set_mtu(1500)
                    mtu = 1500
                    rig.enable_vfs(2)
                    rig.introduce()
                if cell.mtu != mtu:
                    rig.set_mtu(cell.mtu)
                    mtu = cell.mtu
                    rig.introduce()
                self.cell(rig, mode, cell)
            rig.vm.assert_clean()

    def cell(self, rig, mode, cell):
        found = {side.name: [] for side in SIDES}
        try:
            # Not counted: neighbours, caches, QEMU's translation of the code.
            for side in SIDES:
                sample(rig, side, cell, self.args.seconds / 2)
            for pair in range(self.args.pairs):
                for side in SIDES:
                    show.progress(cell, pair, self.args.pairs, side.name)
                    found[side.name].append(sample(rig, side, cell, self.args.seconds))
        except SampleFailed as error:
            self.failed = True
            self.results.failure(f"{mode} {cell.key}", str(error))
            show.problem(cell.title, error)
        finally:
            self.results.cell(mode, cell, found[OURS.name], found[C.name])
        show.row(cell, self.results.summary(mode, cell), cell.goal(mode))

    def counts(self):
        """Exact counts, PF and VF, in strict mode, where C has most to do."""
        show.heading("Counts per packet, strict (medians; one processor; all that runs in the guest)")
        for vfs, end, what in ((0, "A", "PF"), (1, "V0", "VF"), (7, "V0", "VF of 7")):
            # What a packet costs must not depend on how many VFs there are.
            if vfs == 7 and self.args.quick:
                continue
            # Exchanges are slow to count, and say the least of what a packet costs.
            counted = COUNTED[2:4] if vfs == 7 else COUNTED[:4] if self.args.quick else COUNTED
            with Counter("strict", vfs=vfs) as counter:
                self.results.note_guest(counter.vm)
                for name, kind, sender, receiver, amount, more in counted:
                    runs = {side.name: [] for side in SIDES}
                    for nth in range(6 if not self.args.quick else 2 if kind == "tcp" else 1):
                        for side in SIDES:
                            # A first run is one of a TCP that knows nothing of the path yet.
                            if nth == 1:
                                runs[side.name].clear()
                            runs[side.name].append(counter.run(
                                side, kind, sender.format(end), receiver.format(end), end, amount, more))
                    title = f"{what} {name}"
                    self.results.count(title, {name: [{"packets": run["packets"], **run["raw"]} for run in found] for name, found in runs.items()})
                    show.count(title, median(runs[OURS.name]), median(runs[C.name]))
                counter.vm.assert_clean()

    def scale(self):
        show.heading("Functions at once, strict: TCP, the sum of all streams")
        self.results.scale(measure_scale(1 if self.args.quick else 5, self.args.seconds, show.times))

    def times(self):
        show.heading("Times and sizes")
        self.results.times(measure_times(1 if self.args.quick else 5, show.times))

    def copybreak(self):
        show.heading("Instructions per packet of TCP into the PF, strict, by length: all copied, all lent")
        self.results.copybreak(measure_copybreak(1 if self.args.quick else 7, show.copybreak))


def main(argv=None):
    args = parse(argv)
    # So that guests are ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        preconditions()
        held = lock()
    except Refused as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 2
    began = time.monotonic()
    bench = Bench(args)
    with held:
        try:
            good = bench.run()
        except BaseException:
            bench.results.failure("bench", "interrupted")
            bench.results.save()
            show.saved(bench.results.path, partial=True)
            raise
        good &= chart.draw(bench.results.data, show.problem)
        table.write(bench.results.data)
    show.saved(bench.results.path, partial=not good, seconds=time.monotonic() - began)
    return 0 if good else 1


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
