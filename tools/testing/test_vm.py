# SPDX-License-Identifier: GPL-2.0
"""A VF in a virtual machine: given by VFIO, driven there by our driver, and taken back."""

from netns import all_answered, answered
from streams import account, transfer
from vfs import LIMIT, NUMVFS, VFS, address, carrier, endless, insmod, pings, place, reaches, run_all, server, start, until

INNER = VFS[1]
"""The VF in the machine; VF 0 stays with the host."""

INNER_ADDRESS = address("v1")


def into_vm(vm):
    """Two VFs, the second one in a VM with our driver, up and with a carrier. Returns the VM."""
    start(vm)
    # Its interface goes with its driver.
    inner = vm.nested([INNER])
    function = next(function for function, ids in inner.pci.items() if ids == "8086:10ca")
    inner.check(f"set -e; {insmod('igbvf_rs')}; n=$(ls /sys/bus/pci/devices/{function}/net); ip link set $n name v1\n"
                f"ip addr add {INNER_ADDRESS}/24 dev v1; ip link set v1 up\n"
                + until("ip -o link show v1 | grep -q LOWER_UP"), timeout=2 * LIMIT)
    return inner


def take_back(vm):
    """The VF in the host again, with its driver, and all VFs work."""
    run_all(vm, f"[ ! -e /sys/bus/pci/devices/{INNER}/driver ]", f"echo {INNER} >/sys/bus/pci/drivers/igbvf_rs/bind",
            place(INNER, "v1"), until(carrier("v1")), reaches("v1", "w"), reaches("v1", "v0"))


def ping_from(inner, target):
    inner.check(all_answered(address(target), 10), timeout=LIMIT)


def stream_from(vm, inner, target, reverse=""):
    vm.check(server(target), timeout=LIMIT)
    account(inner.check(transfer(address(target), 2, reverse), timeout=2 * LIMIT), 2)


def test_traffic(guest):
    """A VM talks to everybody while another VF does; it cannot be robbed of its VF; it ends in order."""
    vm = guest()
    with into_vm(vm) as inner:
        flow = endless(vm, "v0", "w")
        for target in ("w", "v0", "pf"):
            ping_from(inner, target)
        flow.stop()
        stream_from(vm, inner, "w")
        stream_from(vm, inner, "w", "-R")
        run_all(vm, "ip -n pf link set pf down", pings("v0", "w", 5))
        ping_from(inner, "w")
        run_all(vm, "ip -n pf link set pf vf 1 mac 02:82:57:60:00:01")
        inner.wait_until("ip -o link show v1 | grep -q 02:82:57:60:00:01 && ip -o link show v1 | grep -q LOWER_UP",
                         timeout=LIMIT)
        inner.check(answered(address("w")), timeout=LIMIT)
        inner.check("rmmod igbvf_rs && insmod /mnt/igb_rs/igbvf_rs.ko && rmmod igbvf_rs")
        inner.assert_clean()
    take_back(vm)


def test_killed(guest):
    """A VM that is killed while it sends leaves a VF that works."""
    vm = guest()
    with into_vm(vm) as inner:
        flow = inner.start(f"ping -q -f {address('w')}")
        ping_from(inner, "w")
        assert flow.running
        vm.check("kill -KILL $(pidof qemu-system-x86_64)")
        vm.wait_until("! pidof qemu-system-x86_64", timeout=LIMIT)
        run_all(vm, pings("v0", "w", 5))
    assert "igbvf_rs" in (inner.logs / "console.log").read_text() and (inner.logs / "qemu.log").exists()
    take_back(vm)


def test_disable_while_assigned(guest):
    """`echo 0` under a running VM waits until the VM has ended; until then VM and PF go on."""
    vm = guest()
    with into_vm(vm) as inner:
        write = vm.start(f"echo 0 >{NUMVFS} && cat {NUMVFS}")
        # VFs go in order: it is the VM's turn now.
        vm.wait_until(f"[ ! -e /sys/bus/pci/devices/{VFS[0]} ]", timeout=LIMIT)
        for target in ("w", "pf"):
            ping_from(inner, target)
        run_all(vm, pings("pf", "w", 5))
        assert write.running
        inner.assert_clean()
    assert write.wait(LIMIT).out == "0"
    run_all(vm, f"[ ! -e /sys/bus/pci/devices/{INNER} ]", f"echo 2 >{NUMVFS}", place(VFS[0], "v0"), until(carrier("v0")),
            reaches("v0", "w"))
