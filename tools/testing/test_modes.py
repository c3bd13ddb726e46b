# SPDX-License-Identifier: GPL-2.0
"""The PF under traffic in every IOMMU mode: what protects the machine meanwhile, and who gets the interrupts."""

import subprocess

import pytest

import ports
from conftest import MODES
from ports import BDF, DEBUGFS, DEVICES, LIMIT, until

PRIVATE, DMA, NONE = "private", "dma", "none"

AUTOMATIC = {"strict": PRIVATE, "lazy": PRIVATE, "passthrough": PRIVATE, "none": NONE}
"""Domain per IOMMU mode, unless the module is told otherwise."""


REMAPPED = ("strict", "lazy", "passthrough")
"""Where interrupts are remapped: Linux does not find that QEMU's AMD IOMMU can."""


def iommu_file(vm, bdf):
    """The debugfs file as a dictionary; ranges as a list of lists of words."""
    values, ranges = {}, []
    for line in vm.check(f"cat {DEBUGFS}/{bdf}/iommu").splitlines():
        key, value = line.split(":", 1)
        if key == "range":
            ranges.append(value.split())
        else:
            values[key] = value.strip()
    return values, ranges


def vectors(vm, bdf):
    """The debugfs file: (index, irq, name, chip, remapped, cpu) per vector."""
    return [tuple(line.split()) for line in vm.check(f"cat {DEBUGFS}/{bdf}/vectors").splitlines()]


def group(vm, bdf):
    """The number of a function's IOMMU group as sysfs has it, "none" without."""
    return vm.check(f"basename $(readlink {DEVICES}/{bdf}/iommu_group || echo none)")


@pytest.mark.parametrize("mode", [*MODES, "amd"])
def test_running(guest, mode):
    """With the interface up: memory in the domain with permissions, vectors through remapping, and all of it used."""
    vm = guest(mode=mode)
    since = vm.mark()
    ports.start(vm)
    ports.run_all(vm, ports.pings("pf", "w"), ports.pings("w", "pf", size=4000))
    # So many that no queue is without one.
    ports.stream(vm, "pf", "w", 32, more="-P 16")
    ports.stream(vm, "w", "pf", 32, more="-P 16")
    values, ranges = iommu_file(vm, BDF["pf"])
    assert int(values["blocks"]) == len(ranges) > 0
    assert int(values["bytes"]) == sum(int(line[4]) for line in ranges) > 0
    assert 0 < int(values["region_bytes"]) <= int(values["bytes"])
    # What is sent may not be written by the device, what is received may not be read; without an IOMMU all may be.
    guarded = {"ring": "rw", "tx": "r-", "rx": "-w"}
    assert {line[2]: line[1] for line in ranges} == (dict.fromkeys(guarded, "rw") if mode == "none" else guarded)
    if values["domain"] == PRIVATE:
        assert {"4K", "2M"} <= set(values["page_sizes"].split())
        assert "2M" in {line[3] for line in ranges}
        spans = sorted(tuple(int(end, 16) for end in line[0].split("-")) for line in ranges)
        assert all(first[1] < second[0] for first, second in zip(spans, spans[1:]))
    shown = vectors(vm, BDF["pf"])
    assert [line[0] for line in shown] == [str(index) for index in range(len(shown))] and len(shown) == 3
    interrupts = vm.check("cat /proc/interrupts").splitlines()
    for _, irq, name, chip, remapped, cpu in shown:
        line, = [line for line in interrupts if line.split(":")[0].strip() == irq]
        assert line.endswith(name) and chip in line
        assert remapped == ("remapped" if mode in REMAPPED else "direct")
        assert chip.startswith("IR-") == (mode in REMAPPED)
        assert sum(map(int, line.split()[1:3])) > 0, f"never fired: {line}"
        assert vm.check(f"cat /proc/irq/{irq}/effective_affinity_list") == cpu
    assert len({line[5] for line in shown[1:]}) == 2, "queue vectors are not spread over the CPUs"
    assert vm.dmar_faults(since) == 0
    # Down again: nothing of it is left.
    vm.check("ip -n pf link set pf down")
    values, ranges = iommu_file(vm, BDF["pf"])
    assert (values["regions"], values["region_bytes"]) == ("0", "0")


def test_aliases():
    """modprobe can find the module by the device."""
    out = subprocess.run(["modinfo", "-F", "alias", "build/igb_rs.ko"], check=True, capture_output=True, text=True).stdout
    assert "pci:v00008086d000010C9sv" in out


def test_unbind_under_traffic(guest):
    """The device goes away under a stream, comes back, and works."""
    vm = guest()
    ports.start(vm)
    stream = ports.Endless(vm)
    stream.flows()
    vm.check(f"echo {BDF['pf']} >/sys/bus/pci/drivers/igb_rs/unbind", timeout=LIMIT)
    stream.process.stop()
    vm.check(f"set -e\necho {BDF['pf']} >/sys/bus/pci/drivers/igb_rs/bind\nip netns delete pf\n{ports.place('pf')}"
             f"{until(ports.carrier('pf'))}", timeout=LIMIT)
    ports.run_all(vm, ports.pings("w", "pf"))
