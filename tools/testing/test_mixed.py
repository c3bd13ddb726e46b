# SPDX-License-Identifier: GPL-2.0
"""Our drivers with the kernel's own at the other end of the mailbox."""

from vfs import NUMVFS, VFS, add_vlan, carrier, no_carrier, pings, place, reaches, run_all, start, stream, until


def exchange(vm):
    """Traffic of VF 0 with everybody, tagged and not."""
    run_all(vm, pings("v0", "w"), pings("v0", "pf"), pings("v0", "v1"), add_vlan("v0", 5), add_vlan("w", 5),
            reaches("v0", "w", 5), pings("v0", "w", network=5))
    stream(vm, "v0", "w")
    stream(vm, "v0", "w", reverse=True)
    stream(vm, "v0", "v1")


def test_our_pf(guest):
    """igbvf of the kernel under our PF."""
    vm = guest()
    start(vm, vf="igbvf")
    exchange(vm)
    run_all(vm, *(f"ip -n {name} link set {name} mtu 9000" for name in ("v0", "w")),
            until(carrier("v0")), reaches("v0", "w"), pings("v0", "w", 5, more="-s 8000 -M do"))


def test_our_vf(guest):
    """Our VF under the kernel's igb, which forgets its VFs whenever its interface goes down."""
    vm = guest()
    start(vm, pf="igb")
    exchange(vm)
    run_all(vm, "ip -n pf link set pf down", until(no_carrier("v0")), "ip -n pf link set pf up",
            until(carrier("v0")), until(carrier("v1")), reaches("v0", "w"), reaches("v1", "w"), reaches("v0", "w", 5))
    stream(vm, "v0", "w")


def test_our_vf_waits(guest):
    """Our VF comes while igb's interface is down, and works by itself as soon as it is up."""
    vm = guest()
    start(vm, count=0, pf="igb", vf="igbvf_rs", pf_up=False)
    run_all(vm, f"echo 1 >{NUMVFS}", place(VFS[0], "v0"), no_carrier("v0"), "ip -n pf link set pf up",
            until(carrier("v0")), reaches("v0", "w"))
    stream(vm, "v0", "w")


def test_mac_of_c_vf(guest):
    """The kernel's igbvf takes the address that the administrator gives it when it starts anew, and keeps to it."""
    vm = guest()
    start(vm, vf="igbvf")
    given = "02:82:57:60:00:08"
    has = f"ip -n v0 -o link show v0 | grep -q {given}"
    # Here it is told to: under QEMU the PF's word does not reach it, see Documentation/design/testing.rst.
    # Down before that: igbvf's own reset, which the order may set off, collides with its close.
    run_all(vm, "ip -n v0 link set v0 down", f"ip -n pf link set pf vf 0 mac {given}",
            "ip -n v0 link set v0 up", until(has),
            until(carrier("v0")), reaches("v0", "w"), f"ip -n w neigh show 10.82.0.10 | grep -q {given}")
