# SPDX-License-Identifier: GPL-2.0
"""An address that the administrator gives to a VF, as seen by the rest of the VF's machine."""

from vfs import LIMIT, run_all, start, until


def test_told(guest):
    """Who listens for changes is told of the new address, although nothing else about the interface changes."""
    vm = guest()
    start(vm, 1)
    given = "02:82:57:60:00:11"
    run_all(vm, "ip -n v0 link set v0 down")
    monitor = vm.start("exec stdbuf -oL ip -n v0 monitor link")
    for turn in range(LIMIT):
        run_all(vm, f"ip -n v0 link set v0 alias listening{turn}; sleep 0.5")
        if "listening" in monitor.stdout:
            break
    run_all(vm, f"ip -n pf link set pf vf 0 mac {given}")
    monitor.wait_for(given, timeout=LIMIT)
    monitor.stop()
    run_all(vm, until(f"ip -n v0 link show v0 | grep -q {given}"))
