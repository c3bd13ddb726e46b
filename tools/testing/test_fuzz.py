# SPDX-License-Identifier: GPL-2.0
"""Hostile VFs: messages made by a fuzzer, against the code that decides about them and against a PF in a guest; DMA."""

import io
import re

import pytest

from fuzz import mailbox, storm
from fuzz.administrator.account import Account
from vfs import PF, VFS, carrier, pings, place, run_all, until

INPUTS = 1_000_000
"""Each is a device with one to seven VFs and some things that happen to it: short ones, for there are many."""

OURS = [0x100000000, 0x140000000, 0x180000000]
"""Where our drivers' functions have their rings and buffers: a VF's own are elsewhere in this test."""
ELSEWHERE = [0x0, 0x1000000, storm.ARENA + storm.ARENA_SIZE, 0xc020000c80, 0xfffffffffffff000]
"""Memory, the page behind the VF's own, the PF's registers, no memory at all. Not 0xfee00000, where interrupts are:
QEMU's IOMMU lets those of the old format through (Documentation/security/threat-model.rst)."""


def test_mailbox():
    mailbox.build()
    assert mailbox.fuzz(seed=82576, runs=INPUTS, longest=64) >= INPUTS


def lines_about(vm, since):
    """Seconds at which the PF logged something about the attacker's messages."""
    found = (re.match(r"\[ *([\d.]+)\].*igb_rs .*: VF 0: ", line) for line in vm.log(since, vm.mark()))
    return [float(match[1]) for match in found if match]


def test_messages(guest):
    """100,000 messages and everything else a VF can do without DMA, beside neighbours with checked traffic."""
    vm = guest()
    macs = storm.start(vm)
    before = storm.state(vm)
    since = vm.mark()
    with storm.neighbours(vm):
        done = [storm.attack(vm, *what, seed=seed, count=count, macs=macs) for seed, (what, count) in enumerate((
            (["works", "storm"], 100_000), (["messages"], 1500), (["hold", "resets"], 200), (["flr", "registers"], 500),
            (["quota"], 0), (["pause", "works"], 0)), 1)]
    assert done[0]["sent"] > 100_000 and done[0]["works"] and done[-1]["works"], done
    assert not any(report["leaks"] for report in done), done
    # Most of what it asks for beyond its quota it does not get.
    assert done[4]["refused"] > done[4]["accepted"] > 0, done[4]
    assert storm.state(vm) == before
    times = lines_about(vm, since)
    # One in two seconds; what is busy writes it a little later.
    assert times and len(times) <= (times[-1] - times[0]) / 2 + 2, times
    storm.take_back(vm)
    run_all(vm, place(VFS[0], "v0"), until(carrier("v0")), pings("v0", "w", 5))


@pytest.mark.parametrize("mode", ["strict", "lazy"])
def test_dma(guest, mode):
    """Descriptors, rings and head write-back outside the VF's memory: stopped, and the VF named. Memory that was taken
    away is out of reach at once, with lazy invalidation too. The VF recovers by FLR."""
    vm = guest(mode=mode)
    storm.start(vm)
    before = storm.state(vm)
    since = vm.mark()
    with vm.expecting(storm.FAULT), storm.neighbours(vm):
        done = storm.attack(vm, "works", "dma", addresses=OURS + ELSEWHERE)
        assert done["works"], done
        done = storm.attack(vm, "flr", "pause", "works", "unmap")
        assert done["works"] and done["after_unmap"] == 0, done
        assert storm.attack(vm, "flr", "pause", "works")["works"]
    # The kernel prints the first ten and then rests: which they are depends on the machine's speed.
    faults = [line for line in vm.log(since, vm.mark()) if "Request device" in line]
    assert faults and all(f"[{VFS[0]}]" in line for line in faults), faults
    assert storm.state(vm) == before


def counted(vm):
    """What debugfs says about the attacker."""
    words = vm.read(f"/sys/kernel/debug/igb_rs/{PF}/vfs").split("\n")[0].split()
    return dict(zip(words[2::2], map(int, words[3::2])))


def test_reset_storm(guest):
    """A VF that resets itself all the time: most of it is served together and later, so that the neighbours go on, and the
    VF is whole as soon as it stops."""
    vm = guest()
    storm.start(vm)
    state, before = storm.state(vm), counted(vm)
    started = float(vm.read("/proc/uptime").split()[0])
    with storm.neighbours(vm):
        done = storm.attack(vm, "works", "resets", count=12_000)
        after = counted(vm)
        seconds = float(vm.read("/proc/uptime").split()[0]) - started
        assert done["works"] and done["resets"] >= 8000, done
        served, late = (after[what] - before[what] for what in ("resets", "late"))
        # The quota: 64, then 8 a second, for messages and resets together. The more time it takes, the more are served.
        assert served <= 64 + 8 * (seconds + 1) and late > served, (before, after, seconds)
        assert storm.attack(vm, "pause", "works")["works"]
    assert storm.state(vm) == state
    storm.take_back(vm)
    run_all(vm, place(VFS[0], "v0"), until(carrier("v0")), pings("v0", "w", 5), pings("v1", "v0", 5))


def events(vm):
    """Interrupts for link and mailbox so far."""
    words = vm.check(f"grep 'MSIX-{PF} *0-edge' /proc/interrupts").split()
    return sum(int(word) for word in words[1:] if word.isdecimal())


def test_busy(guest):
    """A VF that keeps the mailbox, rings all the time or never lets a queue stop: the PF is not kept busy, it
    pays for what it asks, its queues stay off until they stop, the log is quiet, and it is whole as soon as it behaves."""
    vm = guest()
    storm.start(vm)
    state, since = storm.state(vm), vm.mark()
    for what in ("keep", "bells", "running"):
        before, interrupts = counted(vm), events(vm)
        started = float(vm.read("/proc/uptime").split()[0])
        storm.attack(vm, what, count=4000)
        after, interrupts = counted(vm), events(vm) - interrupts
        seconds = float(vm.read("/proc/uptime").split()[0]) - started
        # What it pays for is heard at once, the rest every few milliseconds without an interrupt.
        quota = 64 + 8 * (seconds + 1)
        assert interrupts <= 4 * quota, (what, interrupts, seconds)
        done = {name: after[name] - before[name] for name in after}
        assert {"keep": 0 < done["kept"] <= quota, "bells": done["acks"] > 0, "running": done["accepted"] > 0}[what], done
        assert storm.attack(vm, "pause", "works")["works"]
    assert storm.state(vm) == state
    # How often a queue is found on again depends on the machine's speed; what follows from it is shown by vf_policy.
    assert not any("queue does not stop" in line for line in vm.log(since, vm.mark()))
    times = lines_about(vm, since)
    assert len(times) <= (times[-1] - times[0]) / 2 + 2, times


def registers(vm):
    """The PF's registers, offset in the dump to byte."""
    lines = vm.check("ip netns exec pf ethtool -d pf").splitlines()[2:]
    return "\n".join(lines)


def test_next_owner(guest):
    """What a VF left in its registers and filters is gone when the next owner looks."""
    vm = guest()
    storm.start(vm)
    run_all(vm, "ip -n v1 link set v1 down", "ip -n pf link set pf down", "ip -n w link set w down")
    ignored = ("seed", "ms", "sent", "read", "accepted", "refused", "other")

    def look():
        report = storm.attack(vm, "pause", "look")
        return {name: value for name, value in report.items() if name not in ignored}, registers(vm)

    clean = look()
    left = storm.attack(vm, "dirt", "look")
    assert left["TXWBAH0"] == left["RXBAH1"] == 0x64666666, left
    assert look() == clean


def test_administrator_counts():
    """A kind that is only refused is a kind that was never carried out; what was under way when all ended is neither."""
    account = Account(io.StringIO())
    account.begin("round 0")
    account.take("stdout", '{"kinds": ["a", "b", "c"]}\n{"worker": "w", "took": 0, "number": 0, "kind": "a", "steps": [1], "was": null}\n')
    account.take("stdout", '{"worker": "w", "took": 1, "number": 1, "kind": "b", "steps": [2], "was": ""}\n{"worker": "w", "took": 2, ')
    account.take("stderr", "not for it\n")
    account.take("stdout", '"number": 2, "kind": "b", "steps": [3], "was": "EINVAL"}\n')
    assert account.never() == ["b", "c"] and account.tried == {"a": 1, "b": 1}
    assert [line.rsplit(": ", 1)[1] for line in account.last().splitlines()] == ["done, 1 s", "EINVAL, 2 s", "under way"]
    account.take("stdout", '{"hang": "w", "stack": ""}\n')
    assert account.ended == {"hang": "w", "stack": ""}
