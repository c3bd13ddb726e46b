# SPDX-License-Identifier: GPL-2.0
"""VFs of our PF driven by our VF driver: making and removing them, what protects them, their traffic."""

import re

import pytest

import ports
from machine import Machine
from netns import answered, silence
from streams import carry
from vfs import (LIMIT, NUMVFS, PF, RQDPC, VFS, add_vlan, address, bar, carrier, endless, facts, insmod, no_carrier, pings, place,
                 reaches, run_all, silent, start, stream, until)

DEBUG = "/sys/kernel/debug"

COUNT = f"ls -d /sys/bus/pci/devices/{PF}/virtfn*/net/* 2>/dev/null | wc -l"
"""Shell command: how many VFs have a network device."""


IOMMUS = ("strict", "amd")
"""Intel's, and AMD's."""

IDLE = "grep MSIX-0000:01: /proc/interrupts | grep -E ': +(0 +)+(IR-)?PCI' | grep -qv ' 2-edge .*igbvf_rs-'"
"""Shell command: succeeds while any vector of the PF or its VFs has never fired, the third of a VF left out: QEMU sends
the mailbox's interrupts to the second instead."""


def load(vm):
    run_all(vm, insmod("igb_rs"), insmod("igbvf_rs"))


def test_counts(guest):
    """0 to 7 and back, in steps up and down; each VF has a network device and files in debugfs."""
    vm = guest()
    load(vm)
    steps = [0, 1, 0, 7, 0, 2, 0, 6, 0, 5, 0, 4, 0, 3, 0, 7, 7, 0, 0]
    run_all(vm, *(f"echo {n} >{NUMVFS}; {until(f'[ $({COUNT}) = {n} ]')}; [ $(cat {NUMVFS}) = {n} ]; "
                  f"[ $(ls {DEBUG}/igbvf_rs 2>/dev/null | grep -c :) = {n} ]" for n in steps))


def test_counts_refused(guest):
    vm = guest()
    load(vm)
    assert vm.check(f"cat /sys/bus/pci/devices/{PF}/sriov_totalvfs") == "7"
    for had in (0, 3):
        vm.check(f"echo {had} >{NUMVFS}")
        for count, error in ((8, "out of range"), (65535, "out of range"), (-1, "Invalid argument"), ("x", "Invalid argument")):
            result = vm.run(f"echo {count} >{NUMVFS}")
            assert result.rc == 1 and error in result.stderr
        assert vm.check(f"cat {NUMVFS}; {COUNT}").split() == [str(had)] * 2
    since = vm.mark()
    for count in (1, 7):
        result = vm.run(f"echo {count} >{NUMVFS}")
        assert result.rc == 1 and "busy" in result.stderr
    assert vm.check(f"cat {NUMVFS}; {COUNT}").split() == ["3", "3"]
    assert any("3 VFs already enabled. Disable before enabling 7 VFs" in line for line in vm.log(since, vm.mark()))


@pytest.mark.parametrize("mode", IOMMUS)
def test_isolation(guest, mode):
    """Each function its own group, its own domain, its own remapped interrupts, all of which fire. Linux finds that QEMU's
    AMD IOMMU cannot remap them."""
    remapped = mode != "amd"
    vm = guest(mode=mode)
    start(vm, 7)
    # Packets, and a word from the PF to each VF.
    run_all(vm, *(pings(f"v{index}", "w", 3) for index in range(7)), pings("pf", "w", 3),
            *(f"ip -n pf link set pf vf {index} state auto" for index in range(7)),
            until(f"! {{ {IDLE}; }}"))
    functions = [(PF, "igb_rs"), *((vf, "igbvf_rs") for vf in VFS)]
    groups = vm.check(f"cd /sys/bus/pci/devices; for f in {' '.join(f for f, _ in functions)}; do "
                      "basename $(readlink $f/iommu_group); done").split()
    assert len(set(groups)) == len(functions)
    interrupts = vm.read("/proc/interrupts")
    mapped = 0
    for (function, driver), group in zip(functions, groups):
        iommu = vm.read(f"{DEBUG}/{driver}/{function}/iommu")
        values = dict(line.split(": ", 1) for line in iommu.splitlines())
        assert (values["domain"], values["group"], values["isolated_msi"]) == ("private", group, "yes" if remapped else "no")
        assert int(values["bytes"]) >= int(values["region_bytes"]) > 0
        mapped += int(values["bytes"]) if driver == "igbvf_rs" else 0
        ranges = [tuple(line.split()[2:4]) for line in iommu.splitlines() if line.startswith("range: ")]
        assert len(ranges) == int(values["blocks"])
        # The device may do no more than each kind of memory needs: descriptors, packets out, packets in.
        assert set(ranges) == {("rw", "ring"), ("r-", "tx"), ("-w", "rx")}, iommu
        vectors = [line.split() for line in vm.read(f"{DEBUG}/{driver}/{function}/vectors").splitlines()]
        assert len(vectors) == 3
        for index, irq, name, chip, how, _ in vectors:
            assert (how, chip) == (("remapped", f"IR-PCI-MSIX-{function}") if remapped else ("direct", f"PCI-MSIX-{function}")), vectors
            line = re.search(rf"^ *{irq}: +([\d ]+?) +{re.escape(chip)}.*{re.escape(name)}$", interrupts, re.MULTILINE)
            assert line
            if (driver, index) != ("igbvf_rs", "2"):
                assert sum(map(int, line[1].split())) > 0, f"{name} never fired"
    assert vm.read(f"{DEBUG}/igbvf_rs/ledger").split() == ["arenas:", "7", "bytes:", str(mapped)]
    vm.check(f"echo 0 >{NUMVFS}")
    assert vm.check(f"ls {DEBUG}/igbvf_rs | grep -c : || true") == "0"


def test_all_at_once(guest):
    """Seven VFs at the same time, to the wire and each to the next."""
    vm = guest()
    start(vm, 7)
    for targets in (["w"] * 7, [f"v{(index + 1) % 7}" for index in range(7)]):
        vm.check("\n".join(f"( {pings(f'v{index}', target)} ) & jobs[{index}]=$!" for index, target in enumerate(targets))
                 + "\nfor job in ${jobs[@]}; do wait $job || exit 1; done", timeout=LIMIT)


@pytest.mark.parametrize("mode", IOMMUS)
@pytest.mark.parametrize("source, target", [("v0", "w"), ("v0", "v1"), ("v0", "pf")])
def test_traffic(guest, mode, source, target):
    vm = guest(mode=mode)
    start(vm)
    run_all(vm, pings(source, target), pings(target, source), pings(source, target, 5, more="-s 20000"))
    stream(vm, source, target)
    stream(vm, source, target, reverse=True)


def test_pf_interface_down(guest):
    """VFs work though the PF's interface never was up."""
    vm = guest()
    start(vm, pf_up=False)
    assert not vm.run(carrier("pf")).ok
    run_all(vm, pings("v0", "w"), pings("v1", "w"), pings("v0", "v1"))
    stream(vm, "v0", "w")


def test_pf_changes_unnoticed(guest):
    """What is done to the PF's interface costs the VFs no link, no session and no packet."""
    vm = guest()
    start(vm)
    changes = vm.check("ip netns exec v0 cat /sys/class/net/v0/carrier_changes")
    since = vm.mark()
    flow = vm.start("ip netns exec v0 ping -i 0.02 -W 10 10.82.0.254")
    flow.wait_for("bytes from", timeout=LIMIT)
    run_all(vm, "ip -n pf link set pf down", "ip -n pf link set pf up", until(carrier("pf")), "ip -n pf link set pf mtu 9000",
            "ip netns exec pf ethtool -G pf rx 512 tx 512", "ip netns exec pf ethtool -K pf tso off rxvlan off",
            "ip -n pf link set pf promisc on", "ip -n pf link set pf promisc off", until(carrier("pf")), reaches("pf", "w"))
    flow.signal(2)
    summary = flow.wait(LIMIT).stdout.splitlines()[-3:]
    sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", "\n".join(summary)).groups())
    # The last one may be under way.
    assert received >= sent - 1 > 10, summary
    assert vm.check("ip netns exec v0 cat /sys/class/net/v0/carrier_changes") == changes
    assert not [line for line in vm.log(since, vm.mark()) if "igbvf_rs" in line]


def test_vlan(guest):
    """A VLAN interface on a VF reaches its VLAN, on the wire and on another VF, and no other."""
    vm = guest()
    start(vm)
    run_all(vm, *(add_vlan(name, 5) for name in ("v0", "v1", "w")), add_vlan("w", 6), pings("v0", "w", network=5),
            pings("v0", "v1", network=5), pings("v0", "w"))
    stream(vm, "v0", "w", network=5)
    stream(vm, "v0", "w", network=5, reverse=True)
    # The same network, but tagged 6 at the other end: not heard.
    run_all(vm, "ip -n w addr flush dev vlan5", "ip -n w addr add 10.82.5.254/24 dev vlan6", silent("v0", "w", 5),
            "ip -n v0 link delete vlan5", "ip -n v0 link add link v0 name vlan6 type vlan id 6",
            "ip -n v0 addr add 10.82.5.10/24 dev vlan6", "ip -n v0 link set vlan6 up", reaches("v0", "w", 5))


def test_mtu(guest):
    vm = guest()
    start(vm)
    run_all(vm, *(f"ip -n {name} link set {name} mtu 9000" for name in ("v0", "v1", "w", "pf")),
            *(until(carrier(name)) for name in ("v0", "v1", "w", "pf")), reaches("v0", "w"),
            *(pings("v0", name, 5, more="-s 8000 -M do") for name in ("w", "v1", "pf")),
            pings("w", "v0", 5, more="-s 8972 -M do"))
    stream(vm, "v0", "w")
    stream(vm, "v0", "w", reverse=True)
    for mtu in (67, 9217):
        result = vm.run(f"ip -n v0 link set v0 mtu {mtu}")
        assert not result.ok and "mtu" in result.stderr
    run_all(vm, "ip -n v0 link set v0 mtu 9216", "ip -n v0 link set v0 mtu 68", "ip -n v0 link set v0 mtu 1500",
            until(carrier("v0")), reaches("v0", "w"), pings("v0", "w", 5, more="-s 1472 -M do"))


def test_multicast(guest):
    """A group that a VF joins reaches it, from the wire, the PF and another VF, until it leaves."""
    vm = guest()
    start(vm)
    group, frame = "239.82.7.6", "01:00:5e:52:07:06"
    routes = [f"ip -n {name} route add 239.0.0.0/8 dev {name}" for name in ("w", "pf", "v1")]
    run_all(vm, *routes, "ip netns exec v0 sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0",
            silence(group, 5, ping="ip netns exec w ping"))
    heard = lambda: ports.frames(vm, "", frame, listener="v0")
    assert heard() == []
    run_all(vm,
            f"ip -n v0 addr add {group}/32 dev v0 autojoin",
            *(answered(group, f"ip netns exec {name} ping") for name in ("w", "pf", "v1")))
    assert heard() == [f"{frame} 60"]
    run_all(vm, f"ip -n v0 addr delete {group}/32 dev v0",
            "ip -n v0 link set v0 allmulticast on", "ip -n v0 link set v0 allmulticast off", reaches("v0", "w"))
    assert heard() == []


def test_processors_kept(guest):
    """Where the user put a queue's interrupt it stays when the queue starts anew."""
    vm = guest()
    start(vm, count=1)
    for name, anew in (("v0", "ip -n pf link set pf vf 0 mac 02:82:57:60:00:30"), ("pf", "ip netns exec pf ethtool -G pf rx 512")):
        irq = vm.check(f"sed -n 's/^ *\\([0-9]*\\):.*{name}-TxRx-0$/\\1/p' /proc/interrupts")
        place = f"/proc/irq/{irq}/smp_affinity_list"
        other = str(1 - int(vm.read(place)))
        run_all(vm, f"echo {other} >{place}", anew, until(carrier(name)), reaches(name, "w"))
        if name == "v0":
            run_all(vm, until("[ $(ip netns exec v0 cat /sys/class/net/v0/address) = 02:82:57:60:00:30 ]"), reaches(name, "w"))
        assert vm.read(place).strip() == other


SENDER = """
import socket
port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
port.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
while True:
    port.sendto(bytes(1400), ("%s", 9))
"""


@pytest.mark.parametrize("name", ["pf", "v0"])
def test_waiting_sender(guest, name):
    """Who waits until his few packets are sent goes on after the rings were changed, without anybody else's packet."""
    vm = guest()
    start(vm, count=1)
    sender = vm.start(f"exec ip netns exec {name} python3 - <<'EOF'{SENDER % address('w')}EOF")
    count = f"$(ip netns exec {name} cat /sys/class/net/{name}/statistics/tx_packets)"
    for size in (512, 256) * 4:
        vm.check(f"ip netns exec {name} ethtool -G {name} tx {size}; before={count}; " + until(f"[ {count} -gt $((before + 500)) ]"),
                 timeout=15)
    assert sender.running
    sender.stop()


def test_statistics(guest):
    """`ip -s link show` of the PF counts what each VF sends and receives."""
    vm = guest()
    start(vm)
    before = [facts(vm, vf)["stats"] for vf in range(2)]
    run_all(vm, pings("v0", "w", 50, more="-s 1000"))
    after = [facts(vm, vf)["stats"] for vf in range(2)]
    for way in ("rx", "tx"):
        packets, octets = (after[0][way][what] - before[0][way][what] for what in ("packets", "bytes"))
        assert 50 <= packets < 100 and 50 * 1042 <= octets < 100 * 1100, (before, after)
        assert after[1][way]["packets"] - before[1][way]["packets"] < 25

    # QEMU does not count what finds no descriptor: its counter is given a number.
    machine, drops = Machine.of(vm), bar(vm, PF) + RQDPC
    machine.write(drops, 5)
    assert [facts(vm, vf)["stats"]["rx"]["dropped"] for vf in range(2)] == [5, 0]
    machine.write(drops, 2)
    assert facts(vm, 0)["stats"]["rx"]["dropped"] == 7
    run_all(vm, f"echo 0 >{NUMVFS}; echo 2 >{NUMVFS}")
    assert facts(vm, 0)["stats"]["rx"]["dropped"] == 0


def test_admin_mac(guest):
    """An address given to a VF that runs is its address at once, and only a trusted VF may take another."""
    vm = guest()
    start(vm)
    given, own = "02:82:57:60:00:01", "02:82:57:60:00:02"
    has = "ip -n v0 -o link show v0 | grep -q 'link/ether {}'"
    run_all(vm, f"ip -n pf link set pf vf 0 mac {given}", until(has.format(given)), until(carrier("v0")), reaches("v0", "w"),
            f"ip -n w neigh show 10.82.0.10 | grep -q {given}",
            f"! ip -n v0 link set v0 address {own}", has.format(given), pings("v0", "w", 5),
            "ip -n pf link set pf vf 0 trust on", f"ip -n v0 link set v0 address {own}", has.format(own), reaches("v0", "w"),
            "ip -n pf link set pf vf 0 trust off", until(has.format(given)), until(carrier("v0")), reaches("v0", "w"))
    assert facts(vm, 0)["address"] == given
    # It stays through a new binding and through the PF's interface going down.
    run_all(vm, "ip -n pf link set pf down", f"echo {VFS[0]} >/sys/bus/pci/drivers/igbvf_rs/unbind",
            f"echo {VFS[0]} >/sys/bus/pci/drivers/igbvf_rs/bind", place(VFS[0], "v0"), until(carrier("v0")),
            has.format(given), reaches("v0", "w"))


def test_stable_mac(guest):
    """Without an order a VF has the same address after each binding, as permanent; it may take another until it is reset."""
    vm = guest()
    start(vm)
    before = [facts(vm, vf)["address"] for vf in range(2)]
    shown = "ip -n {0} -o link show {0} | grep -q 'link/ether {1}'"
    bind = "/sys/bus/pci/drivers/igbvf_rs"
    assert before[0] != before[1]
    assert all(int(mac[:2], 16) & 3 == 2 for mac in before)
    run_all(vm, shown.format("v0", before[0]), shown.format("v1", before[1]),
            "ip -n v0 link set v0 address 02:82:57:60:00:03", reaches("v0", "w"),
            f"echo {VFS[0]} >{bind}/unbind", f"echo {VFS[0]} >{bind}/bind",
            f"[ $(cat /sys/bus/pci/devices/{VFS[0]}/net/*/addr_assign_type) = 0 ]", place(VFS[0], "v0"),
            shown.format("v0", before[0]), until(carrier("v0")), reaches("v0", "w"))
    run_all(vm, f"echo 0 >{NUMVFS}", f"echo 3 >{NUMVFS}", *(place(VFS[vf], f"v{vf}") for vf in range(3)),
            *(shown.format(f"v{vf}", before[vf]) for vf in range(2)))
    assert facts(vm, 2)["address"] not in before


def test_admin_vlan(guest):
    """A VF that is put into a VLAN while it runs talks to that VLAN only, and does not know."""
    vm = guest()
    start(vm)
    alone = ["ip -n w addr delete 10.82.0.254/24 dev w", "ip -n w addr add 10.82.0.254/24 dev vlan7"]
    back = ["ip -n w addr delete 10.82.0.254/24 dev vlan7", "ip -n w addr add 10.82.0.254/24 dev w"]
    run_all(vm, pings("v0", "w", 5), add_vlan("w", 7), "ip -n pf link set pf vf 0 vlan 7 qos 3", silent("v0", "w"), *alone,
            reaches("v0", "w"), silent("v1", "w"), silent("v1", "v0"), "ip -n pf link set pf vf 1 vlan 7", reaches("v1", "v0"))
    assert facts(vm, 0)["vlan_list"][0] | {"protocol": None} == {"vlan": 7, "qos": 3, "protocol": None}
    stream(vm, "v0", "w")
    run_all(vm, "ip -n pf link set pf vf 0 vlan 0", silent("v0", "w"), *back, reaches("v0", "w"), silent("v1", "w"))


def test_admin_state(guest):
    """The administrator takes a VF's link away and gives it back; others keep theirs."""
    vm = guest()
    start(vm)
    run_all(vm, "ip -n pf link set pf vf 0 state disable", until(no_carrier("v0")), silent("w", "v0"), pings("v1", "w", 5))
    assert facts(vm, 0)["link_state"] == "disable"
    run_all(vm, "ip -n pf link set pf vf 0 state auto", until(carrier("v0")), reaches("v0", "w"))
    assert facts(vm, 0)["link_state"] == "auto"
    # A link that the port does not have is none the device could give.
    for vf, error in ((0, "not supported"), (2, "Invalid argument")):
        result = vm.run(f"ip -n pf link set pf vf {vf} state enable")
        assert not result.ok and error in result.stderr
    assert facts(vm, 0)["link_state"] == "auto"


def test_link_lost_while_sending(guest):
    """A VF whose link goes while it sends sends again as soon as it is back: packets left in its ring hold up nothing."""
    vm = guest()
    start(vm)
    for lose, give_back in (("ip -n pf link set pf vf 0 state disable", "ip -n pf link set pf vf 0 state auto"), (None, None)):
        flow = endless(vm, "v0", "w")
        if lose:
            vm.check(lose)
        else:
            vm.set_link(0, False)
        # Longer than the watchdog of the stack, which would reset the function, takes.
        run_all(vm, until(no_carrier("v0")), "sleep 6")
        if give_back:
            vm.check(give_back)
        else:
            vm.set_link(0, True)
        run_all(vm, until(carrier("v0")), reaches("v0", "w"), reaches("v1", "w"))
        flow.stop()


def test_admin_kept(guest):
    """Settings made before any VF driver came, with the PF down, hold when one comes, and over resets of the VF."""
    vm = guest()
    given = "02:82:57:60:00:07"
    start(vm, count=0)
    run_all(vm, "rmmod igbvf_rs", "ip -n pf link set pf down", f"echo 2 >{NUMVFS}", f"ip -n pf link set pf vf 0 mac {given}",
            "ip -n pf link set pf vf 0 vlan 7 qos 3", "ip -n pf link set pf vf 0 spoofchk off",
            "ip -n pf link set pf vf 0 trust on", "ip -n pf link set pf vf 0 max_tx_rate 900")
    ordered = {**facts(vm, 0), "stats": None}
    run_all(vm, insmod("igbvf_rs"), *(place(VFS[vf], f"v{vf}") for vf in range(2)),
            *(until(carrier(f"v{vf}")) for vf in range(2)), add_vlan("w", 7),
            "ip -n w addr delete 10.82.0.254/24 dev w", "ip -n w addr add 10.82.0.254/24 dev vlan7")
    for reset in ("true", f"echo 1 >/sys/bus/pci/devices/{VFS[0]}/reset",
                  "ip -n v0 link set v0 down; ip -n v0 link set v0 up",
                  f"echo {VFS[0]} >/sys/bus/pci/drivers/igbvf_rs/unbind; echo {VFS[0]} >/sys/bus/pci/drivers/igbvf_rs/bind; "
                  + place(VFS[0], "v0"), "ip -n pf link set pf up; ip -n pf link set pf down"):
        run_all(vm, reset, until(carrier("v0")), reaches("v0", "w"), f"ip -n v0 -o link show v0 | grep -q {given}",
                silent("v1", "w"))
        assert {**facts(vm, 0), "stats": None} == ordered
    # What is set already may be set again, and all can be taken back.
    run_all(vm, f"ip -n pf link set pf vf 0 mac {given}", "ip -n pf link set pf vf 0 vlan 7 qos 3", reaches("v0", "w"),
            "ip -n pf link set pf vf 0 vlan 0", "ip -n pf link set pf vf 0 max_tx_rate 0",
            "ip -n pf link set pf vf 0 spoofchk on", "ip -n pf link set pf vf 0 trust off",
            "ip -n pf link set pf vf 0 mac 00:00:00:00:00:00", until(carrier("v0")), reaches("v0", "v1"))
    assert {**facts(vm, 0), "stats": None, "address": None, "vf": None} == {
        **facts(vm, 1), "stats": None, "address": None, "vf": None}


def test_admin_shown(guest):
    """Settings are shown, are the VF's alone, go with the VFs, and disturb no traffic."""
    vm = guest()
    start(vm)
    default = facts(vm, 1)
    assert default["spoofchk"] and not default["trust"]
    run_all(vm, "ip -n pf link set pf vf 0 spoofchk off", "ip -n pf link set pf vf 0 trust on",
            "ip -n pf link set pf vf 0 max_tx_rate 100", pings("v0", "w"))
    shown = facts(vm, 0)
    assert (shown["spoofchk"], shown["trust"], shown["rate"]["max_tx"]) == (False, True, 100), shown
    assert {**facts(vm, 1), "stats": None} == {**default, "stats": None}
    run_all(vm, f"echo 0 >{NUMVFS}", f"echo 2 >{NUMVFS}")
    shown = facts(vm, 0)
    assert (shown["spoofchk"], shown["trust"], shown["rate"]["max_tx"]) == (True, False, 0), shown


def test_admin_refused(guest):
    """Wrong orders are refused and change nothing."""
    vm = guest()
    start(vm, 3)
    before = [{**facts(vm, vf), "stats": None} for vf in range(3)]
    orders = ["vf 3 mac 02:82:57:60:00:01", "vf 7 trust on", "vf 255 state disable", "vf 3 vlan 5", "vf 3 max_tx_rate 10",
              "vf 3 spoofchk off", "vf 0 mac 01:00:5e:00:00:01", "vf 0 mac ff:ff:ff:ff:ff:ff", f"vf 0 mac {vm.macs[0]}",
              "vf 0 vlan 4096", "vf 0 vlan 5 qos 8", "vf 0 vlan 5 proto 802.1ad", "vf 0 max_tx_rate 1001",
              "vf 0 min_tx_rate 10", "vf 0 node_guid 00:11:22:33:44:55:66:77"]
    run_all(vm, *(f"! ip -n pf link set pf {order}" for order in orders),
            "ip -n pf link set pf vf 1 mac 02:82:57:60:00:01", "! ip -n pf link set pf vf 0 mac 02:82:57:60:00:01",
            "ip -n pf link set pf vf 1 mac 00:00:00:00:00:00", pings("v0", "w", 5))
    after = [{**facts(vm, vf), "stats": None} for vf in range(3)]
    assert after[0] == before[0] and after[2] == before[2]


def test_errors_shown(guest):
    """Each wrong order has its own error."""
    vm = guest()
    start(vm)
    for order, error in (("vf 2 trust on", "Invalid argument"), ("vf 0 mac 01:00:5e:00:00:01", "Invalid argument"),
                         (f"vf 0 mac {vm.macs[0]}", "Address already in use"), ("vf 0 vlan 4096", "Invalid"),
                         ("vf 0 vlan 5 qos 8", "Invalid"), ("vf 0 vlan 5 proto 802.1ad", "Protocol not supported"),
                         ("vf 0 max_tx_rate 1001", "out of range"), ("vf 0 max_tx_rate 100 min_tx_rate 10", "not supported"),
                         ("vf 0 state enable", "not supported")):
        result = vm.run(f"ip -n pf link set pf {order}")
        assert not result.ok and error in result.stderr, (order, result.stderr)


def test_messages_counted(guest):
    """debugfs tells what became of a VF's messages; a VF that asks for too much is refused, a well-behaved one is not."""
    vm = guest()
    start(vm)
    def counters(vf):
        words = vm.read(f"{DEBUG}/igb_rs/{PF}/vfs").splitlines()[vf].split()
        assert words[0] == str(vf)
        return words[1], dict(zip(words[2::2], map(int, words[3::2])))
    (state, before), (_, neighbour) = counters(0), counters(1)
    assert state == "ready" and before["accepted"] > 0 and not any(before[key] for key in before if key not in ("accepted", "resets")), before
    # Without trust not every multicast packet.
    run_all(vm, "ip -n v0 link set v0 allmulticast on", until(f"! grep -q '^0 .* refused 0 ' {DEBUG}/igb_rs/{PF}/vfs"))
    assert counters(1)[1] == neighbour


def test_who_drives_a_vf(guest):
    """`sriov_drivers_autoprobe` and `driver_override` keep our driver away from VFs; links in sysfs tell whose VF which is."""
    vm = guest()
    load(vm)
    pf = f"/sys/bus/pci/devices/{PF}"
    run_all(vm, f"echo 0 >{pf}/sriov_drivers_autoprobe", f"echo 2 >{NUMVFS}", f"[ $({COUNT}) = 0 ]",
            *(f"[ $(basename $(readlink {pf}/virtfn{index})) = {VFS[index]} ]" for index in range(2)),
            *(f"[ $(basename $(readlink /sys/bus/pci/devices/{VFS[index]}/physfn)) = {PF} ]" for index in range(2)),
            f"! echo {VFS[0]} >/sys/bus/pci/drivers/igbvf_rs/bind", f"echo igbvf_rs >/sys/bus/pci/devices/{VFS[0]}/driver_override",
            f"echo {VFS[0]} >/sys/bus/pci/drivers_probe", f"[ $({COUNT}) = 1 ]",
            f"echo 0 >{NUMVFS}", f"echo 1 >{pf}/sriov_drivers_autoprobe", f"echo 2 >{NUMVFS}", f"[ $({COUNT}) = 2 ]",
            f"echo {VFS[1]} >/sys/bus/pci/drivers/igbvf_rs/unbind", f"echo none >/sys/bus/pci/devices/{VFS[1]}/driver_override",
            f"! echo {VFS[1]} >/sys/bus/pci/drivers/igbvf_rs/bind", f"echo >/sys/bus/pci/devices/{VFS[1]}/driver_override",
            f"echo {VFS[1]} >/sys/bus/pci/drivers_probe", f"[ $({COUNT}) = 2 ]")


@pytest.mark.parametrize("order, gone", [("rmmod igb_rs", "igb_rs"), (f"echo {PF} >/sys/bus/pci/drivers/igb_rs/unbind", f"igb_rs/{PF}")],
                         ids=["unload", "unbind"])
def test_pf_leaves_under_traffic(guest, order, gone, rounds):
    """The PF's driver goes while PF and VFs send; afterwards everything comes again."""
    vm = guest()
    start(vm)
    for _ in range(rounds):
        flows = [endless(vm, "v0", "w"), endless(vm, "pf", "v1")]
        vm.check(f"{order} && [ $(ls /sys/bus/pci/devices | grep -c 0000:01:1) = 0 ] && [ ! -e {DEBUG}/{gone} ]", timeout=LIMIT)
        for flow in flows:
            flow.stop()
        run_all(vm, "rmmod igbvf_rs", "[ ! -d /sys/module/igb_rs ] || rmmod igb_rs", "ip -all netns delete")
        start(vm)
        run_all(vm, pings("v0", "w"), pings("pf", "v1"))


VF_LEAVES = {
    "unbind": (f"echo {VFS[0]} >/sys/bus/pci/drivers/igbvf_rs/unbind", f"echo {VFS[0]} >/sys/bus/pci/drivers/igbvf_rs/bind", (0,)),
    "unload": ("rmmod igbvf_rs", insmod("igbvf_rs"), (0, 1)),
    "disable": (f"echo 0 >{NUMVFS}", f"echo 2 >{NUMVFS}", (0, 1)),
}
"""How a VF goes, how it comes back, and which VFs come then. By sysfs' `remove` it cannot: a VF has none."""


@pytest.mark.parametrize("way", VF_LEAVES)
def test_vf_leaves_under_traffic(guest, way, rounds):
    """A VF goes while it sends, and a neighbour receives; what stays goes on, and everything comes again."""
    vm = guest()
    start(vm)
    leave, come_back, come = VF_LEAVES[way]
    for _ in range(rounds):
        flows = [endless(vm, "v0", "w"), endless(vm, "pf", "v1")]
        run_all(vm, leave, f"[ ! -e /sys/bus/pci/devices/{VFS[0]}/net ]", pings("pf", "w", 5))
        if way == "unbind":
            carry(flows[1])
        for flow in flows:
            flow.stop()
        run_all(vm, come_back, *(place(VFS[vf], f"v{vf}") for vf in come), *(until(carrier(f"v{vf}")) for vf in range(2)),
                reaches("v0", "w"), reaches("v1", "v0"))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_unbind_orders(guest, order):
    """VFs are unbound and bound in any order, and the PF unbound with all, some or none of them bound."""
    vm = guest()
    load(vm)
    pf, vf = (f"/sys/bus/pci/drivers/{name}" for name in ("igb_rs", "igbvf_rs"))
    commands = []
    for bound in range(4):
        commands += [f"echo 3 >{NUMVFS}", *(f"echo {VFS[index]} >{vf}/unbind" for index in order),
                     *(f"echo {VFS[index]} >{vf}/bind" for index in order), f"[ $({COUNT}) = 3 ]",
                     *(f"echo {VFS[index]} >{vf}/unbind" for index in order[bound:]), f"[ $({COUNT}) = {bound} ]",
                     f"echo {PF} >{pf}/unbind", f"[ ! -e /sys/bus/pci/devices/{VFS[0]} ]", f"echo {PF} >{pf}/bind"]
    run_all(vm, *commands)


def test_vf_reset(guest):
    """A VF that is reset from outside (FLR) while it sends is back by itself."""
    vm = guest()
    start(vm)
    flow = endless(vm, "v0", "w")
    run_all(vm, f"echo 1 >/sys/bus/pci/devices/{VFS[0]}/reset", pings("v1", "w", 5), reaches("v0", "w"), reaches("v0", "v1"))
    flow.stop()
    run_all(vm, "ip -n v0 link set v0 down", f"echo 1 >/sys/bus/pci/devices/{VFS[0]}/reset", "ip -n v0 link set v0 up",
            until(carrier("v0")), reaches("v0", "w"))


def test_reload(guest):
    """Both modules, with VFs that are up, in both orders, many times."""
    vm = guest()
    rounds = 20
    orders = ("rmmod igbvf_rs; rmmod igb_rs", "rmmod igb_rs; rmmod igbvf_rs")
    vm.check(f"set -e\nfor i in $(seq {rounds}); do {insmod('igb_rs')}; {insmod('igbvf_rs')}; echo 3 >{NUMVFS}\n"
             f"[ $({COUNT}) = 3 ]; for n in /sys/bus/pci/devices/{PF}/net/* /sys/bus/pci/devices/{PF}/virtfn*/net/*; do "
             f"ip link set ${{n##*/}} up; done\nif [ $((i % 2)) = 0 ]; then {orders[0]}; else {orders[1]}; fi\n"
             f"[ ! -e {DEBUG}/igb_rs ]; [ ! -e {DEBUG}/igbvf_rs ]; done", timeout=8 * LIMIT)
    start(vm)
    run_all(vm, pings("v0", "w"), pings("v0", "v1"))
