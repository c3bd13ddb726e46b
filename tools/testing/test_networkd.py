# SPDX-License-Identifier: GPL-2.0
"""systemd's own programs administer and name VFs: networkd with a section [SR-IOV], udev."""

from vfs import LIMIT, NUMVFS, PF, VFS, insmod, run_all, until

FOLDER = "/run/systemd/network"

NETWORK = """
[Match]
Name=port0
[Network]
LinkLocalAddressing=no
[SR-IOV]
VirtualFunction=0
MACAddress=02:82:57:60:00:0a
VLANId=5
QualityOfService=1
MACSpoofCheck=no
Trust=yes
[SR-IOV]
VirtualFunction=1
LinkState=no
"""


def test_sriov_section(guest):
    """Every setting of the section that the device has is carried out without an error."""
    vm = guest()
    udevd, networkd = "/usr/lib/systemd/systemd-udevd", "/usr/lib/systemd/systemd-networkd"
    run_all(vm, insmod("igb_rs"), insmod("igbvf_rs"), f"ip link set $(ls /sys/bus/pci/devices/{PF}/net) name port0",
            f"echo 2 >{NUMVFS}", f"mkdir -p {FOLDER} /run/systemd/netif/links",
            "chown -R systemd-network: /run/systemd/netif", f"echo '{NETWORK}' >{FOLDER}/10-port0.network")
    udev = vm.start(f"exec {udevd}")
    network = None
    try:
        run_all(vm, until("[ -e /run/udev/control ]"), "udevadm control --ping --timeout=60",
                "udevadm trigger --action=change --subsystem-match=net --settle")
        network = vm.start(f"exec env SYSTEMD_LOG_TARGET=console {networkd} 2>&1")
        shown = "ip -d link show port0"
        run_all(vm, until(f"{shown} | grep 'vf 0 ' | grep 'link/ether 02:82:57:60:00:0a' | grep 'vlan 5, qos 1' | "
                          "grep 'spoof checking off' | grep -q 'trust on'"),
                until(f"{shown} | grep 'vf 1 ' | grep -q 'link-state disable'"))
        assert network.running
        assert "SR-IOV" not in network.stdout, network.stdout
    finally:
        for process in (network, udev):
            if process:
                process.stop()
        vm.run(f"rm -rf {FOLDER} /run/systemd/netif /run/udev")


def test_names(guest):
    """What udev calls a VF says which VF of which port it is."""
    vm = guest()
    run_all(vm, insmod("igb_rs"), insmod("igbvf_rs"), f"echo 7 >{NUMVFS}")
    names = []
    for function in (PF, *VFS):
        said = vm.check(f"udevadm test-builtin net_id $(ls -d /sys/bus/pci/devices/{function}/net/*) 2>/dev/null", timeout=LIMIT)
        names += [line.split("=")[1] for line in said.splitlines() if line.startswith("ID_NET_NAME_PATH=")]
    assert names == ["enp1s0", *(f"enp1s0v{vf}" for vf in range(7))], names
