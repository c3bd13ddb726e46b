# SPDX-License-Identifier: GPL-2.0
"""What a packet costs must not slip: exact counts, no times. And the bench itself, where it can go wrong."""

import subprocess
import sys

import pytest

from bench import __main__ as bench
from bench import figures
from bench.counts import Counter, kind
from bench.rig import OURS

PACKETS = 2000

# Per packet of the function under test: what was counted, and some room for packets that come less bunched on a
# machine under load. A packet with a doorbell or an interrupt of its own is far above.
BOUNDS = {
    # kind, from the function or to it, amount, more: MMIO accesses, transmit doorbells
    "64-out": (("packets", True, PACKETS, (8,)), 0.30, 0.14),
    "64-in": (("packets", False, PACKETS, (8,)), 0.30, 0.01),
    "tcp-out": (("tcp", True, 4 << 20, ()), 0.70, 0.40),
    "tcp-in": (("tcp", False, 4 << 20, ()), 0.40, 0.20),
    "rr": (("rr", True, 300, ()), 3.0, 0.55),
}


@pytest.fixture(scope="module", params=(0, 1), ids=("pf", "vf"))
def counter(request, guests, alone):
    """A guest that counts; takes the place of the others', and the machine, once it has booted."""
    guests.close()
    with (Counter("strict", vfs=request.param, sides=(OURS,), instructions=False, name="check-counts") as counting,
          alone()):
        yield counting
        counting.vm.assert_clean()


@pytest.mark.parametrize("name", BOUNDS)
def test_counts(counter, name):
    """No invalidation at all, few register accesses, no register read."""
    (what, out, amount, more), accesses, doorbells = BOUNDS[name]
    end = "V0" if counter.rig.vfs else "A"
    sender, receiver = (end, "B") if out else ("B", end)
    counts = counter.run(OURS, what, sender, receiver, end, amount, more)
    assert counts["raw"]["invalidations"] == 0, counts["raw"]
    assert counts["raw"]["mmio_reads"] == 0, counts["raw"]
    assert counts["mmio"] <= accesses, counts["raw"]
    assert counts["tdt"] <= doorbells, counts["raw"]
    # The counting itself: what was counted can not be nothing.
    assert counts["raw"]["mmio_writes"] > 0 and counts["raw"]["descriptors"] > 0, counts["raw"]


def test_registers():
    """Offsets are told apart."""
    assert [kind(offset) for offset in (0xE018, 0xE058, 0x3818)] == ["tdt"] * 3
    assert [kind(offset) for offset in (0xC018, 0xC3D8, 0x2818)] == ["rdt"] * 3
    assert [kind(offset) for offset in (0x1500, 0x1524, 0x1680)] == ["irq"] * 3
    assert [kind(offset) for offset in (0, 0x4000, 0xE010, 0xC000)] == ["other"] * 4


def test_interval():
    """Order statistics: of seven values the extremes enclose the median with 98.4 %."""
    assert figures.interval([1]) is None
    assert figures.interval(range(7)) == (0, 6, 0.9844)
    low, high, confidence = figures.interval(range(20))
    assert (low, high) == (5, 14) and 0.95 <= confidence < 0.96
    assert figures.interval([3, 1]) == (1, 3, 0.5)


def test_summary():
    """Ratios are of pairs; half a pair does not count."""
    found = figures.summary([2, 4, 6, 8], [1, 2, 2])
    assert found["pairs"] == 3 and found["ratio"] == 2 and (found["ci_low"], found["ci_high"]) == (2, 3)
    assert figures.summary([], [1]) is None and figures.summary([1], [0]) is None


def test_verdict():
    assert figures.verdict(1.3, 1.25, lower=False) == "met"
    assert figures.verdict(0.9, 0.85, lower=True) == "missed"
    assert figures.verdict(0.1, None, lower=False) == ""


@pytest.mark.parametrize("words, message", (
    (["--modes", "loose"], "no such IOMMU mode: loose"),
    (["--modes", ","], "no such IOMMU mode"),
    (["--pairs", "0"], "between 1 and 1000"),
    (["--seconds", "nan"], "between 0.1 and 600"),
    (["--cells", "zebra"], "none has such a name"),
    (["--cells", "("], "--cells"),
))
def test_bad_arguments(words, message, capsys):
    """A clear line, and nothing is run."""
    with pytest.raises(SystemExit) as stopped:
        bench.parse(words)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_little_memory():
    with pytest.raises(bench.Refused, match="1000 MiB of memory are available, 5120 are needed"):
        bench.preconditions(available_mib=1000, modules=())


def test_missing_tool():
    with pytest.raises(bench.Refused, match="no-such-tool is missing"):
        bench.preconditions(tools=("no-such-tool",), modules=())


def test_missing_module(tmp_path):
    with pytest.raises(bench.Refused, match="run `make` first"):
        bench.preconditions(available_mib=1 << 20, modules=(tmp_path / "igb_rs.ko",))


def test_two_benches(tmp_path):
    """The second is refused as long as the first runs, also when that is killed."""
    path = tmp_path / "lock"
    code = f"from bench import __main__ as b; f = b.lock({str(path)!r}); print('held', flush=True); input()"
    first = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdout.readline() == b"held\n"
    with pytest.raises(bench.Refused, match="another bench is running"):
        bench.lock(path)
    first.kill()
    first.wait()
    bench.lock(path).close()


def test_dead_guest(monkeypatch, tmp_path, capsys):
    """What was measured is kept, marked partial, with the reason; the exit status tells."""
    from bench import results
    from lab import GuestError
    monkeypatch.setattr(results, "FOLDER", tmp_path / "a" / "b")
    args = bench.parse(["--quick", "--only", "cells"])
    run = bench.Bench(args)
    monkeypatch.setattr(run, "cells", lambda mode: (_ for _ in ()).throw(GuestError("the guest is gone")))
    assert not run.run()
    assert run.results.data["partial"]
    assert run.results.data["problems"] == [{"where": "strict", "what": "the guest is gone"}]
    assert run.results.path.exists()
    assert "the guest is gone" in capsys.readouterr().out


def test_table():
    """A goal that is missed shows; counts are per packet."""
    from bench import table
    cell = {"title": "PF TCP out", "lower_is_better": False, "verdict": "missed",
            "summary": {"ratio": 1.1, "ci_low": 1.0, "ci_high": 1.25}}
    data = {"modes": {"lazy": {"x": cell}, "strict": {"x": {**cell, "verdict": "met"}}}, "counts": {}}
    assert [[part.strip() for part in line.split("|")[1:-1]] for line in table.ratios(data).splitlines()[::2]] == [
        ["ours / C", "strict", "lazy"], ["PF TCP out", "1.10 (1.00 - 1.25)", "**1.10** (1.00 - 1.25)"]]
    run = {"packets": 10, "invalidations": 0, "mmio_reads": 1, "mmio_writes": 2, "interrupts": 5, "instructions": 5000}
    data["counts"]["VF"] = {"ours": [run], "C": [run]}
    assert table.counts(data).splitlines()[-1].split("|")[2:4] == ["               0 / 0 ", "         0.3 / 0.3 "]
