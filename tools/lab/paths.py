# SPDX-License-Identifier: GPL-2.0
"""Where things are, inside the lab's Debian root (tools/lab/enter mounts them there)."""

import os
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]

KERNEL = os.environ.get("LAB_KERNEL") or "stock"
"""Which kernel modules are built for and guests boot: "stock" or "debug"."""

BUILD = REPO / "build" / ("" if KERNEL == "stock" else KERNEL)
LOGS = BUILD / "log"
"""A folder for each guest, by its name: `console.log`, and QEMU's messages, `qemu.log`."""

ROOT_FOR_GUESTS = Path("/mnt/root")
"""The Debian root as guests get it: without /proc, the repository and whatever else is mounted in it."""

BUILD_IN_GUEST = "/mnt/igb_rs"
"""Where a guest sees BUILD, read-only."""
