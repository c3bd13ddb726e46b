# SPDX-License-Identifier: GPL-2.0
"""`make soak`: checked traffic on all functions while settings change at random, for a long time.

SOAK_SECONDS (7200) and SEED (of the clock) come from the environment. Writes build/soak/report.json and memory.svg.
"""

import json
import os
import random
import re
import sys
import time
from pathlib import Path

from lab import Vm, paths

sys.path.insert(0, str(paths.REPO / "tools/testing"))
from account import account  # noqa: E402
from vfs import DEVICES, LIMIT, PF, VFS, address, carrier, reaches, start, until  # noqa: E402

OUT = paths.BUILD / "soak"
HERE = Path(__file__).parent
VF_COUNT = 3
STREAMS = (("v0", "w"), ("pf", "v1"), ("v2", "pf"), ("w", "v0"))
FEATURES = ("tso", "rx", "tx", "gso", "gro", "sg")
MEMORY = ("echo 3 >/proc/sys/vm/drop_caches; awk '/^(Slab|Percpu|VmallocUsed|KernelStack):/ { sum += $2 } END { print sum }' "
          "/proc/meminfo; cat /sys/kernel/debug/igb*_rs/*/iommu | awk '/^bytes:/ { sum += $2 } END { print sum }'")


def changes(rng):
    """Settings to change at random: (what it is called, shell command)."""
    name = rng.choice(("pf", *(f"v{vf}" for vf in range(VF_COUNT))))
    vf = rng.randrange(VF_COUNT)
    enter = f"ip netns exec {name}"
    size = lambda: rng.choice((64, 128, 256, 512, 1024))
    return {
        "mtu": f"ip -n {name} link set {name} mtu {rng.choice((1500, 2000, 4000, 9000))}",
        "rings": f"{enter} ethtool -G {name} rx {size()} tx {size()}",
        "moderation": f"{enter} ethtool -C {name} rx-usecs {rng.choice((0, 3, 20, 100))}",
        "feature": f"{enter} ethtool -K {name} {rng.choice(FEATURES)} {rng.choice(('on', 'off'))}",
        "down and up": f"ip -n {name} link set {name} down; ip -n {name} link set {name} up",
        "promiscuous": f"ip -n {name} link set {name} promisc {rng.choice(('on', 'off'))}",
        "vlan": f"ip -n {name} link add link {name} name soak type vlan id {rng.randrange(1, 4095)}; ip -n {name} link delete soak",
        "trust": f"ip -n pf link set pf vf {vf} trust {rng.choice(('on', 'off'))}",
        "spoofchk": f"ip -n pf link set pf vf {vf} spoofchk {rng.choice(('on', 'off'))}",
        "rate": f"ip -n pf link set pf vf {vf} max_tx_rate {rng.choice((0, 500, 1000))}",
        "reset of a VF": f"echo 1 >{DEVICES}/{VFS[vf]}/reset",
        "reset of the PF": f"echo 1 >{DEVICES}/{PF}/reset",
    }


class Streams:
    """The streams of the run, each checked by its receiver."""

    def __init__(self, vm):
        vm.put("/run/stream.py", (HERE / "stream.py").read_text())
        self.ends = []
        for index, (source, target) in enumerate(STREAMS):
            where = f"{address(target)} {5300 + index}"
            receiver = vm.start(f"exec ip netns exec {target} python3 /run/stream.py serve {where}")
            receiver.wait_for("ready", timeout=LIMIT)
            self.ends.append((receiver, vm.start(f"exec ip netns exec {source} python3 /run/stream.py send {where} 400")))

    def blocks(self):
        """Checked blocks of each stream so far; fails if one has ended."""
        for (receiver, sender), names in zip(self.ends, STREAMS):
            assert receiver.running and sender.running, f"stream {names}: {receiver.stdout[-200:]}"
        return [int((re.findall(r"(\d+) blocks", receiver.stdout) or [0])[-1]) for receiver, _ in self.ends]

    def stop(self):
        for receiver, sender in self.ends:
            sender.stop()
            receiver.wait(LIMIT)


def plot(samples):
    """The samples' memory as a picture."""
    width, height = 640, 240
    last = max(sample["seconds"] for sample in samples) or 1
    low = min(sample["kernel_kib"] for sample in samples)
    span = max(max(sample["kernel_kib"] for sample in samples) - low, 1024)
    points = " ".join(f"{40 + 580 * sample['seconds'] / last:.1f},{210 - 180 * (sample['kernel_kib'] - low) / span:.1f}"
                      for sample in samples)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
            f'<rect width="{width}" height="{height}" fill="white"/><polyline points="{points}" fill="none" stroke="#06c"/>'
            f'<text x="40" y="16">kernel memory: {low} KiB at the bottom, {span} KiB more at the top; {last:.0f} s</text></svg>\n')


def settle(vm, streams):
    """Waits until every function has its link and every stream goes on."""
    vm.check("\n".join(until(carrier(name)) for name in ("pf", *(f"v{vf}" for vf in range(VF_COUNT)))), timeout=LIMIT)
    before, limit = streams.blocks(), time.monotonic() + LIMIT
    while any(now <= had for now, had in zip(streams.blocks(), before)):
        assert time.monotonic() < limit, f"a stream stands still: {dict(zip(STREAMS, streams.blocks()))}"
        time.sleep(0.5)


def main():
    seconds = int(os.environ.get("SOAK_SECONDS") or 7200)
    seed = int(os.environ.get("SEED") or time.time())
    rng = random.Random(seed)
    OUT.mkdir(parents=True, exist_ok=True)
    print(f"soak: {seconds} s, SEED={seed}", flush=True)
    report = {"seed": seed, "wanted_seconds": seconds, "changes": {}, "samples": [], "result": "not finished"}
    with Vm(mode="strict", ports=2, name="soak") as vm:
        start(vm, VF_COUNT)
        streams = Streams(vm)
        settle(vm, streams)
        begun = time.monotonic()
        try:
            while (now := time.monotonic() - begun) < seconds:
                kernel, mapped = map(int, vm.check(MEMORY, timeout=LIMIT).split())
                report["samples"].append({"seconds": round(now, 1), "kernel_kib": kernel, "mapped_bytes": mapped,
                                          "blocks": streams.blocks()})
                print(f"{now:7.0f} s  {sum(report['changes'].values())} changes  {sum(streams.blocks())} blocks  "
                      f"kernel {kernel} KiB  mapped {mapped >> 10} KiB", flush=True)
                for _ in range(5):
                    what, command = rng.choice(sorted(changes(rng).items()))
                    vm.note(f"{what}: {command}")
                    # Some are refused, as what the wire or the VF's rights do not allow.
                    vm.run(command, timeout=LIMIT)
                    report["changes"][what] = report["changes"].get(what, 0) + 1
                settle(vm, streams)
            vm.check("\n".join(reaches(f"v{vf}", "w") for vf in range(VF_COUNT)), timeout=LIMIT)
            report["blocks"] = dict(zip(map(" to ".join, STREAMS), streams.blocks()))
            streams.stop()
            report["account"] = account(vm, VF_COUNT)
            vm.check("rmmod igbvf_rs; rmmod igb_rs", timeout=LIMIT)
            vm.assert_clean()
            half = [sample["kernel_kib"] for sample in report["samples"][len(report["samples"]) // 2:]]
            report["growth_kib"] = half[-1] - half[0]
            assert report["growth_kib"] < 4096, f"kernel memory grew by {report['growth_kib']} KiB in the second half"
            report["result"] = "good"
        except BaseException as error:
            report["result"] = f"{type(error).__name__}: {error}"[:2000]
            raise
        finally:
            (OUT / "report.json").write_text(json.dumps(report, indent=1) + "\n")
            if report["samples"]:
                (OUT / "memory.svg").write_text(plot(report["samples"]))
            print(f"soak: {report['result']}; build/soak/report.json", flush=True)


main()
