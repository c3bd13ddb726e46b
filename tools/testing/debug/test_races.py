# SPDX-License-Identifier: GPL-2.0
"""Several shells fight over one port and its VFs; lockdep and KASAN look on."""

import os
import shlex

import ports
from faults import record
from lab import patience
from ports import BDF, LIMIT, Endless, place, within
from vfs import DEVICES, NUMVFS, VFS

SECONDS = int(os.environ.get("RACE_SECONDS") or 60)
"""How long they fight."""

PF = f"{DEVICES}/{BDF['pf']}"
PF_DRIVER = "/sys/bus/pci/drivers/igb_rs"
VF_DRIVER = "/sys/bus/pci/drivers/igbvf_rs"
VF = f"$(ls {DEVICES}/{VFS[1]}/net)"
"""The second VF's interface."""

# Binding the PF's driver anew, with what the fight needs of it afterwards; each step may find another's work.
REBIND = f"""
[ ! -e {PF_DRIVER}/{BDF["pf"]} ] || echo {BDF["pf"]} >{PF_DRIVER}/unbind
echo {BDF["pf"]} >{PF_DRIVER}/bind
{place("pf")}"""

# What each shell does, in an order of its own each time. Each order may fail, as its object may be gone or in another's
# hands, but not always. All resets are one shell's: a VF's reset that waits for that of its PF, which waits for
# `sriov_numvfs`, has the VF's attribute open, which `sriov_numvfs` waits for to remove the VF. The kernel locks itself
# up there with any driver.
SHELLS = {
    "vfs": [f"echo 0 >{NUMVFS}", f"echo 0 >{NUMVFS}; echo 2 >{NUMVFS}", f"echo 0 >{NUMVFS}; echo 7 >{NUMVFS}"],
    "administrator": [
        "ip -n pf link set pf vf 0 mac 02:82:57:60:00:0a", "ip -n pf link set pf vf 1 vlan 5 qos 1",
        "ip -n pf link set pf vf 0 vlan 0", "ip -n pf link set pf vf 1 trust on spoofchk off",
        "ip -n pf link set pf vf 0 state disable", "ip -n pf link set pf vf 0 state auto",
        "ip -n pf link set pf vf 1 max_tx_rate 100"],
    "settings": [
        *(within("pf", f"ethtool {order}") for order in (
            "-G pf rx 512 tx 64", "-G pf rx 64 tx 512", "-L pf combined 1", "-L pf combined 2", "-C pf rx-usecs 10",
            "-K pf rxhash off gro off", "-K pf rxhash on rxvlan off", "-K pf rxvlan on", "-C pf adaptive-rx on",
            "-A pf rx off tx off", "-A pf rx on tx on", "-s pf speed 100 duplex full autoneg on", "-X pf equal 1",
            "-r pf"))],
    "interface": [
        *(f"ip -n pf link set pf {how}" for how in ("down", "up", "mtu 9000", "mtu 1500", "promisc on", "promisc off")),
        "ip -n pf link add link pf name v9 type vlan id 9; ip -n pf link delete v9",
        "ip -n pf maddr add 33:33:00:00:00:77 dev pf; ip -n pf maddr delete 33:33:00:00:00:77 dev pf"],
    "resets": [f"echo 1 >{PF}/reset", f"echo 1 >{DEVICES}/{VFS[1]}/reset", within("pf", "ethtool -t pf online"), REBIND],
    "reader": [
        within("pf", "ethtool -S pf"), within("pf", "ethtool -d pf"), within("pf", "ethtool pf"),
        "ip -n pf -s link show pf",
        "for file in /sys/kernel/debug/igb_rs*/*/*; do cat $file; done"],
    "functions": [
        f"echo {VFS[0]} >{VF_DRIVER}/unbind; echo {VFS[0]} >{VF_DRIVER}/bind",
        *(f"ip link set {VF} {how}" for how in ("up", "down", "mtu 1400", "mtu 1500"))],
    "VF settings": [
        *(f"ethtool {how}" for how in (
            f"-G {VF} rx 512 tx 64", f"-G {VF} rx 64 tx 512", f"-C {VF} rx-usecs 10", f"-C {VF} adaptive-rx on",
            f"-K {VF} rx off tso off", f"-K {VF} rx on tso on", f"-S {VF}", f"-d {VF}"))],
}

SATISFIED = "/run/satisfied"
"""Where each shell leaves a file that has carried out all of its orders."""

# An order was carried out if all of it was. While one never was, the fight goes on for all, as a shell's object may be
# another's work; a shell then tries what it has never done, if anything. A mistaken order would have it go on for long.
SHELL = """
RANDOM={seed}
orders=({orders})
tried=() done=()
for i in ${{!orders[@]}}; do tried[i]=0 done[i]=0; done
satisfied=()
while [ $SECONDS -lt {seconds} ] || [[ ${{#satisfied[@]}} -lt {shells} && $SECONDS -lt {longest} ]]; do
    never=()
    for i in ${{!orders[@]}}; do [ ${{done[i]}} != 0 ] || never+=($i); done
    [ ${{#never[@]}} != 0 ] || : >{SATISFIED}/{number}
    satisfied=({SATISFIED}/*)
    choice=(${{!orders[@]}})
    [[ $SECONDS -lt {seconds} || ${{#never[@]}} = 0 ]] || choice=(${{never[@]}})
    i=${{choice[RANDOM % ${{#choice[@]}}]}}
    (set -e; eval "${{orders[i]}}") >/dev/null 2>&1
    [ $? != 0 ] || done[i]=$((done[i] + 1))
    tried[i]=$((tried[i] + 1))
done
echo ${{done[*]}}
echo ${{tried[*]}}
"""


def fight(vm, seed):
    """Runs the shells; returns of each its orders, with how often they were carried out and how often tried."""
    longest = 6 * SECONDS
    shells = {}
    vm.check(f"mkdir {SATISFIED}")
    for number, (name, orders) in enumerate(SHELLS.items()):
        listed = " ".join(shlex.quote(order) for order in orders)
        script = f"/run/shell{number}.sh"
        vm.put(script, SHELL.format(seed=(seed + number) % (1 << 15), orders=listed, seconds=SECONDS, longest=longest,
                                    number=number, shells=len(SHELLS), SATISFIED=SATISFIED))
        shells[name] = vm.start(f"bash {script}")
    figures = {}
    for name, shell in shells.items():
        done, tried = shell.wait(timeout=longest / patience(1) + LIMIT).out.splitlines()
        figures[name] = dict(zip(SHELLS[name], zip(map(int, done.split()), map(int, tried.split()))))
    return figures


def test_shells(guest, seed):
    """Every order is carried out at times; after the fight everything is as one sets it, and the log is clean."""
    vm = guest()
    ports.start(vm)
    vm.check("insmod /mnt/igb_rs/igbvf_rs.ko", timeout=LIMIT)
    print(f"RACE_SECONDS={SECONDS}")
    with Endless(vm):
        pinger = vm.start(within("w", f"ping -q -i 0.01 {ports.address('pf')}"))
        figures = fight(vm, seed)
        print(*(f"{done:4} of {tried:4}  {name}: {order.strip()}" for name, orders in figures.items()
                for order, (done, tried) in orders.items()), sep="\n")
        never = [order for orders in figures.values() for order, (done, _) in orders.items() if not done]
        assert not never, never
        pinger.stop()
        vm.check(f"[ -e {PF}/driver ] && ip -n pf link show pf || {{ {REBIND}\n}}\n"
                 f"echo 0 >{NUMVFS}; {within('pf', 'ethtool -s pf autoneg on advertise 0x3f')}; "
                 f"ip -n pf link set pf up mtu 1500; "
                 f"{ports.until(ports.carrier('pf'))}; {ports.until(ports.carrier('w'))}",
                 timeout=2 * LIMIT)
        # Afterwards it is a port like any other: all of these are carried out.
        for order in SHELLS["settings"][:2] + [f"echo 2 >{NUMVFS}", f"echo 0 >{NUMVFS}"]:
            vm.check(order, timeout=LIMIT)
        vm.wait_until(ports.pings("w", "pf", count=5), timeout=LIMIT)
    record("fight", {name: [sum(column) for column in zip(*orders.values())] for name, orders in figures.items()})
