# SPDX-License-Identifier: GPL-2.0
"""The library's types forbid misuse: each file in `compile_fail` has its error, and the right use has none."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from checks import REPO

CASES = Path(__file__).with_name("compile_fail")
OBJ = REPO / "build/obj"
SAVED = OBJ / "drivers/net/ethernet/intel/igbvf_rs/.igbvf_rs_main.o.cmd"
"""The command that compiled a driver."""


def errors(source, out):
    """Compiles a file as a driver is compiled; returns the errors as pairs of the code and the lines they are at."""
    command = shlex.split(SAVED.read_text().splitlines()[0].split(" := ", 1)[1])
    start = command.index("rustc")
    keep = [word for word in command[start:-1] if not word.startswith(("--emit", "-Dwarnings"))]
    at = keep.index("--out-dir")
    del keep[at:at + 2]
    environment = dict(word.split("=", 1) for word in command[:start]) | {"PATH": "/usr/bin:/bin", "RUSTC_BOOTSTRAP": "1"}
    result = subprocess.run([*keep, "--crate-name", "case", "--emit=metadata", "-o", out / "case.rmeta",
                             "--error-format=json", source], cwd=OBJ, env=environment, capture_output=True, text=True)
    found = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    found = [(message["code"]["code"], [text["text"] for span in message["spans"] if span["is_primary"]
                                        for text in span["text"]])
             for message in found if message["level"] == "error" and message["code"]]
    assert (result.returncode == 0) == (not found), result.stderr
    return found


def test_compiles(tmp_path):
    assert errors(CASES / "compiles.rs", tmp_path) == []


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.rs") if path.stem != "compiles"))
def test_does_not_compile(name, tmp_path):
    source = CASES / f"{name}.rs"
    code, text = (re.search(rf"^// {what}: (.+)$", source.read_text(), re.MULTILINE)[1] for what in ("error", "at"))
    found = errors(source, tmp_path)
    assert [error for error, _ in found] == [code], found
    assert any(text in line for line in found[0][1]), found
