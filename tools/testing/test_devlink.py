# SPDX-License-Identifier: GPL-2.0
"""devlink: what a port says about itself, and the health reporter that tells of VFs that do more than they may."""

import json

from fuzz import storm
from vfs import LIMIT, PF, WIRE, insmod, run_all, until

REPORTER = f"pci/{PF} reporter vf"


def health(vm):
    """The reporter's state, number of errors, number of recoveries."""
    shown, = json.loads(vm.check(f"devlink -j health show {REPORTER}"))["health"][f"pci/{PF}"]
    return shown["state"], shown["error"], shown["recover"]


def vfs_of(vm, what):
    """What `devlink health WHAT` lists: a dictionary for each VF."""
    return json.loads(vm.check(f"devlink -j health {what} {REPORTER}"))["VFs"]


def test_info(guest):
    """Each port has an instance while it is bound, which says what ethtool says."""
    vm = guest()
    run_all(vm, insmod("igb_rs"))
    name = vm.check(f"ls /sys/bus/pci/devices/{PF}/net")
    firmware = vm.check(f"ethtool -i {name} | sed -n 's/^firmware-version: //p'")
    shown = json.loads(vm.check("devlink -j dev info"))["info"]
    assert set(shown) == {f"pci/{PF}", f"pci/{WIRE}"}, shown
    assert shown[f"pci/{PF}"]["driver"] == "igb_rs"
    assert shown[f"pci/{PF}"]["versions"]["running"] == {"fw": firmware}, shown
    serial = vm.check(f"lspci -vv -s {PF} | sed -n 's/.*Device Serial Number //p'")
    assert shown[f"pci/{PF}"].get("serial_number", "") == serial, (shown, serial)
    assert health(vm) == ("healthy", 0, 0) and vfs_of(vm, "diagnose") == []
    run_all(vm, f"echo {PF} >/sys/bus/pci/drivers/igb_rs/unbind", f"! devlink dev info pci/{PF}", f"devlink dev info pci/{WIRE}",
            "rmmod igb_rs", f"! devlink dev info pci/{WIRE}")


def test_misbehaving_vf(guest):
    """A VF that asks for what it may not have is reported, at most once in two seconds, with what it did; its limit holds
    until the administrator lifts it or it keeps to it."""
    vm = guest()
    macs = storm.start(vm)
    before = vfs_of(vm, "diagnose")
    assert [vf["VF"] for vf in before] == [0, 1] and health(vm) == ("healthy", 0, 0), before
    monitor = vm.start("exec devlink monitor health")
    done = storm.attack(vm, "works", "quota", "storm", count=20_000, macs=macs)
    assert done["works"], done
    # The reports are not the VF's to wait for.
    vm.check(until(f"devlink health show {REPORTER} | grep -q 'state error'"), timeout=LIMIT)
    state, errors, recoveries = health(vm)
    log = [line for line in vm.log() if f"igb_rs {PF}: VF 0: " in line]
    assert state == "error" and recoveries == 0 and 1 <= errors <= len(log), (errors, log)
    after = vfs_of(vm, "diagnose")
    assert after[0]["refused"] > before[0]["refused"], after
    assert {**after[1], "accepted": 0} == {**before[1], "accepted": 0}
    dump = vfs_of(vm, "dump show")
    assert [vf["VF"] for vf in dump] == [0] and dump[0]["offence"] and dump[0]["message"].startswith("["), dump
    # It has no tokens: what it asks is not heard. The administrator can change that.
    storm.attack(vm, "storm", count=2000)
    run_all(vm, f"devlink health recover {REPORTER}", f"devlink health dump clear {REPORTER}")
    assert storm.attack(vm, "works")["works"]
    assert health(vm)[0::2] == ("healthy", 1)
    assert "vf" in monitor.stdout
    monitor.stop()
    run_all(vm, f"! devlink health recover pci/{PF} reporter none")
