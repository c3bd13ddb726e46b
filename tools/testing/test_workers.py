# SPDX-License-Identifier: GPL-2.0
"""The suite itself: tests side by side, one alone, and what a failure says."""

import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

import workers
from lab import paths

HERE = paths.REPO / "tools/testing"


@pytest.mark.parametrize("first, second, together", (
    ("beside", "beside", True), ("beside", "alone", False),
    ("alone", "beside", False), ("alone", "alone", False)))
def test_turns(tmp_path, first, second, together):
    """Two tests are under way together only if neither wants to be alone."""
    mine, other = workers.Turns(tmp_path), workers.Turns(tmp_path)
    begun = threading.Event()

    def run():
        with getattr(other, second)():
            begun.set()

    with getattr(mine, first)():
        thread = threading.Thread(target=run)
        thread.start()
        if together:
            assert begun.wait(60)
        else:
            _blocked(1)
            assert not begun.is_set()
    thread.join(60)
    assert begun.is_set()


def test_alone_comes(tmp_path):
    """A test that wants to be alone waits for what runs, and for nothing that comes later."""
    first, alone, later = (workers.Turns(tmp_path) for _ in range(3))
    order, waiting = [], []

    def run(turn, name):
        with turn:
            order.append(name)

    with first.beside():
        for turn, name in ((alone.alone(), "alone"), (later.beside(), "later")):
            waiting.append(threading.Thread(target=run, args=(turn, name)))
            waiting[-1].start()
            _blocked(len(waiting))
        assert not order
    for thread in waiting:
        thread.join(60)
    assert order == ["alone", "later"]


def _blocked(number):
    """Waits until that many threads of this process wait for a lock of a file."""
    mine = f" {os.getpid()} "
    while sum("-> " in line and mine in line for line in open("/proc/locks")) < number:
        time.sleep(0.01)


def test_outlives(tmp_path):
    """A fixture that is alone may outlive its test: the next one of its worker runs, those of
    others still wait."""
    mine, other = workers.Turns(tmp_path), workers.Turns(tmp_path)
    with mine.alone():
        with mine.beside():
            pass
        thread = threading.Thread(target=lambda: other.beside().__enter__())
        thread.start()
        _blocked(1)
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("keyword, number", (
    ("", 4), ("test_", 3), ("one or two", 2), ("two", 0), ("none", 0), ("(", 0)))
def test_needed(tmp_path, monkeypatch, keyword, number):
    """No more workers than tests, and none for one."""
    monkeypatch.setattr(workers, "default", lambda: 4)
    text = "".join(f"def test_{name}():\n    pass\n\n\n" for name in ("one", "two", "three"))
    (tmp_path / "test_made_up.py").write_text(text)
    assert workers.needed(keyword, [tmp_path]) == number


@pytest.mark.parametrize("jobs", (0, 2))
def test_failure_names_logs(tmp_path, jobs):
    """A failure names the folder with the logs, on the terminal and in the JUnit file."""
    text = "def test_fails():\n    assert 1 == 2\n\n\ndef test_passes():\n    pass\n"
    (tmp_path / f"test_made_up_{jobs}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-n",
         str(jobs), "--dist", "worksteal", "--junitxml", tmp_path / "junit.xml", tmp_path],
        env={**os.environ, "PYTHONPATH": f"{os.environ['PYTHONPATH']}:{HERE}"},
        capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed" in done.stdout.splitlines()[-1], done.stdout
    folder = paths.LOGS / f"failed/test_made_up_{jobs}-test_fails"
    for text in (done.stdout, (tmp_path / "junit.xml").read_text()):
        assert text.count(str(folder.relative_to(paths.REPO))) == 1, text
    assert "assert 1 == 2" in (folder / "call.txt").read_text()
    shutil.rmtree(folder)
