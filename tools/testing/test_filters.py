# SPDX-License-Identifier: GPL-2.0
"""Which frames the PF takes from the wire, and what it counts of them."""

import ports
import vfs
from machine import Machine
from netns import DEVICES, all_answered
from ports import interface, moved, run_all, statistics
from test_bad_device import counter, poke

RCTL, UNICAST, MULTICAST = 0x100, 1 << 3, 1 << 4
"""In BAR 0: what the port takes in at all; bits for all unicast and all multicast."""

RXERRC, LATECOL, TNCRS, RLEC, MGTPRC, RUC = 0x400C, 0x4020, 0x4034, 0x4040, 0x40B4, 0x40A4
"""In BAR 0: frames with errors the PHY saw, late collisions, frames sent without a carrier, of a wrong length, for the management
controller, too short ones."""

# All of different hashes (the last two bytes), of each other and of the groups the stack is in by itself.
OTHER = "02:82:57:00:61:99"
ADDED = "02:82:57:00:42:13"
GROUP = "01:00:5e:52:23:57"
OTHER_GROUP = "33:33:00:82:57:06"
EVERYBODY = "ff:ff:ff:ff:ff:ff"


def taken(vm, *destinations):
    """Sends a frame to each destination; returns the set of those that got in."""
    return {line.split()[0] for line in ports.frames(vm, "", *destinations)}


def test_addresses(guest):
    """Own address and broadcasts always; groups and further addresses while somebody asked for them."""
    vm = guest()
    ports.start(vm, quiet=True)
    own = vm.macs[0]
    everything = (own, OTHER, ADDED, GROUP, OTHER_GROUP, EVERYBODY)
    assert taken(vm, *everything) == {own, EVERYBODY}
    vm.check(f"ip -n pf maddr add {GROUP} dev pf")
    assert taken(vm, *everything) == {own, EVERYBODY, GROUP}
    vm.check(f"ip -n pf maddr del {GROUP} dev pf; bridge -n pf fdb add {ADDED} dev pf self")
    assert taken(vm, *everything) == {own, EVERYBODY, ADDED}
    vm.check(f"bridge -n pf fdb del {ADDED} dev pf self; ip -n pf link set pf allmulticast on")
    assert taken(vm, *everything) == {own, EVERYBODY, GROUP, OTHER_GROUP}
    vm.check("ip -n pf link set pf allmulticast off promisc on")
    assert taken(vm, *everything) == set(everything)
    vm.check("ip -n pf link set pf promisc off")
    assert taken(vm, *everything) == {own, EVERYBODY}


def test_promiscuous_vlans(guest):
    """A promiscuous port sees every VLAN."""
    vm = guest()
    ports.start(vm, quiet=True)
    own = vm.macs[0]
    sends = (f"{own},vlan=7", f"{OTHER},vlan=4094", own)
    assert ports.frames(vm, "", *sends) == [f"{own} 60"]
    vm.check("ip -n pf link set pf promisc on")
    assert ports.frames(vm, "", *sends) == [f"{own} 60 7", f"{OTHER} 60 4094", f"{own} 60"]
    vm.check("ip -n pf link set pf promisc off")
    assert ports.frames(vm, "", *sends) == [f"{own} 60"]


def test_promiscuous_beside_vfs(guest):
    """What the PF asks for the port takes in, with VFs too, and no VF sees groups that it did not ask for, or unicast.

    QEMU decides by pools alone: that the port's own bits are set is read from their register. Its pools that want
    groups get all unicast as well while the unicast table is full, which it is for a promiscuous PF.
    """
    vm = guest()
    vfs.start(vm)
    own = vm.macs[0]
    modes = lambda: Machine.of(vm).read(vfs.bar(vm, vfs.PF) + RCTL) & (UNICAST | MULTICAST)
    assert modes() == 0
    for wish, bits in (("allmulticast on", MULTICAST), ("promisc on", UNICAST | MULTICAST),
                       ("promisc off", MULTICAST), ("allmulticast off", 0)):
        vm.check(f"ip -n pf link set pf {wish}")
        assert modes() == bits
        frames = (OTHER_GROUP,) if bits & UNICAST else (OTHER_GROUP, OTHER, own)
        for name in ("v0", "v1"):
            assert ports.frames(vm, "", *frames, listener=name) == []
    run_all(vm, vfs.pings("v0", "w"), vfs.pings("v1", "pf"))


def test_many_addresses(guest):
    """More addresses than there are filters: all of them work still; fewer again: others stay out."""
    vm = guest()
    ports.start(vm, quiet=True)
    many = [f"02:82:57:01:{index:02x}:{2 * index + 1:02x}" for index in range(40)]
    run_all(vm, "; ".join(f"bridge -n pf fdb add {mac} dev pf self" for mac in many[:20]))
    assert taken(vm, *many[:20], OTHER) == set(many[:20])
    run_all(vm, "; ".join(f"bridge -n pf fdb add {mac} dev pf self" for mac in many[20:]))
    assert taken(vm, *many) == set(many)
    run_all(vm, "; ".join(f"bridge -n pf fdb del {mac} dev pf self" for mac in many[3:]))
    assert taken(vm, *many, OTHER) == set(many[:3])


def test_addresses_beside_vfs(guest):
    """Addresses that fit into the filters until there are VFs do no harm to those, nor the VFs to them."""
    vm = guest()
    ports.start(vm, quiet=True)
    many = [f"02:82:57:01:{index:02x}:{2 * index + 1:02x}" for index in range(20)]
    run_all(vm, "; ".join(f"bridge -n pf fdb add {mac} dev pf self" for mac in many))
    for vfs in (7, 0, 1, 0):
        run_all(vm, f"echo {vfs} >{DEVICES}/{ports.BDF['pf']}/sriov_numvfs", ports.until(ports.carrier("pf")))
        assert taken(vm, *many) == set(many), vfs
    # They are filters again, not everything.
    assert taken(vm, *many, OTHER) == set(many)


def test_macvlan(guest):
    vm = guest()
    ports.start(vm)
    run_all(vm, f"ip -n pf link add link pf name mv address {ADDED} type macvlan mode bridge\n"
                "ip netns add mv; ip -n pf link set mv netns mv\n"
                "ip -n mv addr add 10.82.0.9/24 dev mv; ip -n mv link set mv up")
    run_all(vm, all_answered("10.82.0.2", 10, ping=ports.within("mv", "ping")))
    assert taken(vm, ADDED, OTHER) == {ADDED}
    vm.check("ip netns delete mv")


def test_own_address_changes(guest):
    vm = guest()
    ports.start(vm, quiet=True)
    own = vm.macs[0]
    vm.check(f"ip -n pf link set pf address {ADDED}")
    assert taken(vm, own, ADDED) == {ADDED}
    assert interface(vm, "pf")["address"] == ADDED
    for bad in ("01:00:5e:00:00:01", "00:00:00:00:00:00"):
        assert not vm.run(f"ip -n pf link set pf address {bad}").ok
    assert taken(vm, own, ADDED) == {ADDED}
    vm.check(f"ip -n pf link set pf down; ip -n pf link set pf address {own}; ip -n pf link set pf up; "
             f"{ports.until(ports.carrier('pf'))}")
    assert taken(vm, own, ADDED) == {own}


def test_counters(guest):
    """Counters of software and hardware agree with what was sent, to the byte."""
    vm = guest()
    ports.start(vm, quiet=True)
    own, other = vm.macs[:2]
    vm.check(f"ip -n pf maddr add {GROUP} dev pf")
    for listener, sender, unicast in (("pf", "w", own), ("w", "pf", other)):
        before_hw, before_sw = statistics(vm, "pf"), interface(vm, "pf")["stats64"]
        groups = 7 if listener == "pf" else 0
        group = [f"{GROUP},length=200,count={groups}"] if groups else []
        seen = ports.frames(vm, "", f"{unicast},length=60,count=30", f"{unicast},length=1000,count=20",
                            f"{EVERYBODY},length=100,count=5", *group, listener=listener, sender=sender)
        count = 30 + 20 + 5 + groups
        assert len(seen) == count
        # With the end mark, which is a broadcast of 60 bytes.
        count += 1
        size = 30 * 60 + 20 * 1000 + 5 * 100 + groups * 200 + 60
        side = "rx" if listener == "pf" else "tx"
        hw = moved(statistics(vm, "pf"), before_hw)
        sw = moved(interface(vm, "pf")["stats64"][side], before_sw[side])
        assert (sw["packets"], sw["bytes"]) == (count, size)
        assert sum(hw.get(f"{side}_queue_{n}_packets", 0) for n in range(2)) == count
        assert sum(hw.get(f"{side}_queue_{n}_bytes", 0) for n in range(2)) == size
        assert hw[f"{side}_packets"] == count
        # The device counts checksums.
        assert hw[f"{side}_bytes"] == size + 4 * count
        assert hw[f"{side}_broadcast"] == 6
        assert hw.get(f"{side}_multicast", 0) == groups
        assert not {"crc_errors", "rx_errors", "missed", "rx_no_buffer", "length_errors"} & set(hw)


def link_counter(vm, name):
    """One of the PF's counters as its link shows it."""
    return int(vm.check(ports.within("pf", f"cat /sys/class/net/pf/statistics/{name}")))


def test_errors(guest):
    """Errors that the device counts are shown, in `ip -s link` too. QEMU counts none: its counters are given numbers,
    which reading does not clear."""
    vm = guest()
    ports.start(vm, quiet=True)
    shown = lambda: {way: interface(vm, "pf")["stats64"][way] for way in ("rx", "tx")}
    # Looking at the counters also brings what `ip` shows up to date.
    counted, before, before_window = statistics(vm, "pf"), shown(), link_counter(vm, "tx_window_errors")
    before_carrier = link_counter(vm, "tx_carrier_errors")
    places = [counter(vm, vm.macs[0], register) for register in (RXERRC, LATECOL, MGTPRC, RLEC, RUC, TNCRS)]
    try:
        # A frame that is too short has a wrong length, too.
        for place, number in zip(places, (3, 5, 7, 11, 11, 13)):
            poke(vm, place, number.to_bytes(4, "little"))
        statistics(vm, "pf")
    finally:
        for place in places:
            poke(vm, place, bytes(4))
    gained, after = moved(statistics(vm, "pf"), counted), shown()
    errors, late, management = (gained[name] for name in ("rx_errors", "late_collisions", "management_rx"))
    assert errors > 0 and errors % 3 == 0 and late > 0 and late % 5 == 0 and management > 0 and management % 7 == 0
    short = gained["rx_undersize"]
    assert short > 0 and short % 11 == 0
    assert after["rx"]["errors"] - before["rx"]["errors"] == errors + short
    assert after["tx"]["errors"] - before["tx"]["errors"] == late
    assert link_counter(vm, "tx_window_errors") - before_window == late
    carrier = gained["carrier_errors"]
    assert carrier > 0 and carrier % 13 == 0 and link_counter(vm, "tx_carrier_errors") - before_carrier == carrier


def test_no_descriptor(guest):
    """What a queue has no descriptor for is counted for that queue, also if it stops before anybody looks. QEMU does not
    count: its counter of queue 0 is given numbers; those of the others take none."""
    vm = guest()
    ports.start(vm, quiet=True)
    machine, drops = Machine.of(vm), vfs.bar(vm, vm.ports[0]) + vfs.RQDPC
    run_all(vm, ports.within("pf", "ethtool -L pf combined 2"))
    before, before_missed = statistics(vm, "pf"), link_counter(vm, "rx_missed_errors")

    def gained():
        counters = moved(statistics(vm, "pf"), before)
        return [*(counters.get(f"rx_queue_{queue}_drops") for queue in range(2)),
                link_counter(vm, "rx_missed_errors") - before_missed]

    machine.write(drops, 5)
    assert gained() == [5, None, 5]
    machine.write(drops, 2)
    run_all(vm, "ip -n pf link set pf down", "ip -n pf link set pf up")
    assert gained() == [7, None, 7]
