# SPDX-License-Identifier: GPL-2.0
"""Checks of the source that need no guest. `make check` runs them through tools/testing/test_static.py."""

from pathlib import Path

REPO = Path(__file__).resolve().parents[2]

_SKIP = {".git", "build", "target", "__pycache__", ".pytest_cache"}
_MADE = (".o", ".ko", ".mod", ".mod.c", ".a", ".cmd", ".d", ".rmeta", ".rlib", ".symvers", ".order", "bindings_generated.rs")


def sources(*folders):
    """Files of the repository below `folders` (all of it if none is named) that a person wrote, sorted."""
    found = []
    for folder in folders or (".",):
        for path in (REPO / folder).rglob("*"):
            inside = path.relative_to(REPO)
            if _SKIP.isdisjoint(inside.parts) and not path.name.endswith(_MADE) and path.is_file():
                found.append(inside)
    return sorted(found)


def rust(*folders):
    """Rust files below `folders`."""
    return [path for path in sources(*folders) if path.suffix == ".rs"]
