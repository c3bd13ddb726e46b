# SPDX-License-Identifier: GPL-2.0
"""Times that are no rates: from loading to link, to seven VFs, to none; memory and sizes."""

import json
import lzma
import statistics
from pathlib import Path

from lab import Vm, paths

from .rig import C, LIMIT, SIDES, insert

PF = "0000:01:00.0"
ENABLE = Path(__file__).parents[1] / "demo" / "guest" / "enable_vfs.py"

LOAD = """
set -e
free() {{ echo 3 >/proc/sys/vm/drop_caches; awk '/MemFree/ {{ print $2 }}' /proc/meminfo; }}
modprobe {vf_before}
before=$(free)
t0=$(date +%s.%N)
{insert}
d=$(basename /sys/bus/pci/devices/{pf}/net/*)
ip link set $d up
until ip -o link show dev $d | grep -q LOWER_UP; do sleep 0.01; done
t1=$(date +%s.%N)
after=$(free)
{insert_vf}
echo "$t0 $t1 $before $after"
"""


def once(vm, side):
    """One round of one side: a dictionary of figures."""
    text = vm.check(LOAD.format(vf_before="pktgen", insert=insert(side.pf), insert_vf=insert(side.vf), pf=PF),
                    timeout=LIMIT)
    t0, t1, before, after = map(float, text.split()[-4:])
    enabled = json.loads(vm.check(["python3", "-I", "-S", "/run/lab/enable_vfs.py", PF, "7", "120"], timeout=LIMIT))
    gone = vm.check(f"t=$(date +%s.%N); echo 0 >/sys/bus/pci/devices/{PF}/sriov_numvfs; echo $t $(date +%s.%N)",
                    timeout=LIMIT)
    start, end = map(float, gone.split())
    vm.check(f"rmmod {side.vf} {side.pf}", timeout=LIMIT)
    return {"link_s": t1 - t0, "seven_vfs_s": enabled["seconds"], "no_vfs_s": end - start,
            "memory_kib": before - after}


TITLES = (("link_s", "insmod to link", "s"), ("seven_vfs_s", "echo 7 to seven netdevs", "s"),
          ("no_vfs_s", "echo 0 to none", "s"), ("memory_kib", "memory taken, PF up", "KiB"))


def measure_times(rounds, row):
    """{side: {figure: samples}}, with sizes of the modules; `row` shows a line (title, ours, C, unit)."""
    found = {side.name: {key: [] for key, _, _ in TITLES} for side in SIDES}
    with Vm(mode="strict", ports=1, name="bench-times") as vm:
        vm.put("/run/lab/enable_vfs.py", ENABLE.read_bytes())
        for nth in range(rounds + 1):
            for side in SIDES:
                figures = once(vm, side)
                # The first round reads modules from disk and fills the kernel's pools.
                if nth or rounds == 1:
                    for key, value in figures.items():
                        found[side.name][key].append(value)
        folder = Path("/lib/modules") / vm.kernel.release / "kernel/drivers/net/ethernet/intel"
        vm.assert_clean()
    for key, title, unit in TITLES:
        row(title, *(statistics.median(found[side.name][key]) for side in SIDES), unit)
    for ours, c in (("igb_rs", "igb"), ("igbvf_rs", "igbvf")):
        sizes = ((paths.BUILD / f"{ours}.ko").stat().st_size,
                 len(lzma.decompress((folder / c / f"{c}.ko.xz").read_bytes())))
        found["ours"][f"{c}_ko_bytes"], found[C.name][f"{c}_ko_bytes"] = sizes
        row(f"{ours}.ko, {c}.ko", sizes[0] / 1024, sizes[1] / 1024, "KiB")
    return found
