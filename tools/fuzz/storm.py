# SPDX-License-Identifier: GPL-2.0
"""A hostile VF in a guest, beside neighbours whose traffic is checked. Runs in the lab's root:

    tools/lab/enter python3 -m fuzz.storm --seconds 600
    tools/lab/enter python3 -m fuzz.storm --pf igb --seed 5 --seconds 60

The program is vf-hostile (see README.md); this starts a guest, hands VF 0 over to it, and judges.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from lab import Vm, locks, paths

REPO = Path(__file__).resolve().parents[2]
HERE = REPO / "tools/fuzz"
OUT = paths.BUILD / "fuzz/guest"
IN_GUEST = "/mnt/igb_rs/fuzz/guest"

sys.path.insert(0, str(REPO / "tools/testing"))

import vfs  # noqa: E402

ATTACKER = vfs.VFS[0]
NEIGHBOURS = (("pf", "w"), ("v1", "pf"), ("w", "v1"))
"""Who sends to whom; each byte goes both ways."""

ARENA = 0x40000000
ARENA_SIZE = 2 << 20
"""The attacker's own memory, as it sees it (function.h)."""

LONGEST_GAP = 15
"""Seconds without a byte that a neighbour's stream may have, in an emulation on a busy machine."""

FAULT = rf"DMAR: .*(handling fault|Request device \[{ATTACKER}\])"
"""What the kernel logs about the attacker's DMA, and about nobody else's."""


def build():
    """Builds vf-hostile and puts what guests need where they see it."""
    with locks.only_one(OUT):
        subprocess.run(["make", "-s", "-C", HERE / "vf-hostile", f"O={OUT}", "CC=gcc-14"], check=True)
        # At once: another guest may be about to read it.
        shutil.copy(HERE / "checked.py", OUT / "part").rename(OUT / "checked.py")


def hand_over(vm, function=ATTACKER):
    """Gives a VF to vfio-pci; whoever holds it then is somebody else."""
    vm.check(f"""modprobe vfio-pci; device={vfs.DEVICES}/{function}
[ ! -e $device/driver ] || echo {function} >$device/driver/unbind
echo vfio-pci >$device/driver_override; echo {function} >/sys/bus/pci/drivers_probe
[ "$(basename "$(readlink $device/driver)")" = vfio-pci ]""", timeout=vfs.LIMIT)


def take_back(vm, function=ATTACKER):
    """Gives it to its network driver again."""
    vm.check(f"""device={vfs.DEVICES}/{function}
[ ! -e $device/driver ] || echo {function} >$device/driver/unbind
echo >$device/driver_override; echo {function} >/sys/bus/pci/drivers_probe""", timeout=vfs.LIMIT)


def attack(vm, *what, seed=1, count=1000, macs=(), addresses=(), timeout=300):
    """Runs vf-hostile; returns what it says it did."""
    options = [f"-s {seed} -n {count}", *(f"-m {mac}" for mac in macs), *(f"-a {address:#x}" for address in addresses)]
    text = vm.check(f"{IN_GUEST}/vf-hostile {' '.join(options)} {ATTACKER} {' '.join(what)}", timeout=timeout)
    return json.loads(text.splitlines()[-1])


@contextlib.contextmanager
def neighbours(vm, pairs=NEIGHBOURS, least=64 << 10):
    """Checked traffic between neighbours, for as long as the block takes. All of it must arrive, bit for bit."""
    servers = {}
    for name in {target for _, target in pairs}:
        servers[name] = vm.start(f"exec ip netns exec {name} python3 {IN_GUEST}/checked.py serve {vfs.address(name)}")
        servers[name].wait_for("listening", timeout=vfs.LIMIT)
    # As long as it takes: a file says when to stop.
    flag = "/run/checked-stop"
    vm.check(f"rm -f {flag}")
    flows = {pair: vm.start(f"exec ip netns exec {pair[0]} python3 {IN_GUEST}/checked.py send {vfs.address(pair[1])} {flag}")
             for pair in pairs}
    try:
        for flow in flows.values():
            flow.wait_for("flowing", timeout=vfs.LIMIT)
        yield flows
        vm.check(f"touch {flag}")
        for pair, flow in flows.items():
            result = flow.wait(timeout=200)
            assert result.ok, (pair, result.describe())
            report = json.loads(result.stdout.splitlines()[-1])
            assert not report["wrong"] and report["bytes"] >= least and report["gap"] <= LONGEST_GAP, (pair, report)
            print(f"  {pair[0]} to {pair[1]} and back: {report['bytes'] >> 10} KiB, longest gap {report['gap']} s")
    finally:
        for process in (*flows.values(), *servers.values()):
            process.stop()


def state(vm):
    """What no attack of VF 0 may change: what the administrator sees of PF and neighbour, and the DMA ledgers."""
    shown = json.loads(vm.check("ip -n pf -j -d link show pf"))[0]
    shown["vfinfo_list"][0] = {key: value for key, value in shown["vfinfo_list"][0].items() if key not in ("address", "mac")}
    neighbour = json.loads(vm.check("ip -n v1 -j -d link show v1"))[0]
    return shown, neighbour, vm.check("cd /sys/kernel/debug; grep -rH . igb*_rs --include iommu || [ ! -e igb_rs ]")


def start(vm, pf="igb_rs", vf="igbvf_rs"):
    """Two VFs: one attacks, the other is a neighbour. Returns the addresses the attacker would like to have."""
    build()
    vfs.start(vm, 2, pf=pf, vf=vf)
    hand_over(vm)
    return [vm.check(f"ip netns exec {name} cat /sys/class/net/{name}/address") for name in ("pf", "v1", "w")]


ATTACKS = ("messages", "storm", "quota", "hold", "keep", "bells", "running", "resets", "flr", "registers", "messages")


def fuzz(seed, seconds, pf="igb_rs"):
    """Random rounds of attacks until the time is over. Raises when something is wrong; the text has the seed."""
    rng = random.Random(seed)
    total = 0
    with Vm(ports=2, name="fuzz") as vm:
        macs = start(vm, pf, "igbvf_rs" if pf == "igb_rs" else "igbvf")
        before = state(vm)
        # To boot takes its own time.
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            what, number, count = rng.choice(ATTACKS), rng.randrange(1, 1 << 30), rng.randrange(100, 5000)
            print(f"{what}, {count}, seed {number}", flush=True)
            since = vm.mark()
            try:
                with neighbours(vm):
                    done = attack(vm, what, "pause", seed=number, count=count, macs=macs, timeout=600)
                    total += done["sent"]
                    # The VF's tokens come back; then it is heard again.
                    done = attack(vm, "pause", "works", macs=macs)
                assert done["works"], "the VF did not recover"
                assert state(vm) == before, (before, state(vm))
                vm.assert_clean(since)
            except Exception as error:
                raise RuntimeError(f"{what}, {count} with seed {number}: {error}") from error
    return total


def main():
    parser = argparse.ArgumentParser(description="Attack a PF from a VF, in a guest.")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "little"))
    parser.add_argument("--pf", choices=("igb_rs", "igb"), default="igb_rs", help="our driver or the kernel's")
    args = parser.parse_args()
    print(f"hostile VF: seed {args.seed}", flush=True)
    try:
        total = fuzz(args.seed, args.seconds, args.pf)
    except (RuntimeError, AssertionError) as error:
        print(error)
        return 1
    print(f"hostile VF: {total} messages, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
