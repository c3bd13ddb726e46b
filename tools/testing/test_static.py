# SPDX-License-Identifier: GPL-2.0
"""The source itself: format, lints, licences, where `unsafe` is and why."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from checks import REPO, c_helpers, ledger, rust, rust_source, sources, unsafe_census

TREE = Path("/usr/src/igb-rs-tree")
INTEL = REPO / "drivers/net/ethernet/intel"


def run(*command, **more):
    """Runs a tool; what it said is the assertion's message when it fails."""
    result = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    assert result.returncode == 0, "\n".join(result.stdout.splitlines()[-80:])
    return result.stdout


def test_rustfmt():
    run("rustfmt", "--check", "--edition", "2021", "--config-path", TREE / ".rustfmt.toml",
        *(REPO / path for path in rust("rust", "drivers", "tools")))


def test_clippy_modules():
    # A folder of its own: what the modules' build left must not hide a warning.
    work = REPO / "build/clippy"
    work.mkdir(parents=True, exist_ok=True)
    mine = set(sources("rust", "drivers")) | {Path("Kbuild")}
    for path in [path.relative_to(work) for path in work.rglob("*") if path.suffix in (".rs", ".c", ".h")]:
        if path not in mine and not path.name.endswith((".mod.c", "_generated.rs")) and path.name != ".module-common.c":
            (work / path).unlink()
    run("cp", "-pru", "--parents", *sorted(mine), work, cwd=REPO)
    compiler = re.search(r'^CONFIG_CC_VERSION_TEXT="?(\S+)', (TREE / "include/config/auto.conf").read_text(), re.MULTILINE)[1]
    run("make", "-C", TREE, f"M={work}", f"CC={compiler}", f"-j{os.cpu_count()}", "CLIPPY=1", "W=e", "modules")


def test_clippy_host():
    run("cargo", "clippy", "--offline", "--quiet", "--all-targets", "--workspace", "--", "-D", "warnings", **HOST)


HOST = {"cwd": REPO / "tools/host-tests"}


def test_host():
    out = run("cargo", "test", "--offline", "--quiet", "--workspace", **HOST)
    assert sum(map(int, re.findall(r"(\d+) passed", out))) > 0, "no host test ran"


def roots():
    """The root file of each crate under drivers/."""
    found = {}
    for folder in sorted(path for path in INTEL.iterdir() if path.is_dir()):
        found[folder.name] = [path for path in (folder / f"{folder.name}.rs", folder / f"{folder.name}_main.rs") if path.exists()]
    return found


def test_drivers_forbid_unsafe():
    assert {"igb_common", "igb_rs", "igbvf_rs"} <= set(roots())
    for name, files in roots().items():
        assert len(files) == 1, f"{name}: no crate root, or two: {files}"
        code, _ = rust_source.split(files[0].read_text())
        assert "#![forbid(unsafe_code)]" in code, f"{files[0]} does not forbid unsafe code"


def test_no_unsafe_outside_library():
    for path in rust("drivers", "tools"):
        code, _ = rust_source.split((REPO / path).read_text())
        # The attribute that forbids it has another name for it.
        assert not re.search(r"\bunsafe\b", code), f"{path} says unsafe"


def test_unsafe_ledger():
    assert not ledger.problems()
    assert len(unsafe_census.census()) > 100


@pytest.mark.parametrize("text, reason", [
    ("fn f() {\n    unsafe { g() };\n}", ""),
    ("fn f() {\n    // SAFETY: sure.\n    unsafe { g() };\n}", "sure."),
    ("fn f() {\n    // SAFETY: sure.\n    a();\n    unsafe { g() };\n}", ""),
    ("fn f() {\n    // Only a remark.\n    unsafe { g() };\n}", ""),
    ("// SAFETY: of old.\n\nunsafe impl Send for X {}", ""),
    ("// SAFETY: two\n// lines.\nunsafe impl Send for X {}", "two lines."),
    ("/// Text.\nunsafe fn f() {}", ""),
    ("/// Text.\n///\n/// # Safety\n///\n/// Be careful.\nunsafe fn f() {}", "Be careful."),
])
def test_ledger_sees(text, reason):
    use, = unsafe_census.of_text("x.rs", text)
    assert use.reason == reason


@pytest.mark.parametrize("text, reasons", [
    ("int f(int a)\n{\n\treturn a;\n}\n", []),
    ("void f(void)\n{\n\ta();\n\tb();\n}\n", [""]),
    ("/* Does it. */\nstruct x *f(int a,\n\t    int b)\n{\n\treturn a ? g() : b;\n}\n", [""]),
    ("/*\n * Does it.\n * In C: a macro\n * does.\n */\nstatic void f(void)\n{\n\tif (a)\n\t\tb();\n}\n", ["a macro does."]),
])
def test_ledger_sees_c(text, reasons):
    assert [helper.reason for helper in c_helpers.of_text("x.c", text)] == reasons


def test_ledger_ignores_text():
    assert not unsafe_census.of_text("x.rs", '// unsafe { }\n/* unsafe /* fn */ unsafe */ const A: &str = "unsafe {";')
    assert not unsafe_census.of_text("x.rs", "type F = Option<unsafe extern \"C\" fn(u32)>;")


def test_licences():
    for path in sources():
        if path.name in ("COPYING", "Cargo.lock", ".gitignore"):
            continue
        head = (REPO / path).read_text(errors="replace").splitlines()[:5]
        assert any(re.search(r"SPDX-License-Identifier: GPL-2\.0\b", line) for line in head), f"{path} has no SPDX line"
