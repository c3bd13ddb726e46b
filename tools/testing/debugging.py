# SPDX-License-Identifier: GPL-2.0
"""The suite on the debug kernel: which tests are not for it, and what is looked at after each."""

from lab import paths
from lab.kernel import HUNG_TASK_SECONDS, patience

DEBUG = paths.KERNEL == "debug"

ELSEWHERE = {
    "test_bench.py": "counts what a packet costs on the stock kernel",
    "test_lifecycle.py::test_reload": "measures memory, which KASAN's quarantine holds back; kmemleak looks instead",
    "test_selftests.py": "compares with the C drivers on the stock kernel",
    "test_vm.py": "a VM in a guest would boot the debug kernel under two emulations",
}
"""Tests, by the beginning of their name, that `make check-debug` leaves to `make check`, and why."""

KERNELS_OWN = (r"WARNING: drivers/pci/remove\.c:\d+ at pci_stop_and_remove_bus_device",) if DEBUG else ()
"""Reports that are the kernel's own: to remove a VF it wants its lock of rescans, which it takes around
`sriov_numvfs` and removal by sysfs, but not around the unbinding of a PF's driver; a driver cannot know."""

NO_GUEST = "boots no guest"


def left_out(item):
    """Why a test is not for the kernel in use, or nothing."""
    if not DEBUG:
        return None
    if not {"guest", "guests"} & set(item.fixturenames):
        return NO_GUEST
    name = item.nodeid.removeprefix("tools/testing/")
    return next((why for part, why in ELSEWHERE.items() if name.startswith(part)), None)


# Each of the checks that can switch itself off, or was never on, says so; dma-debug also prints no more than its
# first report. kmemleak takes no order any more when it is off.
AWAKE = f"""
cd /sys/kernel/debug
grep -Eq 'debug_locks: +1$' /proc/lockdep_stats || echo 'lockdep is off'
[ "$(cat dma-api/disabled)" = N ] || echo 'dma-debug is off'
[ "$(cat dma-api/error_count)" = 0 ] || echo "dma-debug counts $(cat dma-api/error_count) errors"
echo stack=on >kmemleak || echo 'kmemleak is off'
[ "$(cat /sys/module/kfence/parameters/sample_interval)" -gt 0 ] || echo 'KFENCE is off'
hung=$(cat /proc/sys/kernel/hung_task_timeout_secs)
[ $hung = {patience(HUNG_TASK_SECONDS)} ] || echo "a task counts as hung after $hung s"
"""

# An object must be five seconds old, and is reported by the second scan that finds no pointer to it. A scan takes
# some half a minute under emulation.
SCAN = """
set -e
leaks=/sys/kernel/debug/kmemleak
sleep 6
echo scan >$leaks; echo scan >$leaks
cat $leaks >/tmp/leaks; [ ! -s /tmp/leaks ] || { head -n 400 /tmp/leaks >/dev/kmsg; echo clear >$leaks; }
cat /tmp/leaks
"""


def asleep(vm):
    """The debug kernel's checks that do not look, a line each; nothing if all do."""
    return vm.check(AWAKE)


def leaks(vm):
    """What kmemleak holds for lost in a guest, as text; it is in the guest's log too. Nothing on the stock kernel.

    Fails if a check has switched itself off: it may have been before there was something to find.
    """
    if not DEBUG:
        return ""
    off = asleep(vm)
    assert not off, f"{vm.name}: {off}"
    return vm.check(SCAN, timeout=120)
