# SPDX-License-Identifier: GPL-2.0
"""NAPI contexts are on the device's list while their queue pair runs, and at no other time; their settings stay."""

import pytest

import ports
import vfs
from netns import until
from ports import LIMIT, pings, run_all, within


def threaded(name, value):
    """Shell command: polls the contexts of `name` in threads of their own, or no longer."""
    return within(name, f"bash -c 'echo {value} >/sys/class/net/{name}/threaded'")


def threads(name, count):
    """Shell condition: that many contexts of `name` have a thread."""
    return f"[ $(pgrep -c '^napi/{name}-') = {count} ]"


def refuses_threads(vm, name):
    for value in (0, 1):
        result = vm.run(threaded(name, value), timeout=LIMIT)
        assert not result.ok and "Operation not supported" in result.stderr, result


def test_threaded_with_fewer_channels(guest):
    """A pair that no longer runs is not waited for."""
    vm = guest()
    ports.start(vm)
    run_all(vm, threaded("pf", 1), until(threads("pf", 2)), within("pf", "ethtool -L pf combined 1"),
            until(threads("pf", 1)), pings("pf", "w"), threaded("pf", 0), until(threads("pf", 0)), pings("pf", "w"))


def test_threaded_persists(guest):
    """A context has its settings again when its pair is started again."""
    vm = guest()
    ports.start(vm)
    run_all(vm, threaded("pf", 1), within("pf", "ethtool -L pf combined 1"), within("pf", "ethtool -L pf combined 2"),
            until(threads("pf", 2)), "ip -n pf link set pf down", until(threads("pf", 0)), "ip -n pf link set pf up",
            until(ports.carrier("pf")), until(threads("pf", 2)), pings("pf", "w"),
            threaded("pf", 0), until(threads("pf", 0)), pings("pf", "w"))


def test_threaded_down(guest):
    """Without a context there is nothing to set, and nothing to wait for."""
    vm = guest()
    vfs.start(vm, 1)
    for name, other in (("pf", "w"), ("v0", "w")):
        vfs.run_all(vm, threaded(name, 1), until(threads(name, 2 if name == "pf" else 1)),
                    f"ip -n {name} link set {name} down", until(threads(name, 0)))
        refuses_threads(vm, name)
        vfs.run_all(vm, f"ip -n {name} link set {name} up", until(vfs.carrier(name)), vfs.pings(name, other),
                    threaded(name, 0))
