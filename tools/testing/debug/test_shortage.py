# SPDX-License-Identifier: GPL-2.0
"""Memory is short where nobody waits for an answer: in softirq and in the kernel's threads."""

import contextlib

import debugging
import ports
import vfs
from faults import chance, record
from netns import shouts
from ports import statistics
from streams import carry

PERCENT = 20
"""Of the allocations under our code, those that fail while packets come in."""

LEAST = 20
"""Packets of each function that must be dropped for it."""


@contextlib.contextmanager
def shortage(vm, percent, function=""):
    """That many percent of the allocations under our modules' code, or a function of the kernel's, fail inside the
    block."""
    chance(vm, percent, function)
    try:
        yield
    finally:
        chance(vm, 0)


def dropped(vm, name):
    """Packets that an interface had no memory for, by its queues and in sum."""
    queues = sum(value for key, value in statistics(vm, name).items() if key.endswith("_alloc_failed"))
    return queues, ports.interface(vm, name)["stats64"]["rx"]["dropped"]


def test_softirq(guest):
    """Packets that there is no memory for are dropped and counted; afterwards all streams flow as before."""
    vm = guest()
    vfs.start(vm, count=1)
    streams = [vfs.endless(vm, *ends) for ends in (("w", "pf"), ("w", "v0"), ("pf", "w"))]
    # Not TCP, whose segments are lent.
    noise = vm.start(shouts("w"))
    before = {name: dropped(vm, name) for name in ("pf", "v0")}
    with shortage(vm, PERCENT):
        for name, (queues, _) in before.items():
            enough = f"awk '/_alloc_failed:/ {{ n += $2 }} END {{ exit n < {queues + LEAST} }}'"
            vm.wait_until(f"ip netns exec {name} ethtool -S {name} | {enough}", timeout=vfs.LIMIT, every=1)
    noise.stop()
    figures = {}
    for name in before:
        queues, total = dropped(vm, name)
        assert total - before[name][1] >= queues - before[name][0] >= LEAST, (name, before[name], queues, total)
        figures[name] = queues - before[name][0]
    carry(*streams)
    for stream in streams:
        stream.stop()
    # Every one arrives.
    for name in ("pf", "v0"):
        vm.check(vfs.pings("w", name, count=50), timeout=vfs.LIMIT)
    record(f"softirq {PERCENT} %", figures)
    found = debugging.leaks(vm)
    assert not found, found


def test_thread(guest):
    """A VF's thread finds no memory to start the queues anew: that is said, nothing is left behind, and it tries
    again until there is some."""
    vm = guest()
    vfs.start(vm, count=1)
    since = vm.mark()
    with shortage(vm, 100):
        # A new address from the administrator ends the session.
        vm.check("ip -n pf link set pf vf 0 mac 02:82:57:60:00:0a", timeout=vfs.LIMIT)
        failure = f"igbvf_rs {vfs.VFS[0]}: starting the queues failed: ENOMEM"
        vm.logged(failure, since, vfs.LIMIT)
        vm.check(vfs.no_carrier("v0"))
    vm.wait_until(vfs.reaches("w", "v0"), timeout=vfs.LIMIT)
    found = debugging.leaks(vm)
    assert not found, found


def test_restart(guest):
    """Queues that stopped for another size cannot start again, in neither: that is said, and as soon as they can they
    do."""
    vm = guest()
    vfs.start(vm, count=1)
    for name in ("pf", "v0"):
        since = vm.mark()
        with shortage(vm, 100, "request_threaded_irq"):
            result = vm.run(f"ip netns exec {name} ethtool -G {name} rx 512", timeout=vfs.LIMIT)
            assert not result.ok and "memory" in result.stderr, result
            assert len([line for line in vm.log(since, vm.mark()) if "starting the queues failed: ENOMEM" in line]) >= 1
            vm.wait_until(vfs.no_carrier(name), timeout=vfs.LIMIT)
            if name == "pf":
                # Other orders that stop them, meanwhile, do not make the driver forget that they are to run.
                assert not vm.run("ip netns exec pf ethtool -G pf rx 1024", timeout=vfs.LIMIT).ok
                vm.run("ip netns exec pf ethtool -t pf offline", timeout=vfs.LIMIT)
        vm.wait_until(vfs.reaches("w", name), timeout=vfs.LIMIT)
    found = debugging.leaks(vm)
    assert not found, found
