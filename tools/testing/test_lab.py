# SPDX-License-Identifier: GPL-2.0
"""The lab itself: guests boot in every IOMMU mode, and the verdict on the kernel log is a true one."""

import os
import signal

import pytest

import debugging
from conftest import Guests
from lab import CommandFailed, DirtyLog, GuestError, kernlog


def test_iommu_mode(guest, mode):
    vm = guest(mode=mode)
    groups = vm.check("ls /sys/kernel/iommu_groups | wc -l")
    assert (int(groups) > 0) == (mode != "none")
    if mode == "none":
        return
    port = vm.ports[0]
    kind = vm.check(f"cat /sys/bus/pci/devices/{port}/iommu_group/type")
    assert kind == {"strict": "DMA", "lazy": "DMA-FQ", "passthrough": "identity"}[mode]


def test_ports(guest):
    vm = guest()
    assert len(vm.ports) == 2
    for port in vm.ports:
        assert vm.check(f"cat /sys/bus/pci/devices/{port}/sriov_totalvfs") in ("7", "8")


def test_commands(guest):
    vm = guest()
    result = vm.run("echo out; echo err >&2; exit 3")
    assert (result.rc, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert vm.check(["printf", "%s", "a b"]) == "a b"
    assert vm.check("cat", stdin="in") == "in"
    with pytest.raises(CommandFailed):
        vm.check("false")


def test_timeout(guest):
    vm = guest()
    result = vm.run("sleep 86400", timeout=1)
    assert result.timeout and not result.ok


def test_background(guest):
    vm = guest()
    process = vm.start("echo ready; sleep 60")
    process.wait_for("ready")
    assert process.running
    assert process.stop().rc == -15
    assert not vm.run("pidof sleep").ok


def test_files(guest):
    vm = guest()
    data = bytes(range(256)) * 3000
    vm.put("/tmp/data", data)
    assert vm.get("/tmp/data") == data
    with pytest.raises(GuestError):
        vm.get("/tmp/nothing")


@pytest.mark.parametrize("line", [
    "WARNING: CPU: 0 PID: 1 at drivers/net/x.c:1 f+0x1/0x2",
    "BUG: kernel NULL pointer dereference, address: 0000000000000000",
    "Oops: Oops: 0000 [#1] SMP",
    "Call Trace:",
    "DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x200000000",
    "igb_rs 0000:01:00.0 eth0: NETDEV WATCHDOG: CPU: 0: transmit queue 0 timed out 5000 ms",
    "INFO: task ip:12 blocked for more than 120 seconds.",
    "rust_kernel: panicked at 'x'",
    "AMD-Vi: IOMMU 0000:00:03.0: Completion-Wait loop timed out",
    "kmemleak: Kernel memory leak detector disabled",
    "DMA-API: debugging out of memory - disabling",
    "DMA-API: cacheline tracking ENOMEM, dma-debug disabled",
    "turning off the locking correctness validator.",
    "Disabling lock debugging due to kernel taint",
    "ODEBUG: Out of memory. ODEBUG disabled",
    "BUG kmalloc-64 (Tainted: G           O      ): Right Redzone overwritten",
])
def test_verdict_catches(guest, line):
    vm = guest()
    with vm.expecting(".", required=False):
        since = vm.mark()
        vm.put("/dev/kmsg", f"<4>{line}\n")
        assert any(line in found for found in kernlog.findings(vm.log(since, vm.mark())))


@pytest.mark.parametrize("stamp", ["", "[    1.500000] ", "[    1.500000][  T270] ", "[    1.500000][    C0] "])
def test_verdict_spares_notes(stamp):
    """The lab's own lines may name what is bad, however the kernel begins a line; nobody else's may."""
    assert not kernlog.findings([f"{stamp}lab: test test_x[WARNING: made up]"])
    assert kernlog.findings([f"{stamp}labyrinth: WARNING: made up"]) == [f"{stamp}labyrinth: WARNING: made up"]


def test_verdict_raises(guest):
    vm = guest()
    since = vm.mark()
    with vm.expecting("made up"):
        vm.put("/dev/kmsg", "<4>WARNING: made up\n")
        with pytest.raises(DirtyLog):
            vm.assert_clean(since)
    vm.assert_clean(since)
    with pytest.raises(DirtyLog):
        with vm.expecting("never said"):
            pass


def test_logged(guest):
    vm = guest()
    vm.put("/dev/kmsg", "<6>made up 1\n")
    since = vm.mark()
    vm.start("sleep 1; echo '<6>made up 2' >/dev/kmsg")
    assert "made up 2" in vm.logged("made up", since)
    with pytest.raises(GuestError):
        vm.logged("never said", since, timeout=1)


def test_death_is_noticed():
    """A guest that dies between two tests is not replaced without a word, nor forgotten at the end."""
    pool = Guests()
    for look in (lambda: pool.get(memory=512), pool.close):
        vm = pool.get(memory=512)
        os.kill(vm.pid, signal.SIGKILL)
        with pytest.raises(AssertionError, match=f"guest {vm.name} died between tests"):
            look()
    pool.close()


def test_clean_boot(guest, mode):
    guest(mode=mode).assert_clean(allow=debugging.KERNELS_OWN)


def test_link_can_be_pulled(guest):
    vm = guest()
    # By its address: a port that an earlier test removed and found again is probed last, and eth0 is the other one.
    device = f"/sys/bus/pci/devices/{vm.ports[0]}/net"
    vm.check(f"modprobe igb && ip link set $(ls {device}) up")
    carrier = f"[ $(cat {device}/*/carrier) = %d ]"
    vm.wait_until(carrier % 1)
    vm.set_link(0, False)
    vm.wait_until(carrier % 0)
    vm.set_link(0, True)
    vm.wait_until(carrier % 1)
