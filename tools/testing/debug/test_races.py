# SPDX-License-Identifier: GPL-2.0
"""Several shells fight over one port and its VFs; lockdep and KASAN look on."""

import os

import ports
from lab import patience
from ports import BDF, LIMIT, within
from vfs import NUMVFS, VFS

SECONDS = int(os.environ.get("RACE_SECONDS") or 60)
"""How long they fight."""

PF = "/sys/bus/pci/devices/" + BDF["pf"]
VF_DRIVER = "/sys/bus/pci/drivers/igbvf_rs"

# What each shell picks from, at random. Each order may fail, as its object may be gone or in another's hands.
SHELLS = {
    "vfs": [f"echo 0 >{NUMVFS}", f"echo 2 >{NUMVFS}", f"echo 0 >{NUMVFS}; echo 7 >{NUMVFS}"],
    "administrator": [
        "ip -n pf link set pf vf 0 mac 02:82:57:60:00:0a", "ip -n pf link set pf vf 1 vlan 5 qos 1",
        "ip -n pf link set pf vf 0 vlan 0", "ip -n pf link set pf vf 1 trust on spoofchk off",
        "ip -n pf link set pf vf 0 state disable", "ip -n pf link set pf vf 0 state auto",
        "ip -n pf link set pf vf 1 max_tx_rate 100"],
    "settings": [
        *(within("pf", f"ethtool {order}") for order in (
            "-G pf rx 512 tx 64", "-G pf rx 64 tx 512", "-L pf combined 1", "-L pf combined 2", "-K pf rxhash off gro off",
            "-K pf rxhash on rxvlan off", "-K pf rxvlan on", "-C pf rx-usecs 10", "-C pf adaptive-rx on", "-A pf rx off tx off",
            "-A pf rx on tx on", "-s pf speed 100 duplex full autoneg on", "-X pf equal 1", "-r pf"))],
    "interface": [
        "ip -n pf link set pf down", "ip -n pf link set pf up", "ip -n pf link set pf mtu 9000", "ip -n pf link set pf mtu 1500",
        "ip -n pf link set pf promisc on", "ip -n pf link set pf promisc off",
        "ip -n pf link add link pf name v9 type vlan id 9; ip -n pf link delete v9",
        "ip -n pf maddr add 33:33:00:00:00:77 dev pf; ip -n pf maddr delete 33:33:00:00:00:77 dev pf"],
    "resets": [f"echo 1 >{PF}/reset", within("pf", "ethtool -t pf online")],
    "reader": [
        within("pf", "ethtool -S pf"), within("pf", "ethtool -d pf"), within("pf", "ethtool pf"), "ip -n pf -s link show pf",
        "for file in /sys/kernel/debug/igb_rs*/*/*; do cat $file; done"],
    "functions": [
        f"echo {VFS[0]} >{VF_DRIVER}/unbind", f"echo {VFS[0]} >{VF_DRIVER}/bind", f"echo 1 >/sys/bus/pci/devices/{VFS[1]}/reset",
        *(f"for i in /sys/bus/pci/devices/{VFS[1]}/net/*; do ip link set ${{i##*/}} {how}; done"
          for how in ("up", "down", "mtu 1400", "mtu 1500"))],
}

SHELL = """
RANDOM={seed}
orders=({orders})
done=0
while [ $SECONDS -lt {seconds} ]; do
    (eval "${{orders[RANDOM % ${{#orders[@]}}]}}") >/dev/null 2>&1
    done=$((done + 1))
done
echo $done
"""


def test_shells(guest, seed):
    """After the fight everything is as one sets it, and the log is clean."""
    vm = guest()
    ports.start(vm)
    vm.check("insmod /mnt/igb_rs/igbvf_rs.ko", timeout=LIMIT)
    print(f"RACE_SECONDS={SECONDS}")
    traffic = vm.start(within("w", f"ping -q -i 0.01 {ports.address('pf')}"))
    shells = {}
    for number, (name, orders) in enumerate(SHELLS.items()):
        listed = " ".join("'" + order.replace("'", "'\\''") + "'" for order in orders)
        vm.put(f"/run/{name}.sh", SHELL.format(seed=(seed + number) % (1 << 15), orders=listed, seconds=SECONDS))
        shells[name] = vm.start(f"bash /run/{name}.sh")
    orders = {name: int(shell.wait(timeout=SECONDS / patience(1) + LIMIT).out) for name, shell in shells.items()}
    print(orders)
    assert all(orders.values()), orders
    traffic.stop()
    vm.check(f"echo 0 >{NUMVFS}; {within('pf', 'ethtool -s pf autoneg on advertise 0x3f')}; "
             f"ip -n pf link set pf up mtu 1500; {ports.until(ports.carrier('pf'))}; {ports.until(ports.carrier('w'))}",
             timeout=2 * LIMIT)
    # Afterwards it is a port like any other: all of these are carried out.
    for order in SHELLS["settings"][:2] + [f"echo 2 >{NUMVFS}", f"echo 0 >{NUMVFS}"]:
        vm.check(order, timeout=LIMIT)
    vm.wait_until(ports.pings("w", "pf", count=5), timeout=LIMIT)
