# SPDX-License-Identifier: GPL-2.0
"""The system sleeps under traffic and wakes: everything goes on, with the settings it had.

Not hibernation: the guest's root is a 9p file system, whose device does not outlive that. Its callbacks are the same.
"""

import time

import pytest

from lab import patience
from test_reset import counted, counts_on, recovered, set_up, settings
from vfs import LIMIT, PF, WIRE, add_vlan, carrier, insmod, pings, place, reaches, run_all, until

WAYS = {
    # On the way to sleep, back from a level: nothing has to wake it.
    "devices": ("echo devices >/sys/power/pm_test; echo mem >/sys/power/state; echo none >/sys/power/pm_test", None),
    "core": ("echo core >/sys/power/pm_test; echo mem >/sys/power/state; echo none >/sys/power/pm_test", None),
    # Idle, ended by the power button.
    "s2idle": ("echo freeze >/sys/power/state", "system_powerdown"),
}
"""How to go to sleep, and the QMP command that wakes."""


def sleep(vm, order, wake):
    """Has the guest sleep and wakes it."""
    since = vm.mark()
    process = vm.start(f"set -e; {order}", timeout=LIMIT)
    if wake:
        vm.logged("Suspending console", since, LIMIT)
        limit = time.monotonic() + patience(LIMIT)
        while process.running and time.monotonic() < limit:
            # The message comes before the drivers are asked; what is too early has no effect, or is an error.
            time.sleep(2)
            try:
                vm.qmp(wake)
            except Exception as error:
                assert "suspended" in str(error), error
    assert process.wait(LIMIT).ok
    assert any("PM: suspend exit" in line for line in vm.log(since, vm.mark()))


@pytest.mark.parametrize("way", WAYS)
def test_sleep(guest, way, rounds):
    vm = guest(sleepable=True)
    vm.check("echo 0 >/sys/module/suspend/parameters/pm_test_delay; modprobe button")
    before, flows = set_up(vm)
    counters = counted(vm)
    for _ in range(rounds):
        sleep(vm, *WAYS[way])
        recovered(vm, before, flows)
        counters = counts_on(vm, counters)
    for stream in flows:
        stream.stop()


def test_suspend_to_ram(guest):
    """The devices lose all they have. Without VFs: QEMU's firmware does not give the extended configuration space back."""
    vm = guest(sleepable=True)
    run_all(vm, insmod("igb_rs"), place(PF, "pf"), place(WIRE, "w"), "ip -n pf link set pf mtu 3000", "ip -n w link set w mtu 3000",
            "ip netns exec pf ethtool -G pf rx 512 tx 128", "ip -n pf link set pf address 02:82:57:60:00:10",
            *(add_vlan(name, 5) for name in ("pf", "w")), reaches("pf", "w"))
    before = settings(vm)
    sleep(vm, "echo deep >/sys/power/mem_sleep; echo mem >/sys/power/state", "system_wakeup")
    run_all(vm, until(carrier("pf")), until(carrier("w")), reaches("pf", "w"), reaches("pf", "w", 5),
            pings("pf", "w", 5, more="-s 2900 -M do"))
    assert settings(vm) == before
