# SPDX-License-Identifier: GPL-2.0
"""An address that the administrator gives to a VF, as seen by the rest of the VF's machine."""

from vfs import LIMIT, address, pings, run_all, start, until


def test_told(guest):
    """Who listens for changes is told of the new address, although nothing else about the interface changes."""
    vm = guest()
    start(vm, 1)
    given = "02:82:57:60:00:11"
    run_all(vm, "ip -n v0 link set v0 down")
    monitor = vm.start("exec stdbuf -oL ip -n v0 monitor link")
    # It listens when it hears.
    for turn in range(LIMIT):
        run_all(vm, f"ip -n v0 link set v0 txqueuelen {100 + turn}; sleep 0.5")
        if monitor.stdout:
            break
    run_all(vm, f"ip -n pf link set pf vf 0 mac {given}")
    monitor.wait_for(given, timeout=LIMIT)
    monitor.stop()
    run_all(vm, until(f"ip -n v0 link show v0 | grep -q {given}"))


def test_neighbours_know(guest):
    """They send to the new address at once; by themselves they notice after half a minute that the old one is gone."""
    vm = guest()
    start(vm, 1)
    given = "02:82:57:60:00:12"
    # For ever: what the neighbour finds out by itself is no proof.
    run_all(vm, pings("w", "v0", count=1),
            "ip netns exec w sysctl -qw net.ipv4.neigh.w.base_reachable_time_ms=100000000",
            f"ip -n w neigh change {address('v0')} dev w nud reachable",
            f"ip -n pf link set pf vf 0 mac {given}",
            until(f"ip -n w neigh show {address('v0')} | grep -q {given}"),
            pings("w", "v0"))
