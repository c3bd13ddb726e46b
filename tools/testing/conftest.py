# SPDX-License-Identifier: GPL-2.0
"""Fixtures of the guest tests. Run by `make check`, inside the lab's root."""

import collections
import contextlib
import os
import random
import re
import shutil
import signal
import zlib

import pytest

import debugging
import workers
from lab import GuestError, Vm, paths

MODES = ("strict", "lazy", "passthrough", "none")
ORDER = (*MODES, "amd")

LEFT_OUT = pytest.StashKey()
"""How many tests were left to `make check`, by reason."""

turns = workers.Turns()

# What only the debug kernel can do: failing allocations, tests in the kernel.
collect_ignore = [] if debugging.DEBUG else ["debug"]


def pytest_configure(config):
    # An end of the session, so that guests are ended on the way out; SystemExit would be the end of one test.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 143))


def pytest_xdist_auto_num_workers(config):
    return workers.needed(config.option.keyword, config.args)


def pytest_itemcollected(item):
    if "rounds" in item.fixturenames:
        item.extra_keyword_matches.add("rounds")


def pytest_collection_modifyitems(config, items):
    reasons = {item: debugging.left_out(item) for item in items}
    config.hook.pytest_deselected(items=[item for item in items if reasons[item]])
    config.stash[LEFT_OUT] = dict(collections.Counter(why for why in reasons.values() if why))
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = config.stash[LEFT_OUT]
    items[:] = [item for item in items if not reasons[item]]

    # What must be alone first, while nobody has begun anything long; then tests of one IOMMU mode one
    # after the other, so that each worker boots each mode's guest once; what needs no guest last, for
    # whoever has time.
    def place(item):
        if "alone" in item.fixturenames:
            return -1
        if "guest" not in item.fixturenames:
            return len(ORDER)
        mode = getattr(item, "callspec", None) and item.callspec.params.get("mode")
        return ORDER.index(mode) if mode in ORDER else 0

    items.sort(key=place)


def pytest_testnodedown(node):
    """Takes from a worker of pytest-xdist that has ended what it left out, as all do."""
    # One that died has no output.
    if hasattr(node, "workeroutput"):
        node.config.stash[LEFT_OUT] = node.workeroutput.get("left_out", {})


def pytest_terminal_summary(terminalreporter, config):
    for why, number in config.stash.get(LEFT_OUT, {}).items():
        terminalreporter.write_line(f"left to make check: {number} ({why})")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    # Of an earlier run.
    shutil.rmtree(folder_of(title(item)), ignore_errors=True)
    with contextlib.nullcontext() if "alone" in item.fixturenames else turns.beside():
        return (yield)


class Guests:
    """Guests of this session, one per configuration, booted when first asked for.

    Few run at a time: the one that was not used for longest is closed when another configuration is
    wanted. One that waits takes some 1.3 % of a processor and 700 MiB; to boot it anew takes ten
    seconds of a processor, and a minute on the debug kernel.
    """

    LIMIT = workers.GUESTS

    def __init__(self):
        self._running = {}

    def get(self, mode="strict", ports=2, **options):
        key = repr((mode, ports, sorted(options.items())))
        vm = self._running.pop(key, None)
        if vm is not None:
            assert_alive(vm)
        else:
            while len(self._running) >= self.LIMIT:
                self.drop(next(iter(self._running)), judge=True)
            vm = Vm(mode=mode, ports=ports, name=self._name(mode, ports, options), **options)
        self._running[key] = vm
        return vm

    @staticmethod
    def _name(mode, ports, options):
        parts = [mode, f"ports{ports if isinstance(ports, int) else ''.join(map(str, ports))}"]
        parts += [f"{key}{zlib.crc32(repr(value).encode()) % 10000}" for key, value in sorted(options.items())]
        return "check-" + "-".join(parts)

    def drop(self, key, judge=False):
        """Closes a guest; `judge`: after a last look at what it lost."""
        vm = self._running.pop(key)
        try:
            if judge:
                assert_alive(vm)
                vm.assert_clean(vm.judged, allow=debugging.KERNELS_OWN)
                found = debugging.leaks(vm)
                assert not found, f"{vm.name}: lost memory, see {vm.where()}:\n{found}"
        finally:
            vm.close()

    def discard(self, vm):
        """Closes a guest that a test left in a state nobody should inherit."""
        for key, other in list(self._running.items()):
            if other is vm:
                self.drop(key)

    def close(self):
        for key in list(self._running):
            self.drop(key, judge=True)


def assert_alive(vm):
    """AssertionError for a guest that does not answer any more. None of the tests that had it found it so, and a test
    that ends a guest discards it: it died in between."""
    try:
        vm.check("true", timeout=20)
    except GuestError as error:
        keep_log(vm, vm.name)
        vm.close()
        where = saved(vm.name).relative_to(paths.REPO)
        raise AssertionError(
            f"guest {vm.name} died between tests, its logs are in {where}/: {error}") from error


@pytest.fixture(scope="session")
def guests():
    """The session's Guests."""
    pool = Guests()
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def alone():
    """Returns a context manager in which no other test runs, for what counts exactly. Everything
    else must be right beside others."""
    return turns.alone


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    setattr(item, f"report_{report.when}", report)
    if report.failed:
        folder = saved(title(item))
        # Now, not at the end: a run of hours may be cut short.
        (folder / f"{report.when}.txt").write_text(report.longreprtext)
        add = getattr(report.longrepr, "addsection", lambda *what: report.sections.append(what))
        add("logs of its guest", f"{folder.relative_to(paths.REPO)}/")
    return report


@pytest.fixture
def guest(request, guests):
    """A function that returns a running guest: `vm = guest(mode="strict", ports=2, ...)`, options as of lab.Vm.

    Guests are shared by tests that ask for the same configuration, so a test begins with reset() having run: no
    driver of ours or of the kernel's is loaded for the ports, no namespace is left. After each test the kernel log
    since its start must be clean, before the next one what came in between. A guest whose test failed is not used again.
    """
    used = []

    def get(mode="strict", ports=2, **options):
        vm = guests.get(mode, ports, **options)
        if all(vm is not other for other, _ in used):
            # What it said since its last test, which may be long ago, or while it booted, counts, too.
            settle(vm, vm.judged)
            vm.note(f"test {request.node.nodeid}")
            used.append((vm, vm.judged))
        return vm

    def settle(vm, since):
        try:
            reset(vm)
            vm.inner = None
            vm.assert_clean(since, allow=debugging.KERNELS_OWN)
        except BaseException:
            keep_log(vm, title(request.node))
            guests.discard(vm)
            raise

    yield get
    failed = getattr(getattr(request.node, "report_call", None), "failed", True)
    for vm, since in used:
        if failed:
            # pytest shows it with the failure.
            print(f"{vm.name}: tasks that wait, and processes\n{told(vm, STUCK)}")
            (saved(title(request.node)) / "counters.txt").write_text(told(vm, COUNTERS))
            keep_log(vm, title(request.node))
            guests.discard(vm)
            continue
        settle(vm, since)


def title(test):
    """Returns the name of a test among those of all files."""
    return f"{test.path.stem}-{test.name}"


def folder_of(name):
    """Returns where what is kept of a failed test goes: build/log/failed/NAME."""
    return paths.LOGS / "failed" / re.sub(r"[^\w.]+", "-", name).strip("-")


def saved(name):
    """Makes and returns that folder."""
    folder = folder_of(name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep_log(vm, name):
    """Saves the logs of a guest and of the VM in it: the next of their kind write over their own."""
    for logs in (vm.logs, vm.inner.logs) if vm.inner else (vm.logs,):
        for log in logs.glob("*.log"):
            kept = saved(name) / log.relative_to(paths.LOGS)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(log, kept)


COUNTERS = """
for space in $(ip netns list | cut -d' ' -f1); do
    echo "== $space"
    ip -n $space -s -s link show; ip -n $space neigh show; ip netns exec $space nstat -as
    ip netns exec $space tc -s qdisc show
    for name in $(ip -n $space -br link show | cut -d' ' -f1 | cut -d@ -f1); do
        ip netns exec $space ethtool -S $name 2>/dev/null | grep -v ': 0$'
    done
done
"""


STUCK = """
for task in /proc/[0-9]*/task/*; do
    read -r state _ <<<"$(sed 's/.*) //' $task/stat 2>/dev/null)"
    [ "$state" != D ] || { echo "== ${task##*/} $(<$task/comm)"; cat $task/stack; }
done
ps -eo pid,ppid,stat,time,args --no-headers | grep -v ' \\['
"""
"""Prints where in the kernel tasks wait, and which processes there are."""


def told(vm, commands):
    """What shell commands print in the guest of a failed test, or why it does not say."""
    try:
        return vm.run(commands, timeout=60).stdout
    except GuestError as error:
        return str(error)


# fq_codel, the kernel's default, drops of what waited for over 100 ms, as much does under emulation.
RESET = """
echo pfifo_fast >/proc/sys/net/core/default_qdisc || exit 1
for port in /sys/bus/pci/drivers/*/*/sriov_numvfs; do
    [ ! -e "$port" ] || [ "$(<"$port")" = 0 ] || echo 0 >"$port" || exit 1
done
for module in igbvf_rs igb_rs igbvf igb; do
    [ ! -d /sys/module/$module ] || rmmod $module || exit 1
done
ip -all netns delete
ip -o link show type veth | while IFS=' :@' read -r _ name _; do ip link delete "$name" 2>/dev/null; done
exit 0
"""


def reset(vm):
    """Takes a guest back to what it was after boot, as far as tests can tell."""
    vm.check(RESET, timeout=120)


@pytest.fixture
def rounds():
    """How often a test of resets, removal or sleep repeats itself: environment variable ROUNDS.

    `-k rounds` selects the tests that ask for this.
    """
    return int(os.environ.get("ROUNDS") or 2)


@pytest.fixture
def seed():
    """For what a test leaves to chance: environment variable SEED, or one that a failure prints."""
    number = int(os.environ.get("SEED") or random.randrange(1 << 32))
    print(f"SEED={number}")
    return number


@pytest.fixture(params=MODES)
def mode(request):
    """Every IOMMU mode, one after the other."""
    return request.param
