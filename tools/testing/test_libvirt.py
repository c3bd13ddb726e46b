# SPDX-License-Identifier: GPL-2.0
"""libvirt's own QEMU driver hands a VF to a VM: `<interface type='hostdev' managed='yes'>` with address and VLAN."""

from vfs import LIMIT, VFS, carrier, facts, place, reaches, run_all, start, until

FOLDER = "/run/libvirt-test"

DOMAIN = """
<domain type='qemu'>
  <name>vm</name>
  <memory unit='MiB'>128</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <interface type='hostdev' managed='yes'>
      <source><address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source>
      <mac address='02:82:57:60:00:0b'/>
      <vlan><tag id='42'/></vlan>
    </interface>
  </devices>
</domain>
"""

CONFIG = """
user = "root"
group = "root"
swtpm_user = "root"
swtpm_group = "root"
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
"""
"""What a guest without systemd has not."""


def test_hostdev_interface(guest):
    """libvirt takes the VF from our driver, sets address and VLAN through our PF, and undoes all of it when the VM ends."""
    vm = guest()
    start(vm)
    before = facts(vm, 0) | {"stats": None}
    # libvirt looks for interfaces of PF and VF where it is itself.
    run_all(vm, "modprobe vfio-pci", "ip -n pf link set pf netns 1", "ip -n v0 link set v0 netns 1", f"mkdir -p {FOLDER}/etc", "ip link set pf up",
            f"echo '{CONFIG}' >{FOLDER}/etc/qemu.conf", f"cat >{FOLDER}/vm.xml <<'END'{DOMAIN}END\n")
    driver = f"basename $(readlink /sys/bus/pci/devices/{VFS[0]}/driver)"
    run = vm.start(f"exec virt-qemu-run --verbose --root {FOLDER} {FOLDER}/vm.xml 2>&1")
    run.wait_for("guest running", timeout=2 * LIMIT)
    run_all(vm, "ip link show pf | grep 'vf 0 ' | grep 'link/ether 02:82:57:60:00:0b' | grep -q 'vlan 42'",
            f"[ $({driver}) = vfio-pci ]", f"[ $(basename $(readlink /sys/bus/pci/devices/{VFS[1]}/driver)) = igbvf_rs ]",
            reaches("v1", "w"))
    assert run.running, run.stdout
    run.signal(15)
    run.wait(LIMIT)
    assert ": error :" not in run.stdout, run.stdout
    run_all(vm, until(f"[ $({driver}) = igbvf_rs ]"), "ip link set pf netns pf", "ip -n pf link set pf up")
    assert facts(vm, 0) | {"stats": None} == before
    run_all(vm, place(VFS[0], "v0"), until(carrier("v0")), reaches("v0", "w"), reaches("v0", "v1"))
