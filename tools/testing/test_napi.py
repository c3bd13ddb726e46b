# SPDX-License-Identifier: GPL-2.0
"""NAPI contexts are on the device's list while their queue pair runs, and at no other time; their settings stay."""

import json
from pathlib import Path

import ports
import vfs
from netns import until
from ports import LIMIT, pings, run_all, within

CLIENT = "/run/napi_client.py"


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


def client(vm, name, *arguments):
    """Shell command: napi_client.py in the namespace of an interface of that name."""
    vm.put(CLIENT, Path(__file__).with_name("napi_client.py").read_bytes())
    return within(name, f"python3 {CLIENT} {name} {' '.join(arguments)}")


def shown(vm, name):
    """The contexts of an interface by number, and the context of each of its queues."""
    found = json.loads(vm.check(client(vm, name, "show"), timeout=LIMIT))
    queues = {(queue["type"], queue["id"]): queue.get("napi-id") for queue in found["queues"]}
    return {context["id"]: context for context in found["contexts"]}, queues


def test_listed(guest):
    """Netlink shows the contexts of the queues in use, each with its interrupt, and no others; a setting stays."""
    vm = guest()
    ports.start(vm)
    contexts, queues = shown(vm, "pf")
    assert len(contexts) == 2 and len(queues) == 4 and set(queues.values()) == set(contexts), (contexts, queues)
    interrupts = vm.check("grep -- '-TxRx-' /proc/interrupts | cut -d: -f1").split()
    assert all(str(context["irq"]) in interrupts for context in contexts.values()), (contexts, interrupts)
    vm.check(client(vm, "pf", "set defer-hard-irqs 7"), timeout=LIMIT)

    run_all(vm, within("pf", "ethtool -L pf combined 1"))
    one, queues = shown(vm, "pf")
    assert len(one) == 1 and set(one) < set(contexts), (one, contexts)
    assert len(queues) == 2 and set(queues.values()) == set(one), queues

    run_all(vm, "ip -n pf link set pf down")
    none, queues = shown(vm, "pf")
    assert not none and not any(queues.values()), (none, queues)

    run_all(vm, "ip -n pf link set pf up", within("pf", "ethtool -L pf combined 2"), until(ports.carrier("pf")))
    again, _ = shown(vm, "pf")
    assert set(again) == set(contexts), (again, contexts)
    assert all(context["defer-hard-irqs"] == 7 for context in again.values()), again
    run_all(vm, pings("pf", "w"))


def loop(name, *commands):
    """Shell command: these one after the other, all the time."""
    return "while :; do " + " ".join(f"{within(name, command)} || :;" for command in commands) + " done"


def test_changes_at_once(guest):
    """Threads, settings by netlink, the number of queues, up and down, from all sides at once: nothing waits for good."""
    vm = guest()
    vfs.start(vm, 1)
    storms = [vm.start(client(vm, name, "storm")) for name in ("pf", "v0")]
    loops = [vm.start(loop(name, *(f"bash -c 'echo {value} >/sys/class/net/{name}/threaded 2>/dev/null'" for value in (1, 0))))
             for name in ("pf", "v0")]
    for storm in storms:
        storm.wait_for("ready", timeout=LIMIT)
    rounds = "\n".join(("for round in {1..15}; do",
                        within("pf", "ethtool -L pf combined 1"), within("pf", "ethtool -L pf combined 2"),
                        "ip -n pf link set pf down", "ip -n v0 link set v0 down",
                        "ip -n pf link set pf up", "ip -n v0 link set v0 up", "done"))
    vm.check(f"set -e\n{rounds}", timeout=2 * LIMIT)
    for process in (*storms, *loops):
        assert process.running, process.wait()
        process.stop()
    vfs.run_all(vm, *(until(vfs.carrier(name)) for name in ("pf", "v0")), vfs.pings("pf", "w"), vfs.pings("v0", "w"))
