# SPDX-License-Identifier: GPL-2.0
"""Shell commands that set a guest's functions back, so that traffic has to pass: each must be carried out."""

import json

from vfs import DEVICES, NUMVFS, PF, VFS, WIRE, address, carrier, place, until

FUNCTIONS = {"pf": PF, "v0": VFS[0], "v1": VFS[1]}
"""Name of namespace and interface to address of the PCI function."""

SYS = "/run/fuzz/sys"

MOUNTS = f"""
ip netns add away
mkdir -p {SYS}/init; mount --bind /sys {SYS}/init
for space in {' '.join(FUNCTIONS)} away; do
    mkdir -p {SYS}/$space; nsenter --net=/run/netns/$space mount -t sysfs sysfs {SYS}/$space || exit 1
done
echo 1 >/proc/sys/kernel/sysrq
"""
"""A sysfs for each namespace."""

MODULES = ("sch_prio sch_tbf sch_sfq sch_red sch_netem sch_cake sch_htb sch_multiq sch_codel sch_pie sch_drr sch_choke sch_mqprio "
           "sch_etf sch_ets sch_hhf sch_plug sch_cbs sch_taprio sch_fq sch_hfsc sch_ingress cls_u32 cls_flower cls_matchall cls_basic "
           "act_gact act_skbedit act_police act_csum act_vlan act_mirred act_pedit 8021q macvlan bridge")
"""Modules that commands need, as far as the kernel has them: what a command waits for shall not be a file."""


def features(vm, name):
    """`ethtool -K` arguments that set the interface's features to what they are now."""
    shown = json.loads(vm.check(f"ip netns exec {name} ethtool --json -k {name}"))[0]
    return " ".join(f"{feature} {'on' if state['active'] else 'off'}" for feature, state in shown.items()
                    if isinstance(state, dict) and not state["fixed"])


PCI = f"""
echo default >{DEVICES}/{PF}/reset_method 2>/dev/null
for function in {' '.join(FUNCTIONS.values())}; do
    [ -e {DEVICES}/$function ] || continue
    echo 1 >{DEVICES}/$function/msi_bus
    echo on >{DEVICES}/$function/power/control
    echo >{DEVICES}/$function/driver_override
done
set -e
[ -e {DEVICES}/{PF} ] || echo 1 >/sys/bus/pci/rescan
[ -e {DEVICES}/{PF}/driver ] || echo {PF} >/sys/bus/pci/drivers/igb_rs/bind
[ $(<{NUMVFS}) = 2 ] || {{ echo 0 >{NUMVFS}; echo 2 >{NUMVFS}; }}
for function in {' '.join(VFS[:2])}; do
    group={DEVICES}/$function/iommu_group/type
    [ $(<$group) = DMA ] || {{
        [ ! -e {DEVICES}/$function/driver ] || echo $function >{DEVICES}/$function/driver/unbind
        echo DMA >$group
    }}
    [ -e {DEVICES}/$function/driver ] || echo $function >/sys/bus/pci/drivers/igbvf_rs/bind
done
"""
"""Functions have their drivers, and VFs are there."""


def at_home(name):
    """Shell commands that put an interface into its namespace under its name, wherever it is, with nothing on top or above."""
    function = FUNCTIONS[name]
    return f"""
found=
for try in {{1..100}}; do
    for space in {' '.join(FUNCTIONS)} away init; do
        names=({SYS}/$space/bus/pci/devices/{function}/net/*)
        [ ! -e ${{names[0]}} ] || {{ found=$space; break 2; }}
    done
    read -rt 0.1 <>/run/lab/never || :
done
[ "$found" ] || {{ echo 'no interface of {function}'; exit 1; }} >&2
[ $found = init ] && enter= || enter="nsenter --net=/run/netns/$found"
old=${{names[0]##*/}}
[ $found = {name} ] && [ "$old" = {name} ] || $enter ip link set dev "$old" down name {name} netns {name}
for other in $(ip -n {name} -br link show | cut -d ' ' -f 1 | cut -d @ -f 1); do
    [ $other = lo ] || [ $other = {name} ] || ip -n {name} link delete dev $other
done
"""


def usual(name, wanted):
    """Shell commands that give an interface its usual settings."""
    within = f"ip netns exec {name}"
    return f"""
tc -n {name} qdisc delete dev {name} clsact 2>/dev/null || :
tc -n {name} qdisc delete dev {name} root 2>/dev/null || :
ip -n {name} link set dev {name} nomaster
ip -n {name} link set dev {name} down
ip -n {name} -batch - <<<"link set dev {name} mtu 1500 txqlen 1000 promisc off allmulticast off arp on multicast on mode default
link set dev {name} gso_max_size 65536 gso_max_segs 65535 gro_max_size 65536
link set dev {name} xdp off
link set dev {name} up
addr flush dev {name}
addr add {address(name)}/24 dev {name}
neigh flush all"
{within} ethtool -K {name} {wanted} || :
"""


ADMINISTRATOR = "\n".join(
    f"ip -n pf link set dev pf vf {vf} vlan 0 qos 0\nip -n pf link set dev pf vf {vf} max_tx_rate 0\n"
    f"ip -n pf link set dev pf vf {vf} spoofchk on\nip -n pf link set dev pf vf {vf} state auto\n"
    f"ip -n pf link set dev pf vf {vf} trust off" for vf in (0, 1))

# One after the other: the first message of both would leave the forced speed as it is, which nobody knows without a link.
LINK = "".join(f"ip netns exec pf ethtool -s pf {what}\n" for what in ("autoneg on advertise 0x2f", "mdix auto"))


def script(wanted):
    """All of it; `wanted` has the features of each function."""
    homes = "".join(f"( {at_home(name)} )\n" for name in FUNCTIONS)
    settings = "".join(usual(name, wanted[name]) for name in FUNCTIONS)
    carriers = "\n".join(until(carrier(name)) for name in (*FUNCTIONS, "w"))
    return f"{PCI}\n{homes}\n{LINK}{ADMINISTRATOR}\n{settings}\n{carriers}"


__all__ = ["FUNCTIONS", "MODULES", "MOUNTS", "WIRE", "features", "place", "script"]
