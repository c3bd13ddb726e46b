# SPDX-License-Identifier: GPL-2.0
"""`make soak`: checked traffic on all functions while settings change at random, for a long time.

SOAK_SECONDS (7200) and SEED (of the clock) come from the environment. Writes build/soak/report.json, soak.svg and soak.png.
"""

import json
import os
import random
import statistics
import sys
import time

from lab import Vm, paths

sys.path.insert(0, str(paths.REPO / "tools/testing"))
import account  # noqa: E402
import plot  # noqa: E402
from changes import LARGEST, SETTINGS, STOPS, Changes  # noqa: E402
from counters import FUNCTIONS, IDLE, Counters, gained, losses  # noqa: E402
from checked_streams import Streams  # noqa: E402
from vfs import LIMIT, carrier, reaches, start, until  # noqa: E402

OUT = paths.BUILD / "soak"

CHANGES = 5
"""Between two samples."""

ACCOUNT_SECONDS = 30
"""Between two accounts of the streams."""

GROWTH_KIB = 4096
"""What the kernel's memory may grow by in the second half: some of it comes and goes."""

QUARTER = 2
"""Accounts of which a median says something."""

MAPPED_ROOM = 2 << 20
"""What each function may map more than the largest rings need: a block, if lent pages were in the way of a new ring."""

LEDGER = ("bytes", "regions", "region_bytes")
"""Of each function's `iommu` in debugfs: what is mapped, and what of it is handed out, in how many parts."""

MEMORY = f"""
set -e
sync; echo 3 >/proc/sys/vm/drop_caches
awk '/^MemTotal:/ {{ sum += $2 }} /^(MemFree|Active|Inactive|Unevictable):/ {{ sum -= $2 }}
    $1 == "count:" {{ sum -= 4 * $2 }} END {{ print sum }}' /proc/meminfo /proc/zoneinfo
for what in {" ".join(LEDGER)}; do
    cat /sys/kernel/debug/igb*_rs/*/iommu | awk "/^$what:/ {{ sum += \\$2 }} END {{ print sum }}"
done
"""
"""Shell commands: KiB of memory that is neither free, also in processors' lists of free pages ("count:"), nor a process's or
a file's; the sums over all functions' ledgers."""


class Soak:
    """The run: what is measured goes into `report`."""

    def __init__(self, vm, seed, report):
        self.vm = vm
        self.report = report
        start(vm, IDLE + 1)
        # Neighbours learn of a new address at once.
        vm.check("\n".join(f"ip netns exec {name} sysctl -qw net.ipv4.conf.all.arp_notify=1" for name in FUNCTIONS))
        self.changes = Changes(vm, random.Random(seed))
        report["changes"] = self.changes.counts
        self.streams = Streams(vm)
        self.counters = Counters(vm)
        self.lost = {}
        self.settle(f"set -e\n{LARGEST}\n{SETTINGS}")
        report["ledger"] = {"begin": self.memory()[1]}
        self.begun = time.monotonic()

    def seconds(self):
        """Since the beginning."""
        return round(time.monotonic() - self.begun, 1)

    def settle(self, commands=""):
        """Runs shell commands, waits until every function has its link, and until every stream has gone on after that."""
        waits = "\n".join(until(carrier(name)) for name in FUNCTIONS)
        self.vm.check(f"{commands}\n{waits}", timeout=LIMIT)
        self.streams.advance()

    def memory(self):
        """KiB the kernel uses but for what is mapped for DMA, and the ledger of that."""
        used, *ledger = map(int, self.vm.check(MEMORY, timeout=LIMIT).split())
        ledger = dict(zip(LEDGER, ledger, strict=True))
        return used - (ledger["bytes"] >> 10), ledger

    def sample(self, kinds):
        """Takes a sample; `kinds` of changes have come since the last one, and explain what was lost, or nothing does."""
        kernel, ledger = self.memory()
        reading = self.counters.read()
        lost = losses(reading)
        grown = {what: count - self.lost.get(what, 0) for what, count in lost.items() if count > self.lost.get(what, 0)}
        self.lost = lost
        self.report["samples"].append({
            "seconds": self.seconds(), "kernel_kib": kernel, "ledger": ledger, "blocks": self.streams.blocks(),
            "counters": {name: {"rx": sum(count["packets"] for queue, count in function["queues"].items() if queue[0] == "r"),
                                "tx": sum(count["packets"] for queue, count in function["queues"].items() if queue[0] == "t")}
                         for name, function in reading.items()},
            "lost": grown})
        unexplained = {what: count for what, count in grown.items() if not (what.endswith("dropped") and STOPS & kinds)}
        assert not unexplained, f"lost, and no change explains it: {unexplained} after {sorted(kinds)}"
        accepted, refused = self.changes.total()
        print(f"{self.seconds():7.0f} s  {accepted} changes, {refused} refused  {sum(self.streams.blocks().values())} blocks  "
              f"kernel {kernel} KiB  mapped {ledger['bytes'] >> 10} KiB", flush=True)

    def change(self):
        """Makes some changes; returns their kinds once everything goes on."""
        kinds = set()
        for _ in range(CHANGES):
            kind, accepted = self.changes.make()
            self.report["events"].append((self.seconds(), kind, accepted))
            kinds.add(kind)
        self.settle()
        return kinds

    def account(self):
        """Makes an account of what the streams send meanwhile; samples the memory while nothing is under way."""
        with self.streams.held():
            before = self.counters.still()
        self.streams.advance()
        with self.streams.held():
            after = self.counters.still()
            kernel, _ = self.memory()
        self.report["accounts"].append({"seconds": self.seconds(), "kernel_kib": kernel,
                                        "queues": account.queues_add_up(gained(before, after))})

    def run(self, seconds):
        """Changes and samples for that long; then the settings of the beginning, and the last account."""
        self.sample(STOPS)
        self.account()
        while self.seconds() < seconds:
            self.sample(self.change())
            if self.seconds() - self.report["accounts"][-1]["seconds"] > ACCOUNT_SECONDS:
                self.account()
        self.settle(SETTINGS)
        self.sample(STOPS)
        self.report["ledger"]["end"] = self.memory()[1]
        self.vm.check("\n".join(reaches(name, "w") for name in FUNCTIONS if name != "w"), timeout=LIMIT)
        self.account()
        self.report["blocks"] = self.streams.stop()
        self.report["datagrams"] = account.of_datagrams(self.vm, self.counters)
        self.vm.check("rmmod igbvf_rs && rmmod igb_rs", timeout=LIMIT)
        self.vm.assert_clean()

    def verdict(self):
        """Fails if a kind of change was always refused, the ledger is not what it was or the kernel's memory grew."""
        self.changes.verdict()
        begin, end = self.report["ledger"]["begin"], self.report["ledger"]["end"]
        # The same settings take the same. What is mapped for more stays mapped and is not handed out.
        assert all(begin[what] == end[what] for what in ("regions", "region_bytes")), self.report["ledger"]
        assert end["bytes"] <= begin["bytes"] + MAPPED_ROOM * len(FUNCTIONS), self.report["ledger"]
        # The first half warms up. Medians of the outer quarters of the rest, of what was measured without streams, whose
        # buffers come and go.
        accounts = self.report["accounts"]
        half = accounts[len(accounts) // 2:]
        quarter = len(half) // 4
        if quarter < QUARTER:
            print(f"soak: {len(accounts)} accounts are too few to tell whether memory grows", flush=True)
            return
        self.report["medians"] = [(part[0]["seconds"], part[-1]["seconds"], statistics.median(one["kernel_kib"] for one in part))
                                  for part in (half[:quarter], half[-quarter:])]
        (_, _, first), (_, _, last) = self.report["medians"]
        self.report["growth_kib"] = last - first
        assert last - first < GROWTH_KIB, f"kernel memory grew by {last - first} KiB in the second half"


def main():
    seconds = int(os.environ.get("SOAK_SECONDS") or 7200)
    seed = int(os.environ.get("SEED") or time.time())
    print(f"soak: {seconds} s, SEED={seed}", flush=True)
    report = {"seed": seed, "wanted_seconds": seconds, "changes": {}, "events": [], "samples": [], "accounts": [],
              "result": "not finished"}
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        with Vm(mode="strict", ports=2, name="soak") as vm:
            soak = Soak(vm, seed, report)
            soak.run(seconds)
            soak.verdict()
        report["result"] = "good"
    except BaseException as error:
        report["result"] = f"{type(error).__name__}: {error}"[:2000]
        raise
    finally:
        (OUT / "report.json").write_text(json.dumps(report, indent=1) + "\n")
        if len(report["samples"]) > 1:
            plot.draw(report, OUT, "soak")
        print(f"soak: {report['result']}; build/soak/report.json, soak.svg", flush=True)


main()
