# SPDX-License-Identifier: GPL-2.0
"""The device is reset, fails or goes away under traffic: everything comes back, with the settings it had."""

import json

import pytest

import dumps
import ports
from streams import carry
from vfs import (DEVICES, LIMIT, NUMVFS, PF, VFS, WIRE, add_vlan, address, carrier, facts, insmod, no_carrier, pings, place,
                 reaches, run_all, server, start, until)

PORT = f"$(basename $(dirname $(readlink -f {DEVICES}/{PF})))"
"""Shell word: address of the root port above the PF."""

SPEED = ("-global", "pcie-root-port.x-speed=5")
"""QEMU's root ports do not report the link as active again after a reset of their bus. Linux waits for that, and calls
the reset a failure, if the port is faster than this."""

SETTINGS = f"""
for name in pf v0; do
    ip netns list | grep -qw $name || continue
    ip -n $name -d -j link show dev $name
    ip -n $name -d -j link show dev vlan5
    for what in -g -c -k; do ip netns exec $name ethtool $what $name; done
    ip netns exec $name ethtool --get-tunable $name rx-copybreak
    ip -n $name maddr show dev $name; bridge -n $name fdb show dev $name
    {dumps.COMMAND.format("$name")}
done
for what in "" -l -a -x; do ip netns exec pf ethtool $what pf; done
ip netns exec pf ethtool -n pf rx-flow-hash udp4
"""
"""Shell commands that print what is set, for comparison."""

TRANSIENT = ("operstate", "stats")


def settings(vm):
    """What is set on the PF, its first VF and by the administrator on the VFs, and what is in their registers, as lines."""
    lines = []
    for line in vm.check(SETTINGS, timeout=LIMIT).splitlines():
        if line.startswith("["):
            (link,) = json.loads(line)
            for facts in (link, *link.get("vfinfo_list", ())):
                for key in TRANSIENT:
                    facts.pop(key, None)
            # The carrier is waited for; this flag is put on and off later, by a thread of the stack.
            link["flags"] = [flag for flag in link["flags"] if flag != "NO-CARRIER"]
            line = json.dumps(link, sort_keys=True)
        lines += dumps.registers(line) if line.startswith("registers") else [line]
    return lines


def counted(vm):
    """All that the drivers count: what the PF says of itself and of the VFs, what a VF says of itself."""
    return {**{f"pf {key}": value for key, value in ports.statistics(vm, "pf").items()},
            **{f"v0 {key}": value for key, value in ports.statistics(vm, "v0").items()},
            **{f"vf {vf} {way} {key}": value for vf in range(2) for way, counts in facts(vm, vf)["stats"].items()
               for key, value in counts.items()}}


JUMP = 1 << 30
"""More than anything here sends. A 32-bit counter that is set back behind a driver's back adds more."""


def counts_on(vm, before):
    """No counter went back, or jumped, since `before`. Returns what they are."""
    now = counted(vm)
    wrong = {key: (had, now[key]) for key, had in before.items() if not had <= now[key] < had + JUMP}
    assert not wrong, wrong
    return now


def flow(vm, source, target):
    """Starts a TCP stream that leaves the guest time for other things; returns its Process once it flows."""
    process = vm.start(f"{server(target)} exec ip netns exec {source} iperf3 -b 20M -i 0.5 -t 36000 --forceflush "
                       f"-c {address(target)}")
    process.wait_for("bits/sec", timeout=LIMIT)
    return process


def set_up(vm):
    """Both drivers, four VFs, nothing as it is by default, and two streams: VF to wire, PF to VF."""
    start(vm, 4)
    pf, v0 = "ip netns exec pf ethtool", "ip netns exec v0 ethtool"
    key = ":".join(f"{index:02x}" for index in range(1, 41))
    run_all(vm, "ip -n pf link set pf vf 0 mac 02:82:57:60:00:01", "ip -n pf link set pf vf 0 trust on",
            "ip -n pf link set pf vf 1 spoofchk off", "ip -n pf link set pf vf 1 max_tx_rate 900",
            "ip -n pf link set pf vf 2 vlan 7 qos 3", "ip -n pf link set pf vf 3 state disable",
            *(f"ip -n {name} link set {name} mtu 3000" for name in ("w", "pf", "v0", "v1")),
            f"{pf} -G pf rx 512 tx 128", f"{v0} -G v0 rx 128 tx 512", f"{pf} -C pf rx-usecs 100", f"{v0} -C v0 rx-usecs 150",
            f"{pf} -K pf tso off", f"{v0} -K v0 tso off rxvlan off", f"{pf} -A pf autoneg off rx off tx on",
            f"{pf} -X pf weight 3 1", f"{pf} -X pf hkey {key}", f"{pf} -N pf rx-flow-hash udp4 sdfn",
            f"{pf} -s pf advertise 0x28", f"{pf} --set-tunable pf rx-copybreak 400", f"{v0} --set-tunable v0 rx-copybreak 300",
            "ip -n pf link set pf address 02:82:57:60:00:10",
            "ip -n pf link set pf promisc on", "ip -n pf link set pf allmulticast on", "ip -n v0 link set v0 allmulticast on",
            *(f"ip -n {name} maddr add 33:33:82:57:60:0{index} dev {name}" for index, name in enumerate(("pf", "v0", "v2"))),
            *(f"bridge -n {name} fdb add 02:82:57:60:01:0{index} dev {name} self permanent" for index, name in enumerate(("pf", "v0"))),
            *(add_vlan(name, 5) for name in ("pf", "v0", "w")), add_vlan("w", 7), f"ip -n v2 addr add {address('v2', 7)}/24 dev v2",
            *(until(carrier(name)) for name in ("pf", "v0", "v1", "v2", "w")), until(no_carrier("v3")))
    return settings(vm), [flow(vm, "v0", "w"), flow(vm, "pf", "v1")]


def recovered(vm, before, flows=()):
    """Links, traffic on all functions, settings; and the streams of before go on."""
    run_all(vm, *(until(carrier(name)) for name in ("pf", "v0", "v1", "v2")), until(no_carrier("v3")),
            *(reaches(name, "w") for name in ("pf", "v0", "v1")), reaches("v0", "v1"), reaches("v2", "w", 7),
            reaches("pf", "w", 5), reaches("v0", "w", 5), pings("v0", "pf", 5, more="-s 2900 -M do"))
    assert settings(vm) == before
    carry(*flows)


ORDERS = {
    "flr-vf": f"echo flr >{DEVICES}/{VFS[0]}/reset_method; echo 1 >{DEVICES}/{VFS[0]}/reset",
    "flr-pf": f"echo flr >{DEVICES}/{PF}/reset_method; echo 1 >{DEVICES}/{PF}/reset",
    "bus": f"echo 1 >{DEVICES}/{PORT}/reset_subordinate",
}


CHANNELS = ("-L pf combined 2", "-X pf weight 3 1"), ("-X pf default", "-L pf combined 1")
"""Orders for ethtool, for every other round."""


@pytest.mark.parametrize("order, mode", [*((order, "strict") for order in ORDERS), ("flr-pf", "amd")])
def test_reset(guest, mode, order, rounds):
    """A function, or the bus with all of them, is reset by sysfs."""
    vm = guest(mode=mode, qemu_args=SPEED if order == "bus" else ())
    before, flows = set_up(vm)
    counters = counted(vm)
    for number in range(rounds):
        if number:
            run_all(vm, *(f"ip netns exec pf ethtool {change}" for change in CHANNELS[number % 2]))
            before, counters = settings(vm), counted(vm)
        vm.check(ORDERS[order], timeout=LIMIT)
        recovered(vm, before, flows)
        counters = counts_on(vm, counters)
    for stream in flows:
        stream.stop()


@pytest.mark.parametrize("order", ["flr-vf", "flr-pf"])
def test_counted_before_reset(guest, order):
    """What the device counted right before a reset is not lost with it."""
    vm = guest()
    start(vm)
    before = counted(vm)
    # An answer may be lost on a busy machine; no more is asked for than the half of them.
    run_all(vm, reaches("v0", "w"), f"ip netns exec v0 ping -q -c 100 -i 0.02 -W 1 {address('w')}; {ORDERS[order]}",
            until(carrier("v0")), until(carrier("pf")))
    gained = {key: value - before[key] for key, value in counts_on(vm, before).items()}
    # The VF's own counters are gone with the PF's reset, of which it does not know before.
    sees = ("pf", "vf 0 rx", "vf 0 tx") if order == "flr-pf" else ("pf", "v0", "vf 0 rx", "vf 0 tx")
    for who in sees:
        for what in [f"{who} packets"] if who.startswith("vf") else [f"{who} rx_packets", f"{who} tx_packets"]:
            assert gained[what] >= 50, (what, gained)


def test_vectors_after_vfs(guest):
    """The vectors that seven VFs leave the PF are fewer than it has without. After a reset beside VFs, and without them then,
    all of them clear themselves again when they fire (EIAC): one that does not fires once."""
    vm = guest()
    register = f"ethtool -d $(ls {DEVICES}/{PF}/net) raw on | od -An -tx4 -w4 -v | sed -n 17p"
    run_all(vm, insmod("igb_rs"), f"echo 7 >{NUMVFS}", f"echo 1 >{DEVICES}/{PF}/reset")
    assert int(vm.check(register), 16) & 0x3ff == 0xf
    run_all(vm, f"echo 0 >{NUMVFS}")
    assert int(vm.check(register), 16) & 0x3ff == 0x3ff


def test_joined_meanwhile(guest):
    """Groups that are joined while the bus is reset are heard afterwards: nobody tells the drivers a second time."""
    vm = guest(qemu_args=SPEED)
    start(vm)
    # Each address has a group of its own.
    addresses = {"pf": ("fd82::82:5701", "33:33:ff:82:57:01"), "v0": ("fd82::82:5702", "33:33:ff:82:57:02")}

    def heard():
        return {name: [line.split()[0] for line in ports.frames(vm, "", group, listener=name)] == [group]
                for name, (_, group) in addresses.items()}

    assert heard() == {"pf": False, "v0": False}
    # A device that is away has no speed. Its time is short: what looks for that and then joins waits for it already.
    looks = {name: f"/run/looks.{name}" for name in addresses}
    join = ("speed() {{ read -r _ </sys/class/net/{0}/speed; }}; speed && >{1}; "
            "while speed; do read -rt 0.01 <>/run/lab/never; done 2>/dev/null; echo addr add {2}/64 dev {0}")
    run_all(vm, "\n".join([
        f"rm -f {' '.join(looks.values())}",
        *(f"ip netns exec {name} bash -c '{join.format(name, looks[name], ip)}' | ip -n {name} -batch - & {name}=$!"
          for name, (ip, _) in addresses.items()),
        *(until(f"[ -e {path} ]") for path in looks.values()),
        f"{{ {ORDERS['bus']}; }} & reset=$!",
        *(f"wait ${name}" for name in addresses),
        "kill -0 $reset; wait $reset"]))
    run_all(vm, *(until(carrier(name)) for name in ("pf", "v0", "w")), *(reaches(name, "w") for name in addresses))
    assert heard() == {"pf": True, "v0": True}


@pytest.mark.parametrize("error", ["COMP_TIME", "DLP"])
def test_bus_error(guest, error, rounds):
    """A nonfatal and a fatal error of the port: the kernel resets the bus below, and the drivers set up their devices again.

    The port's, because QEMU's igb has its error reporting switched off for good.
    """
    vm = guest(qemu_args=SPEED)
    before, flows = set_up(vm)
    counters = counted(vm)
    vm.check(f"setpci -s {PORT} BRIDGE_CONTROL=0002:0002 COMMAND=0100:0100")
    for _ in range(rounds):
        since = vm.mark()
        answer = vm.qmp("human-monitor-command", **{"command-line": f"pcie_aer_inject_error port0 {error}"})
        assert answer.startswith("OK"), answer
        assert "successful" in vm.logged("AER: device recovery", since, LIMIT)
        recovered(vm, before, flows)
        counters = counts_on(vm, counters)
    for stream in flows:
        stream.stop()


def test_bus_error_without_recovery(guest):
    """The bus does not come back after an error: requests are refused, nothing hangs, and a rescan finds the port again."""
    vm = guest()
    start(vm)
    vm.check(f"setpci -s {PORT} BRIDGE_CONTROL=0002:0002 COMMAND=0100:0100")
    since = vm.mark()
    vm.qmp("human-monitor-command", **{"command-line": "pcie_aer_inject_error port0 DLP"})
    assert "failed" in vm.logged("AER: device recovery", since, LIMIT)
    run_all(vm, "! ip -n pf link set pf mtu 2000", f"! ip netns exec v0 ethtool -G v0 rx 128", f"echo 0 >{NUMVFS}",
            f"echo 1 >{DEVICES}/{PF}/remove", "echo 1 >/sys/bus/pci/rescan", until(f"[ -d {DEVICES}/{PF}/net ]"))


def vlan_filters(vm):
    """The device's filters of VLANs, of PF and VFs, as lines."""
    return [line for line in dumps.registers(vm.check(dumps.COMMAND.format("pf"))) if "VLVF" in line or "VFTA" in line]


def test_reset_after_no_recovery(guest):
    """A function without a driver keeps the kernel from recovering from an error; a reset by hand brings the others back,
    without the VLANs that went meanwhile."""
    vm = guest(qemu_args=SPEED)
    start(vm)
    run_all(vm, add_vlan("pf", 5), add_vlan("v0", 5))
    filters = vlan_filters(vm)
    run_all(vm, add_vlan("pf", 9), add_vlan("v0", 9))
    assert len(vlan_filters(vm)) > len(filters)
    vm.check(f"echo {VFS[1]} >{DEVICES}/{VFS[1]}/driver/unbind; setpci -s {PORT} BRIDGE_CONTROL=0002:0002 COMMAND=0100:0100")
    since = vm.mark()
    vm.qmp("human-monitor-command", **{"command-line": "pcie_aer_inject_error port0 COMP_TIME"})
    assert "failed" in vm.logged("AER: device recovery", since, LIMIT)
    run_all(vm, "! ip -n pf link set pf mtu 2000", "! ip -n v0 link set v0 mtu 2000",
            "ip -n pf link delete vlan9", "ip -n v0 link delete vlan9",
            *(f"echo 1 >{DEVICES}/{function}/reset" for function in (PF, VFS[0])),
            *(until(carrier(name)) for name in ("pf", "v0")), pings("pf", "w"), pings("v0", "w"), pings("v0", "pf"))
    assert vlan_filters(vm) == filters


def test_priority_tags(guest):
    """Frames with a priority and no VLAN come in before and after a reset, also if nothing in the kernel knows VLANs."""
    vm = guest()
    vm.check("! grep -q ^8021q /proc/modules || rmmod 8021q")
    start(vm)
    filters = vlan_filters(vm)
    run_all(vm, "! grep ^8021q /proc/modules", f"echo 1 >{DEVICES}/{PF}/reset",
            *(until(carrier(name)) for name in ("pf", "v0", "v1")))
    assert filters and vlan_filters(vm) == filters


def test_remove_rescan(guest, rounds):
    """PF and VFs are taken from the bus by sysfs while they send."""
    vm = guest()
    start(vm)
    for _ in range(rounds):
        streams = [flow(vm, "v0", "w"), flow(vm, "pf", "v1")]
        run_all(vm, f"echo 1 >{DEVICES}/{PF}/remove", f"[ ! -e {DEVICES}/{VFS[0]} ]")
        for stream in streams:
            stream.stop()
        run_all(vm, "ip netns delete pf", "ip netns delete v0", "ip netns delete v1", "echo 1 >/sys/bus/pci/rescan",
                place(PF, "pf"), f"echo 2 >{NUMVFS}", place(VFS[0], "v0"), place(VFS[1], "v1"), until(carrier("v0")),
                until(carrier("v1")), until(carrier("pf")), reaches("v0", "w"), reaches("v1", "pf"))


def test_unplugged(guest, rounds):
    """The port's card is pulled while PF and VFs send, and another put in."""
    vm = guest()
    start(vm)
    for _ in range(rounds):
        streams = [flow(vm, "v0", "w"), flow(vm, "pf", "v1")]
        vm.qmp("device_del", id="nic0")
        vm.wait_until(f"[ ! -e {DEVICES}/{PF} ]", timeout=LIMIT)
        for stream in streams:
            stream.stop()
        run_all(vm, "ip netns delete pf", "ip netns delete v0", "ip netns delete v1")
        vm.qmp("device_add", driver="igb", id="nic0", bus="port0", netdev="wire0", mac=vm.macs[0], romfile="")
        run_all(vm, until(f"[ -e {DEVICES}/{PF}/driver ]"), place(PF, "pf"), f"echo 2 >{NUMVFS}", place(VFS[0], "v0"),
                place(VFS[1], "v1"), until(carrier("v0")), until(carrier("v1")), until(carrier("pf")), reaches("v0", "w"),
                reaches("v1", "pf"))
    assert vm.run(f"[ -e {DEVICES}/{WIRE} ]").ok
