# SPDX-License-Identifier: GPL-2.0
"""The streams of a soak: TCP, every block checked by its receiver (stream.py)."""

import contextlib
import signal
from pathlib import Path

from lab.client import GuestError
from vfs import LIMIT, address

PAIRS = (("v0", "w"), ("pf", "v1"), ("v2", "pf"), ("w", "v0"))
"""Source and target of each. Every function but the idle VF takes part."""

KIBPS = 400
"""Of each, when nothing holds it up. More would leave no processor time for the changes."""

SCRIPT = "/run/stream.py"


class Streams:
    """Runs from its making until `stop`."""

    def __init__(self, vm):
        vm.put(SCRIPT, Path(__file__).with_name("stream.py").read_text())
        self._ends = {}
        for port, (source, target) in enumerate(PAIRS, 5300):
            where = f"{address(target)} {port}"
            receiver = vm.start(f"exec ip netns exec {target} python3 {SCRIPT} serve {where}")
            receiver.wait_for("ready\n", timeout=LIMIT)
            self._ends[f"{source} to {target}"] = (
                receiver, vm.start(f"exec ip netns exec {source} python3 {SCRIPT} send {where} {KIBPS}"))

    def blocks(self):
        """Checked blocks of each stream so far; fails if one has ended."""
        for name, (receiver, sender) in self._ends.items():
            assert receiver.running and sender.running, f"stream {name} ended: {receiver.stdout[-200:]}"
        return {name: _blocks(receiver) for name, (receiver, _) in self._ends.items()}

    def advance(self):
        """Waits until each stream has had a block that came after the call."""
        # The next line may tell of blocks from before the call. The first one, "ready", has no number.
        wanted = {name: receiver.stdout.count("\n") + 1 for name, (receiver, _) in self._ends.items()}
        for name, (receiver, _) in self._ends.items():
            try:
                receiver.wait_for(f"\n{wanted[name]}: ", timeout=LIMIT)
            except GuestError as error:
                raise AssertionError(f"stream {name} stands still: {receiver.stdout[-200:]}") from error

    @contextlib.contextmanager
    def held(self):
        """Senders send nothing more in the block; what they had sent before goes on its way."""
        for _, sender in self._ends.values():
            sender.signal(signal.SIGSTOP)
        yield
        for _, sender in self._ends.values():
            sender.signal(signal.SIGCONT)

    def stop(self):
        """Ends them; returns how many blocks each receiver has checked, all of them good."""
        for name, (receiver, sender) in self._ends.items():
            sender.stop()
            result = receiver.wait(LIMIT)
            assert result.ok, f"stream {name}: {result.stdout[-200:]} {result.stderr}"
        return {name: _blocks(receiver) for name, (receiver, _) in self._ends.items()}


def _blocks(receiver):
    """The number in the last line a receiver printed."""
    words = receiver.stdout.splitlines()[-1].split()
    return int(words[1]) if words[-1] == "blocks" else 0
