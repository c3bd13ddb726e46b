# SPDX-License-Identifier: GPL-2.0
"""`make demo`: from a bare machine to seven live VFs, one of them in a virtual machine.

Runs in the lab's Debian root (tools/lab/enter). Prints what happens as it happens, writes build/demo/report.json, and
ends with status 1 when anything is not as it should be. See README.md beside this file for the report.
"""

import json
import signal
import sys
import time
from pathlib import Path

from lab import DirtyLog, GuestError, Vm, paths

import inventory
import screen
import traffic
from inventory import Function

MODULES = paths.BUILD_IN_GUEST
REPORT = paths.BUILD / "demo" / "report.json"
PF = "0000:01:00.0"
WIRE = "0000:02:00.0"
VFS = [f"0000:01:{0x10 + index // 4:02x}.{index % 4 * 2}" for index in range(7)]
"""Requester IDs of the VFs of a 82576: VF offset 128, stride 2 (PCIe SR-IOV capability)."""

ENABLE_LIMIT = 30
"""Seconds that seven VFs may take to become seven network devices."""

CARRIER_LIMIT = 60
"""Seconds that links may take to come up."""

VM_MEMORY = 512
"""MiB of the VM in the guest; all of it is mapped for the VF before the VM starts."""

START_INNER = """
set -e
insmod {modules}/igbvf_rs.ko
netdev=$(ls /sys/bus/pci/devices/{bdf}/net)
ip addr add {address}/24 dev $netdev
ip link set $netdev up
until ip -o link show dev $netdev | grep -q LOWER_UP; do sleep 0.05; done
uname -r
"""

MODE_OF_GROUP_TYPE = {"DMA": "strict", "DMA-FQ": "lazy", "identity": "passthrough"}
"""IOMMU modes by what a group's `type` file in sysfs says."""

COLUMNS = [("function", 12), ("netdev", 6), ("group", -5), ("domain", 7), ("arena", -7), ("vectors", 17),
           ("to wire", -7), ("to VF", -5), ("to PF", -5), ("pings", -5)]


def make_functions():
    """The PF, its VFs, and the port at the other end of the wire, with their namespaces and addresses."""
    return [Function(PF, "pf", "pf", "10.82.76.1"),
            *(Function(bdf, "vf", f"vf{index}", f"10.82.76.{10 + index}") for index, bdf in enumerate(VFS)),
            Function(WIRE, "pf", "wire", "10.82.76.254")]


class Demo:
    """The run: its guest, what was found, what went wrong."""

    def __init__(self, vm, functions):
        self.vm = vm
        self.functions = functions
        self.pf, *self.vfs, self.wire = functions
        self.failures = []
        self.iommu_mode = ""
        self.enable_seconds = None
        self.nested = {}
        self.warnings = []

    def insmod(self):
        """Loads both drivers, the VFs' too, so that it is there when they appear."""
        screen.title("Load the drivers")
        with screen.step("insmod igb_rs.ko") as done:
            self.vm.check(f"insmod {MODULES}/igb_rs.ko")
            inventory.find(self.vm, [self.pf, self.wire])
            for function in (self.pf, self.wire):
                if not function.netdev:
                    raise GuestError(f"{function.bdf} has no network device")
            done.result = f"{self.pf.netdev} is the PF, {self.wire.netdev} the other end of the wire"
        with screen.step("insmod igbvf_rs.ko") as done:
            done.result = "no VF yet"
            self.vm.check(f"insmod {MODULES}/igbvf_rs.ko")

    def enable_vfs(self):
        """Writes 7 to sriov_numvfs and times it, inside the guest."""
        count = len(self.vfs)
        screen.title(f"echo {count} >/sys/bus/pci/devices/{PF}/sriov_numvfs")
        script = "/run/enable_vfs.py"
        self.vm.put(script, Path(__file__).with_name("guest").joinpath("enable_vfs.py").read_bytes())
        with screen.step("from the write to the last network device") as done:
            output = self.vm.check(f"python3 -I -S {script} {PF} {count} {ENABLE_LIMIT}", timeout=ENABLE_LIMIT + 30)
            self.enable_seconds = json.loads(output)["seconds"]
            done.result = f"{count} in {self.enable_seconds:.2f} s, measured in the guest"
        inventory.find(self.vm, self.functions)
        self.iommu_mode = self.find_iommu_mode()

    def find_iommu_mode(self):
        groups = {function.iommu_group for function in self.functions}
        if None in groups or len(groups) < len(self.functions):
            self.failures.append(f"IOMMU groups are not one per function: {sorted(map(str, groups))}")
            return "none"
        kind = self.vm.read(f"/sys/kernel/iommu_groups/{self.pf.iommu_group}/type").strip()
        return MODE_OF_GROUP_TYPE.get(kind, kind)

    def bring_up(self):
        """Every function into a namespace of its own, with an address, up."""
        names = [function.label for function in self.functions]
        with screen.step(f"{len(names)} namespaces with an interface each, all links up"):
            self.vm.check("set -e\n" + "\n".join(map(move_to_namespace, self.functions)), timeout=120)
            self.vm.check(traffic.servers(names), timeout=60)
            carriers = [f"ip -n {f.label} -o link show dev {f.netdev} up | grep -q LOWER_UP" for f in self.functions]
            self.vm.wait_until(" && ".join(carriers), timeout=CARRIER_LIMIT)

    def exchange_traffic(self):
        """The table: each function's isolation as its driver reports it, then its traffic."""
        screen.title(f"Every function passes traffic (TCP in Mbit/s, {traffic.IPERF_SECONDS} s each)")
        table = screen.Table(COLUMNS)
        for function in self.functions:
            inventory.find_protection(self.vm, function)
            self.failures += function.faults()
            vectors = f"{inventory.numbers(v.irq for v in function.vectors)} {protection_of(function.vectors)}"
            for value in (function.bdf, function.netdev, function.iommu_group, function.domain,
                          f"{function.arena_bytes / 2**20:.1f} MiB", vectors):
                table.cell(value)
            for peer in self.peers(function):
                table.cell(self.exchange(function, peer) if peer else "")
            pings = [entry["ping"] for entry in function.traffic]
            table.cell(f"{sum(p['received'] for p in pings)}/{sum(p['sent'] for p in pings)}")

    def peers(self, function):
        """Whom a function talks to: on the wire, a VF (the next one), the PF."""
        if function is self.wire:
            return [None, None, self.pf]
        if function is self.pf:
            return [self.wire, None, None]
        return [self.wire, self.vfs[(self.vfs.index(function) + 1) % len(self.vfs)], self.pf]

    def exchange(self, function, peer):
        entry = traffic.exchange(self.vm, function.label, peer.label, peer.address)
        function.traffic.append(entry)
        self.failures += traffic.faults(function.label, entry)
        return traffic.megabits(entry["iperf3"])

    def run_nested(self):
        """The last VF in a virtual machine of its own."""
        vf = self.vfs[-1]
        screen.title(f"VF {vf.bdf} in a virtual machine")
        with screen.step("unbind it, give it to vfio-pci, boot a VM that has it") as done:
            start = time.monotonic()
            inner = self.vm.nested([vf.bdf], name="vm", memory=VM_MEMORY)
            boot_seconds = round(time.monotonic() - start, 1)
            done.result = "the stock kernel again"
        with inner:
            kernel, inside = self.start_inner(inner, vf)
            entries = [self.exchange_inner(inner, peer) for peer in (self.wire, self.pf, self.vfs[0])]
            self.nested = {
                "bdf": vf.bdf, "guest_bdf": inside.bdf, "kernel": kernel, "accel": inner.accel,
                "boot_seconds": boot_seconds, "driver": inside.driver, "netdev": inside.netdev, "mac": inside.mac,
                **entries[0], "traffic": entries[1:]}
            with screen.step("rmmod igbvf_rs.ko there, end the VM"):
                inner.check("rmmod igbvf_rs")
                self.warnings += inner.findings()
                inner.close()

    @staticmethod
    def start_inner(inner, vf):
        """Loads the VF driver in the VM and gives the VF its address; returns the kernel and the VF as seen there."""
        inside = Function(next(bdf for bdf, ids in inner.pci.items() if ids == "8086:10ca"), "vf", "vm", vf.address)
        with screen.step("insmod igbvf_rs.ko there") as done:
            script = START_INNER.format(modules=MODULES, bdf=inside.bdf, address=inside.address)
            kernel = inner.check(script, timeout=CARRIER_LIMIT)
            inventory.find(inner, [inside])
            done.result = f"{inside.netdev}, link up"
        return kernel, inside

    def exchange_inner(self, inner, peer):
        with screen.step(f"VM to {peer.label}".ljust(10)) as done:
            entry = traffic.exchange(inner, None, peer.label, peer.address, reverse=peer is self.wire)
            self.failures += traffic.faults("VM", entry)
            done.result = summary(entry)
        return entry

    def tear_down(self):
        """VFs off, drivers out, and the verdict."""
        screen.title("Back to nothing")
        with screen.step(f"echo 0 >/sys/bus/pci/devices/{PF}/sriov_numvfs"):
            self.vm.check(f"echo 0 >/sys/bus/pci/devices/{PF}/sriov_numvfs")
            self.expect_nothing_left(self.vfs)
        with screen.step("rmmod igbvf_rs igb_rs"):
            self.vm.check("rmmod igbvf_rs && rmmod igb_rs")
            for name in ("igb_rs", "igbvf_rs"):
                if self.vm.run(f"test -e /sys/kernel/debug/{name} -o -e /sys/module/{name}").ok:
                    self.failures.append(f"{name} left something behind after rmmod")
        with screen.step("verdict on the kernel logs") as done:
            self.warnings += self.vm.findings()
            self.failures += [f"kernel log: {line}" for line in self.warnings]
            done.result = f"{len(self.warnings)} warnings, {self.vm.dmar_faults()} DMAR faults"

    def expect_nothing_left(self, functions):
        for function in functions:
            if self.vm.run(f"test -e /sys/bus/pci/devices/{function.bdf}").ok:
                self.failures.append(f"{function.bdf} is still there")

    def report(self):
        """What goes into report.json."""
        return {
            "kernel": self.vm.kernel.release, "accel": self.vm.accel, "iommu_mode": self.iommu_mode,
            "vf_enable_seconds": self.enable_seconds,
            "functions": [function.report() for function in self.functions],
            "nested": self.nested, "dmar_faults": self.vm.dmar_faults(), "warnings": self.warnings,
        }

    def run(self):
        """All of it, in order. Raises GuestError where going on makes no sense."""
        self.insmod()
        self.enable_vfs()
        if self.iommu_mode != "strict":
            raise GuestError(f"the IOMMU is in mode {self.iommu_mode}, not strict")
        self.bring_up()
        self.exchange_traffic()
        self.run_nested()
        self.tear_down()


def move_to_namespace(function):
    """Shell commands that give a function's netdev a namespace, an address and the word to come up."""
    name, netdev = function.label, function.netdev
    return (f"ip netns add {name}; ip link set {netdev} netns {name}; ip -n {name} link set lo up\n"
            f"ip -n {name} addr add {function.address}/24 dev {netdev}; ip -n {name} link set {netdev} up")


def protection_of(vectors):
    return "remapped" if all(vector.remapped for vector in vectors) else "DIRECT"


def summary(entry):
    """An entry of `traffic` in words."""
    text = (f"{entry['ping']['received']}/{entry['ping']['sent']} pings, {entry['ping']['rtt_avg_ms']} ms, "
            f"{traffic.megabits(entry['iperf3'])} Mbit/s")
    if "iperf3_reverse" in entry:
        text += f" out, {traffic.megabits(entry['iperf3_reverse'])} in"
    return text


def boot():
    screen.title("A guest on the stock kernel: IOMMU strict, interrupts remapped, two 82576 ports on one wire")
    with screen.step("boot") as done:
        vm = Vm(mode="strict", ports=2, name="demo")
        done.result = f"Linux {vm.kernel.release}, QEMU {vm.accel}"
    return vm


def write_report(report):
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    part = REPORT.with_suffix(".part")
    part.write_text(json.dumps(report, indent=1) + "\n")
    part.rename(REPORT)


def main():
    # So that guests are ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    REPORT.unlink(missing_ok=True)
    start = time.monotonic()
    failures = []
    try:
        with boot() as vm:
            demo = Demo(vm, make_functions())
            failures = demo.failures
            demo.run()
            write_report(demo.report())
    except (GuestError, DirtyLog) as error:
        failures.append(str(error))
    except KeyboardInterrupt:
        return 130
    if failures:
        print("\nFAILED:\n  " + "\n  ".join(failures), file=sys.stderr)
        print("Logs: build/log/demo", file=sys.stderr)
        return 1
    print(f"\nAll good in {time.monotonic() - start:.0f} s. Report: {REPORT.relative_to(paths.REPO)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
