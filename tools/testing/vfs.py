# SPDX-License-Identifier: GPL-2.0
"""VFs in a guest, each function in a network namespace of its own, and traffic between them.

A namespace and the interface in it have one name: `pf`, `w` for the port at the other end of the wire, `v0` to `v6`.
One shell command does as much as it can: each costs the guest a tenth of a second and more.
"""

import json

from netns import DEVICES, all_answered, answered, carrier, ip, no_carrier, server, silence, taken_into, until
from streams import account, transfer

PF = "0000:01:00.0"
WIRE = "0000:02:00.0"
VFS = [f"0000:01:{0x10 + index // 4:02x}.{index % 4 * 2}" for index in range(7)]
NUMVFS = f"{DEVICES}/{PF}/sriov_numvfs"

LIMIT = 90
"""Seconds for what takes one or two, on a machine that is busy."""


def insmod(driver):
    """Shell command that loads one of our modules, or one of the kernel's."""
    return f"insmod /mnt/igb_rs/{driver}.ko" if driver.endswith("_rs") else f"modprobe {driver}"


def address(name, network=0):
    """IPv4 address of the function in namespace `name`; `network` tells networks on top of each other apart."""
    hosts = {"pf": 1, "w": 254}
    return f"10.82.{network}.{hosts[name] if name in hosts else 10 + int(name[1:])}"


def place(function, name, up=True):
    """Shell commands that put the interface of a PCI function into its namespace, and up."""
    found = f"compgen -G '{DEVICES}/{function}/net/*' >/dev/null"
    lines = ["link set lo up", f"addr add {address(name)}/24 dev {name}", *([f"link set {name} up"] if up else [])]
    return f"{until(found)}\n{taken_into(function, name)}{ip(*lines, name=name)}\n"


def start(vm, count=2, pf="igb_rs", vf="igbvf_rs", pf_up=True):
    """Loads both drivers, makes `count` VFs, gives every function its namespace, and waits for their carriers."""
    names = ["w", *(f"v{index}" for index in range(count)), *(["pf"] if pf_up else [])]
    commands = ["set -e", insmod(pf), place(WIRE, "w"), place(PF, "pf", pf_up)]
    if pf_up:
        commands.append(until(carrier("pf")))
    commands += [insmod(vf), f"echo {count} >{NUMVFS}"]
    commands += [place(VFS[index], f"v{index}") for index in range(count)]
    commands += [until(carrier(name)) for name in names]
    vm.check("\n".join(commands), timeout=LIMIT)


def add_vlan(name, vid):
    """Shell commands that add a VLAN interface `vlanVID`, with an address in the network of that number."""
    return ip(f"link add link {name} name vlan{vid} type vlan id {vid}", f"addr add {address(name, vid)}/24 dev vlan{vid}",
              f"link set vlan{vid} up", name=name)


def pings(source, target, count=20, network=0, more=""):
    """Shell command: `count` echo requests, fails unless all are answered."""
    return all_answered(address(target, network), count, more, f"ip netns exec {source} ping")


def reaches(source, target, network=0):
    """Shell command: succeeds with the third answer, however many requests it takes."""
    return answered(address(target, network), f"ip netns exec {source} ping")


def silent(source, target, network=0):
    """Shell command: some echo requests, fails unless none is answered."""
    return silence(address(target, network), 5, ping=f"ip netns exec {source} ping")


def run_all(vm, *commands):
    """Runs shell commands one after the other; all must succeed."""
    vm.check("set -ex\n" + "\n".join(f"( {command} )" for command in commands), timeout=LIMIT)


def stream(vm, source, target, reverse=False, network=0, mebibytes=4):
    """One TCP stream of that many MiB, which must arrive; `reverse`: from `target` to `source`."""
    sending = transfer(address(target, network), mebibytes, "-R" if reverse else "", f"ip netns exec {source} iperf3")
    account(vm.check(server(target) + sending, timeout=LIMIT), mebibytes)


def endless(vm, source, target):
    """Starts a TCP stream that goes on until its end is gone; returns its Process once it flows."""
    process = vm.start(f"{server(target)} exec ip netns exec {source} iperf3 -i 0.2 -t 86400 --forceflush -c {address(target)}")
    process.wait_for("bits/sec", timeout=LIMIT)
    return process


RQDPC = 0xC030
"""In the PF's BAR 0: packets that found no descriptor in receive queue 0, which is the first VF's if there are VFs."""


def bar(vm, function):
    """The address of a function's BAR 0."""
    return int(vm.check(f"head -n 1 {DEVICES}/{function}/resource").split()[0], 16)


def facts(vm, vf):
    """What `ip link show` says about a VF of the PF: a dictionary."""
    shown = json.loads(vm.check("ip -n pf -j -s link show pf"))[0]["vfinfo_list"][vf]
    # Some versions of ip call what is sent "tx_packets", in a dictionary "tx".
    shown["stats"] = {way: {key.removeprefix("tx_"): value for key, value in counts.items()}
                      for way, counts in shown["stats"].items()}
    return shown
