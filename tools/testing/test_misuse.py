# SPDX-License-Identifier: GPL-2.0
"""Safe code that misuses the library harms nobody: `misuse/igb_misuse_main.rs`, a driver that touches no device."""

import re

MODULE = "/mnt/igb_rs/igb_misuse.ko"
LIMIT = 120

PORT = "0000:01:00.0"

CASES = {"unregistered": 1, "refused": 2, "left running": 3, "memory": 4}
"""The values of the module's parameter."""


def load(case):
    """Shell command."""
    return f"insmod {MODULE} case={CASES[case]}"


def verdicts(vm, since):
    """The module's verdicts about one port, by what they are about."""
    lines = (re.search(rf"igb_misuse {PORT}: (.*): (holds|FAILS)$", line) for line in vm.log(since, vm.mark()))
    return {match[1]: match[2] for match in lines if match}


def test_unregistered(guest):
    """Nothing starts on an interface that is down or gone, and what is still called has no effect."""
    vm = guest()
    since = vm.mark()
    vm.check(f"{load('unregistered')} && rmmod igb_misuse", timeout=LIMIT)
    assert verdicts(vm, since) == dict.fromkeys(
        ("no pair starts while down", "no proof once gone", "nothing to stop", "no pair starts once gone"), "holds")


def test_left_running(guest):
    """An interface goes down, and away, although its driver does not stop its queues."""
    vm = guest()
    vm.check(f"""set -e
        {load('left running')}
        port=(/sys/bus/pci/devices/{PORT}/net/*); port=${{port##*/}}
        for round in 1 2 3; do
            ip link set $port up
            echo 1 >/sys/class/net/$port/threaded
            ip link set $port down
        done
        # No context is left on the list.
        ! echo 1 >/sys/class/net/$port/threaded
        ip link set $port up
        rmmod igb_misuse""", timeout=LIMIT)


def test_memory(guest):
    """Without its memory the device can make no requests, and gets no other memory."""
    vm = guest()
    since = vm.mark()
    command = int(vm.check(f"{load('memory')} && setpci -s {PORT} COMMAND && rmmod igb_misuse", timeout=LIMIT), 16)
    assert verdicts(vm, since) == {"no second memory": "holds"}
    assert not command & 1 << 2, f"a bus master: {command:#x}"
