# SPDX-License-Identifier: GPL-2.0
"""A registration that somebody in the kernel refuses: notifiers fail by `netdev-notifier-error-inject`."""

import ports
from ports import BDF, LIMIT, run_all
from test_misuse import load, verdicts

ERROR = "/sys/kernel/debug/notifier-error-inject/netdev/actions/NETDEV_REGISTER/error"
REFUSE = f"modprobe netdev-notifier-error-inject && echo -12 >{ERROR}"
ALLOW = f"echo 0 >{ERROR}"


def test_carrier_of_refused(guest):
    """The stack does not hear of the carrier of an interface that it does not know."""
    vm = guest()
    since = vm.mark()
    # The kernel's work on links runs within the next second, and once more for what is late.
    run_all(vm, REFUSE, load("refused"), ALLOW, "rmmod igb_misuse", load("left running"), "sleep 2",
            "rmmod igb_misuse netdev-notifier-error-inject")
    assert verdicts(vm, since) == {"not registered": "holds"}


def test_driver_refused(guest):
    """The driver gives up, with the device as it was, and has it the next time."""
    vm = guest()
    run_all(vm, REFUSE)
    vm.check(f"insmod {ports.MODULE}; [ ! -e /sys/bus/pci/drivers/igb_rs/{BDF['pf']} ]", timeout=LIMIT)
    run_all(vm, ALLOW, "rmmod igb_rs")
    ports.start(vm)
    run_all(vm, ports.pings("pf", "w"), "rmmod netdev-notifier-error-inject")
