# SPDX-License-Identifier: GPL-2.0
"""Safe code that misuses the library harms nobody: `misuse/igb_misuse_main.rs`, a driver that touches no device."""

import re

MODULE = "/mnt/igb_rs/igb_misuse.ko"
LIMIT = 120

PORT = "0000:01:00.0"
NETCONSOLE = "/sys/kernel/config/netconsole/misuse"

CASES = {"unregistered": 1, "refused": 2, "left running": 3, "netpoll": 4, "memory": 5}
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


def test_netpoll_beside_poll(guest):
    """Netpoll that is set up while a poll runs stays out of it."""
    vm = guest()
    since = vm.mark()
    vm.check(f"""set -e
        modprobe netconsole
        mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
        {load('netpoll')}
        port=(/sys/bus/pci/devices/{PORT}/net/*); port=${{port##*/}}
        ip addr add 10.82.0.1/24 dev $port
        ip link set $port up
        mkdir {NETCONSOLE}
        cd {NETCONSOLE}
        echo $port >dev_name; echo 10.82.0.1 >local_ip; echo 10.82.0.2 >remote_ip; echo 02:00:00:00:00:02 >remote_mac
        # The module shows netpoll's polls as collisions.
        netpolls() {{ echo $(</sys/class/net/$port/statistics/collisions); }}
        for round in {{1..10}}; do
            before=$(netpolls)
            echo 1 >enabled
            # Netpoll gives up where NAPI polls all the time: it gets another message then.
            until [ $(netpolls) -gt $before ]; do
                echo message $round >/dev/kmsg; read -rt 0.05 <>/run/lab/never || :
            done
            echo 0 >enabled
        done
        cd /
        rmdir {NETCONSOLE}
        rmmod igb_misuse
        rmmod netconsole""", timeout=LIMIT)
    polls = [re.search(rf"igb_misuse {PORT}: (\d+) polls, (\d+) of netpoll", line) for line in vm.log(since, vm.mark())]
    polls, netpolls = next(match for match in polls if match).groups()
    assert int(polls) and int(netpolls), (polls, netpolls)
    assert verdicts(vm, since) == {"one poll at a time": "holds"}
