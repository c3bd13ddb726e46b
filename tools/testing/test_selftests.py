# SPDX-License-Identifier: GPL-2.0
"""A part of the kernel's own tests, on both sides; and the comparison, where it can go wrong."""

import xml.etree.ElementTree as xml

import pytest

from selftests import __main__ as command
from selftests import campaign, compare, ktap, programs, report
from selftests.rig import FUNCTIONS, Run

QUICK = {
    "pf": ("drivers/net/napi_threaded.py", "drivers/net/queues.py", "drivers/net/stats.py"),
    "vf": ("drivers/net/napi_id.py", "drivers/net/stats.py"),
}
"""Programs that take seconds and ask what the core and a driver agree on."""

PROGRAM = programs.Program("drivers/net/some.py")


@pytest.fixture(scope="module")
def pair(guests):
    """Two guests, one for each side; they take the place of the others'."""
    guests.close()
    with campaign.Pair() as both:
        yield both


@pytest.mark.parametrize("function, path", [(function, path) for function in FUNCTIONS
                                            for path in QUICK[function]])
def test_quick(pair, function, path):
    program, = programs.find(f"^{path}$")
    verdicts, ours = pair.run(function, program, compare.load())
    assert not [verdict for verdict in verdicts if verdict.bad], ours.output
    assert any(verdict.kind == compare.SAME for verdict in verdicts), ours.output


def judged(c, ours, missing=None, problems=()):
    """Kinds of verdicts by name, on what two runs printed."""
    runs = [Run(ktap.read(text, status), list(found), text, 1.0)
            for (text, status), found in ((c, ()), (ours, problems))]
    named = {("pf", PROGRAM.path, name): reason for name, reason in (missing or {}).items()}
    return {verdict.name: verdict.kind for verdict in compare.compare("pf", PROGRAM, *runs, named)}


PASSES = ("TAP version 13\n1..1\nok 1 some.test\n", 0)
SKIPS = ("TAP version 13\n1..1\nok 1 some.test # SKIP no such thing\n", 0)
FAILS = ("TAP version 13\n1..1\nnot ok 1 some.test\n", 1)
CUT = ("TAP version 13\n1..1\n", None)


@pytest.mark.parametrize("c, ours, kind", (
    (PASSES, PASSES, compare.SAME), (PASSES, SKIPS, compare.LOST), (PASSES, FAILS, compare.LOST),
    (PASSES, CUT, compare.LOST), (SKIPS, SKIPS, compare.NEITHER), (SKIPS, FAILS, compare.NEITHER),
    (FAILS, FAILS, compare.NEITHER),
    (FAILS, PASSES, compare.BETTER), (SKIPS, PASSES, compare.BETTER), (CUT, PASSES, compare.BETTER),
))
def test_kinds(c, ours, kind):
    assert judged(c, ours)["some.test"] == kind


@pytest.mark.parametrize("c, ours, kind", (
    (PASSES, SKIPS, compare.MISSING), (PASSES, CUT, compare.MISSING),
    (PASSES, PASSES, compare.STALE), (FAILS, PASSES, compare.STALE),
    (SKIPS, SKIPS, compare.STALE), (FAILS, FAILS, compare.NEITHER),
))
def test_named(c, ours, kind):
    """A loss with a reason is none; a name without a loss is one, unless C failed by chance."""
    assert judged(c, ours, {"some.test": "not yet"})["some.test"] == kind


def test_named_but_unknown():
    assert judged(PASSES, PASSES, {"some.other": "not yet"})["some.other"] == compare.STALE


def test_problem():
    """What the kernel says counts, whatever the subtests say."""
    assert judged(PASSES, PASSES, problems=["kernel log: BUG: bad"]) == {
        "some.test": compare.SAME, "kernel log: BUG: bad": compare.PROBLEM}


@pytest.mark.parametrize("text, status, found", (
    ("1..2\nok 1 a.b\nok 2 a.c # XFAIL only there\n", 0, {"a.b": "pass", "a.c": "xfail"}),
    ("1..2\nok 1 a.b\n", 1, {"a.b": "pass", ktap.UNFINISHED: "fail"}),
    ("1..1\nok 1 a.b\n", 3, {"a.b": "pass", ktap.WHOLE: "fail"}),
    ("1..1\nok 1 a.b\n", None, {"a.b": "pass", ktap.UNFINISHED: "fail"}),
    ("SKIP: not here\n", 4, {ktap.WHOLE: "skip"}),
    ("", 0, {ktap.WHOLE: "pass"}),
    ("Traceback\nValueError: x\n", 1, {ktap.WHOLE: "fail"}),
    ("TEST: SKIP: no such feature   [ OK ]\n", 0, {"SKIP: no such feature": "skip"}),
    ("TEST: speed 10   [ OK ]\nTEST: speed 10   [FAIL]\n\tno ping\n", 1,
     {"speed 10": "pass", "speed 10 (2)": "fail"}),
))
def test_read(text, status, found):
    assert {name: subtest.outcome for name, subtest in ktap.read(text, status).items()} == found


def test_reasons():
    text = "1..1\n# Exception| Traceback\n# Exception| OSError: gone\n# Exception| \nnot ok 1 a.b\n"
    assert ktap.read(text, 1)["a.b"].reason == "OSError: gone"
    assert ktap.read("TEST: x   [FAIL]\n\tno ping\n", 1)["x"].reason == "no ping"
    assert ktap.read("ok 1 a.b # SKIP no such thing\n", 0)["a.b"].reason == "no such thing"


def test_report(tmp_path):
    """KTAP and JUnit say the same, and what is bad fails the run."""
    said = []
    told = report.Report(1, said.append)
    verdicts = [compare.Verdict("a", compare.SAME),
                compare.Verdict("b", compare.NEITHER, "C: skip; ours: skip"),
                compare.Verdict("c", compare.LOST, "C: pass; ours: fail")]
    told.add("pf", PROGRAM, verdicts, Run({}, [], "out\x1b", 1.0))
    assert told.failed
    text = "\n".join(said)
    for line in ("    ok 2 b # SKIP C: skip; ours: skip", "    not ok 3 c", "not ok 1 pf drivers"):
        assert f"\n{line}" in text
    assert "1 lost" in told.summary()
    told.junit(tmp_path / "junit.xml")
    suite, = xml.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert suite.find("system-out").text == "out"


@pytest.mark.parametrize("text, message", (
    ("[a", "Expected"), ("[a]\n[a.pf]\nx = ['y']", "[a] has no reason"),
    ("[a]\nreason = 'b'\n[a.pf]\nx = ['y', 'y']", "[a] names pf x y again"),
))
def test_bad_list(tmp_path, text, message):
    path = tmp_path / "missing.toml"
    path.write_text(text)
    with pytest.raises(compare.BadList) as error:
        compare.load(path)
    assert message in str(error.value)


@pytest.mark.parametrize("words, message", (
    (["--functions", "zebra"], "no such function: zebra"),
    (["--programs", "zebra"], "none has such a name"), (["--programs", "("], "--programs"),
))
def test_bad_arguments(words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.parse(words)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
