# SPDX-License-Identifier: GPL-2.0
"""Queries that the C drivers answer, of things that ours have not: the answers are the same."""

import pytest

import vfs
from vfs import LIMIT, PF

FUNCTIONS = {"pf": "pf", "vf": "v0"}

# A query or an order of each function, all by ethtool; "{0}" is the interface.
QUERIES = {
    "pf": ("-n {0}", "-u {0} rule 1", "--show-ntuple {0}", "-N {0} flow-type udp4 action 1 loc 1",
           "--show-fec {0}"),
    "vf": ("-n {0}", "-u {0} rule 1", "-s {0} wol g", "-s {0} wol d", "--show-priv-flags {0}"),
}
MESSAGES = ("-s {0} msglvl 0x5", "-s {0} msglvl probe on link off", "-s {0} msglvl 0x7")


def answers(vm, name, queries):
    """The answer to each, with the exit status, and what ethtool says of messages afterwards."""
    ethtool = f"ip netns exec {name} ethtool"
    found = []
    for query in queries:
        result = vm.run(f"{ethtool} {query.format(name)}; rc=$?; "
                        f"{ethtool} {name} | grep -A 1 'message level'; exit $rc", timeout=LIMIT)
        found.append((query, result.rc, result.stdout, result.stderr))
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_as_c_answers(guest, function):
    vm = guest()
    name = FUNCTIONS[function]
    found = []
    for pf, vf in (("igb", "igbvf"), ("igb_rs", "igbvf_rs")):
        vfs.start(vm, count=1, pf=pf, vf=vf)
        found.append(answers(vm, name, QUERIES[function] + MESSAGES))
        vm.check(f"echo 0 >{vfs.NUMVFS}; rmmod {vf} {pf}; ip -all netns delete",
                 timeout=LIMIT)
    for c, ours in zip(*found):
        assert c == ours


def test_nothing_wakes(guest):
    """The driver of the PF cannot wake the machine, says so, and refuses to pretend."""
    vm = guest()
    vfs.start(vm, count=0)
    shown = vm.check("ip netns exec pf ethtool pf", timeout=LIMIT)
    assert "Supports Wake-on: d\n\tWake-on: d\n" in shown
    result = vm.run("ip netns exec pf ethtool -s pf wol g", timeout=LIMIT)
    assert not result.ok and "cannot enable unsupported WoL mode" in result.stderr
    vm.check("ip netns exec pf ethtool -s pf wol d", timeout=LIMIT)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_messages(guest, function):
    """Changes of the link are told only while the user wants it."""
    vm = guest()
    vfs.start(vm, count=1)
    name = FUNCTIONS[function]
    address = {"pf": PF, "vf": vfs.VFS[0]}[function]

    def pulled():
        """Pulls the cable and puts it back; returns what the function's driver says of that."""
        since = vm.mark()
        for up in (False, True):
            vm.set_link(0, up)
            state = "LOWER_UP" if up else "NO-CARRIER"
            vm.wait_until(f"ip -n {name} link show {name} | grep -q {state}", timeout=LIMIT)
        return [line for line in vm.log(since, vm.mark()) if address in line and "link" in line]

    for kinds, told in (("link off", False), ("link on", True)):
        vm.check(f"ip netns exec {name} ethtool -s {name} msglvl {kinds}", timeout=LIMIT)
        assert bool(pulled()) == told
