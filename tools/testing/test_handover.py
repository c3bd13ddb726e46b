# SPDX-License-Identifier: GPL-2.0
"""A VF handed to a process in user space by VFIO and taken back, again and again, whatever the process does to it."""

import signal

from vfs import LIMIT, NUMVFS, VFS, carrier, endless, facts, place, reaches, run_all, start, until

LEAST = 50
"""Rounds unless ROUNDS asks for more; one takes 2.4 s."""

VF = VFS[1]
DEVICE = f"/sys/bus/pci/devices/{VF}"

FAULT = rf"DMAR: .*(handling fault|Request device \[{VF}\])|DMAR: .*fault storm"
"""What the kernel logs of what the VF tries."""

HOLDER = r'''
import fcntl, os, mmap, struct, sys, time
function, group = sys.argv[1:]
container = os.open("/dev/vfio/vfio", os.O_RDWR)
group = os.open("/dev/vfio/" + group, os.O_RDWR)
fcntl.ioctl(group, 0x3b68, struct.pack("i", container))     # VFIO_GROUP_SET_CONTAINER
fcntl.ioctl(container, 0x3b66, 3)                           # VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU
device = fcntl.ioctl(group, 0x3b6a, bytearray(function.encode() + b"\0"))   # VFIO_GROUP_GET_DEVICE_FD
os.pwrite(device, struct.pack("<H", 6), (7 << 40) + 4)      # configuration space: memory, bus master
bar = mmap.mmap(device, 16384)
def word(at, value):
    bar[at:at + 4] = struct.pack("<I", value)
for message in range(5):
    word(0xc40, 4)                                          # V2PMAILBOX.VFU
    word(0x800, 1 if message == 0 else 0x77)                # RESET, then what no PF knows
    word(0xc40, 1)                                          # REQ
    time.sleep(0.05)
for at in (0x2800, 0x3800):                                 # rings at an address that is nobody's, with a head and a tail
    word(at + 0x04, 0x5a); word(at + 0x08, 4096); word(at + 0x28, 1 << 25)
word(0x3818, 64)
print("holds", flush=True)
time.sleep(600)
'''


def bind(driver, vf=VF):
    """Shell commands that give a VF to a driver."""
    device = f"/sys/bus/pci/devices/{vf}"
    return (f"[ ! -e {device}/driver ] || echo {vf} >{device}/driver/unbind; echo {driver} >{device}/driver_override; "
            f"echo {vf} >/sys/bus/pci/drivers_probe; [ $(basename $(readlink {device}/driver)) = {driver} ]")


def put_holder(vm):
    vm.check(f"modprobe vfio-pci && cat >/run/holder.py <<'EOF'\n{HOLDER}EOF")


def prepare(vm):
    start(vm)
    put_holder(vm)


def hold(vm):
    """Gives the VF to vfio-pci and starts a process that uses it."""
    vm.check(bind("vfio-pci"))
    process = vm.start(f"exec python3 /run/holder.py {VF} $(basename $(readlink {DEVICE}/iommu_group))")
    process.wait_for("holds", timeout=LIMIT)
    return process


def kill(process):
    process.signal(signal.SIGKILL)
    process.wait(LIMIT)


def test_rounds(guest, rounds):
    """The process is killed each time; nothing of it is left with the VF, and its neighbours' traffic goes on."""
    vm = guest()
    prepare(vm)
    address = facts(vm, 1)["address"]
    flow = endless(vm, "v0", "w")
    # What the process does with rings at an address that is nobody's the IOMMU stops, and says so.
    with vm.expecting(FAULT):
        for _ in range(max(LEAST, rounds)):
            kill(hold(vm))
            run_all(vm, bind("igbvf_rs"), place(VF, "v1"), until(carrier("v1")), reaches("v1", "w"))
            assert facts(vm, 1)["address"] == address
    assert flow.running
    flow.stop()


def test_disable_while_held(guest):
    """`echo 0` waits for the process, not for ever, and ends when the process does."""
    vm = guest()
    prepare(vm)
    with vm.expecting(FAULT, required=False):
        process = hold(vm)
        write = vm.start(f"echo 0 >{NUMVFS} && cat {NUMVFS}")
        vm.wait_until(f"[ ! -e /sys/bus/pci/devices/{VFS[0]} ]", timeout=LIMIT)
        run_all(vm, "sleep 2", reaches("pf", "w"))
        assert write.running
        kill(process)
        assert write.wait(LIMIT).out == "0"
    run_all(vm, f"[ ! -e {DEVICE} ]", f"echo 2 >{NUMVFS}", place(VFS[0], "v0"), until(carrier("v0")), reaches("v0", "w"))


def test_unload_while_held(guest):
    """So does `rmmod` of the PF's driver; it comes again, with new VFs, as if nothing had been."""
    vm = guest()
    prepare(vm)
    with vm.expecting(FAULT, required=False):
        process = hold(vm)
        unload = vm.start("exec rmmod igb_rs")
        vm.wait_until(f"[ ! -e /sys/bus/pci/devices/{VFS[0]} ]", timeout=LIMIT)
        # The port at the other end of the wire goes first, it has the same driver.
        run_all(vm, "sleep 2", carrier("pf"), f"[ -e {DEVICE} ]")
        assert unload.running
        kill(process)
        assert unload.wait(LIMIT).ok
    run_all(vm, f"[ ! -e {DEVICE} ]", "[ ! -d /sys/module/igb_rs ]", "rmmod igbvf_rs", "ip -all netns delete")
    start(vm)
    run_all(vm, reaches("v0", "w"), reaches("v1", "v0"))
