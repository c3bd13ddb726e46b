# SPDX-License-Identifier: GPL-2.0
"""Rounds of orders in a guest, and the judgement after each."""

import json
import shutil
import sys
import time
from pathlib import Path

from lab import Vm, paths
from lab.client import GuestError
from lab.kernel import patience

REPO = Path(__file__).resolve().parents[3]

sys.path.insert(0, str(REPO / "tools/testing"))

import debugging  # noqa: E402
import vfs  # noqa: E402

from fuzz.administrator import settle  # noqa: E402
from fuzz.administrator.account import Account  # noqa: E402
from fuzz.administrator.impossible import IMPOSSIBLE, NEEDS  # noqa: E402

OUT = paths.BUILD / "fuzz/administrator"
IN_GUEST = f"{paths.BUILD_IN_GUEST}/fuzz/administrator"

HANG = 60
"""Seconds that a command may take."""

SETTLE = 5 * HANG
"""Seconds for setting everything back, which is a hundred commands."""

PASSES = 10
"""Seconds after a round in which TCP must have passed on every function."""


class Failure(AssertionError):
    """Something was found; the text says what and how to see it again."""


class Run:
    """A guest whose PF and VFs are given orders."""

    def __init__(self, vm, seed, only=(), without=()):
        self.vm = vm
        self.seed = seed
        self._impossible = set(IMPOSSIBLE)
        OUT.mkdir(parents=True, exist_ok=True)
        for path in (Path(__file__).parent / "guest").glob("*.py"):
            shutil.copy(path, OUT)
        self._log = open(paths.LOGS / f"{vm.name}.orders.log", "w")
        self.account = Account(self._log)
        vfs.start(vm, 2)
        vm.check(f"{settle.MOUNTS}\nmodprobe -aq {settle.MODULES} || :", timeout=vfs.LIMIT)
        self._impossible |= {kind for kind, module in NEEDS.items() if not vm.run(f"modprobe -nq {module}").ok}
        self._options = {"seed": seed, "functions": settle.FUNCTIONS, "only": list(only), "without": list(without),
                         "impossible": sorted(self._impossible), "limit": patience(HANG)}
        self._settle = settle.script({name: settle.features(vm, name) for name in settle.FUNCTIONS})

    def round(self, number, seconds):
        """One round: orders while traffic flows, everything set back, and TCP must pass."""
        self._under_traffic(f"round {number}", {"round": number, "seconds": seconds, "alone": False}, seconds, number)

    def _under_traffic(self, title, options, seconds, number=None):
        """Has orders given while traffic flows, and judges."""
        since = self.vm.mark()
        names = " ".join(settle.FUNCTIONS)
        flow = self.vm.start(f"exec python3 {IN_GUEST}/traffic.py flow {vfs.address('w')} {names}")
        try:
            flow.wait_for("flowing", timeout=vfs.LIMIT)
            self._orders(title, options, seconds)
            self._judge(since)
        except (GuestError, AssertionError) as error:
            self._fail(number, str(error))
        flow.stop()

    def _orders(self, title, options, seconds):
        """Has the fuzzer in the guest give orders."""
        self.account.begin(title)
        self.vm.note(f"{title} of seed {self.seed}")
        process = self.vm.start(["python3", f"{IN_GUEST}/fuzzer.py", json.dumps({**self._options, **options})], watch=self.account.take)
        # The guest sees a hang first; this is for a guest that does not.
        result = process.wait(seconds / patience(1) + 3 * HANG)
        if result.ok:
            return
        ended = self.account.ended or {}
        if "hang" in ended:
            raise AssertionError(f"a command of \"{ended['hang']}\" takes more than {patience(HANG)} s; it waits in\n{ended['stack']}")
        raise AssertionError(f"workers died: {ended or result.stderr[-2000:]}")

    def _judge(self, since):
        """Sets everything back; then TCP passes, and the log is clean."""
        result = self.vm.run(self._settle, timeout=SETTLE)
        if not result.ok:
            how = "takes too long" if result.timeout else f"failed, {result.stderr.strip()[-600:]}"
            self.vm.run("echo w >/proc/sysrq-trigger", timeout=HANG)
            raise AssertionError(f"setting everything back {how}")
        names = " ".join(settle.FUNCTIONS)
        passed = self.vm.run(f"exec python3 {IN_GUEST}/traffic.py pass {vfs.address('w')} {patience(PASSES)} {names}", timeout=HANG)
        self.vm.assert_clean(since, allow=debugging.KERNELS_OWN)
        assert passed.ok, f"TCP does not pass in {patience(PASSES)} s: {passed.out or passed.stderr[-600:]}"

    def never(self):
        """Gives, alone, what was never carried out; fails for what then never is, unless it is known to be impossible."""
        wanted = [kind for kind in self.account.never() if kind not in self._impossible]
        if wanted:
            self._options["only"] = wanted
            self._under_traffic("what was never carried out", {"round": 0, "seconds": 0, "alone": True}, 5 * HANG)
        never = [kind for kind in self.account.never() if kind not in self._impossible]
        if never:
            self._fail(None, "never carried out: " + "; ".join(
                f"{kind} ({self.account.reasons[kind].most_common(1)[0][0]})" for kind in never))

    def surprises(self):
        """Kinds that were thought to be impossible and were carried out."""
        return sorted(kind for kind in self._impossible if self.account.done[kind])

    def end(self):
        """Unloads the drivers; nothing may be left."""
        since = self.vm.mark()
        try:
            self.vm.check(f"echo 0 >{vfs.NUMVFS}; rmmod igbvf_rs && rmmod igb_rs", timeout=2 * HANG)
            self.vm.assert_clean(since, allow=debugging.KERNELS_OWN)
            found = debugging.leaks(self.vm)
            assert not found, f"lost memory:\n{found}"
        except (GuestError, AssertionError) as error:
            self._fail(None, str(error))

    def _fail(self, number, why):
        which = "" if number is None else f" --round {number}"
        raise Failure(f"administrator: {why}\nThe last commands of each worker (all: {Path(self._log.name).relative_to(REPO)}):\n"
                      f"{self.account.last()}\nSeed {self.seed}: tools/lab/enter python3 -m fuzz.administrator --seed {self.seed}{which}\n"
                      f"The guest's log: {self.vm.where()}") from None


def fuzz(seed, seconds, round_seconds=45, only_round=None, only=(), without=(), say=print):
    """Rounds until the time is over, or one; returns the Account. Failure when something is found."""
    say(f"administrator: seed {seed}")
    with Vm(ports=2, name="fuzz-administrator") as vm:
        run = Run(vm, seed, only, without)
        # To boot takes its own time.
        end = time.monotonic() + seconds
        number = 0 if only_round is None else only_round
        while True:
            begin = time.monotonic()
            run.round(number, round_seconds)
            say(f"round {number}, {time.monotonic() - begin:.0f} s: {sum(run.account.done.values())} of {sum(run.account.tried.values())} commands carried out so far")
            number += 1
            if only_round is not None or time.monotonic() > end:
                break
        if only_round is None:
            run.never()
        run.end()
        if run.surprises():
            say(f"carried out, though in impossible.py: {', '.join(run.surprises())}")
    return run.account
