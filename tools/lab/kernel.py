# SPDX-License-Identifier: GPL-2.0
"""The kernel a guest boots."""

import dataclasses
import re
from pathlib import Path

from . import paths

DEBUG_TREE = Path("/usr/src/igb-rs-debug")
"""Where tools/lab/debug/build leaves the debug kernel."""

PATIENCE = {"stock": 1, "debug": 6}
"""How much longer than on the stock kernel anything may take: every time limit is multiplied by this."""


def patience(seconds):
    """A time limit for the kernel that is used, from one for the stock kernel; None stays None."""
    return None if seconds is None else seconds * PATIENCE[paths.KERNEL]


HUNG_TASK_SECONDS = 120
"""How long the stock kernel lets a task wait before it counts as hung."""

DEBUG_CMDLINE = ("no5lvl iommu.debug_pagealloc=1 page_poison=1 kunit.enable=1 kunit.autorun=1 "
                 f"sysctl.kernel.hung_task_timeout_secs={HUNG_TASK_SECONDS * PATIENCE['debug']}")
"""Checks that are built in but off by default; SLUB's (slab_debug=FZ), which see what KASAN sees, cost a sixth of a
test's processor time and stay off. And four levels of page tables: with five, KASAN asks for the processor's
features while the kernel has them cleared, and takes an address for a wild one when an interrupt comes just then."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A bootable kernel: its release name, its image, the folder of its modules, and what it wants to be told."""

    release: str
    image: Path
    modules: Path
    cmdline: str = ""

    @classmethod
    def chosen(cls):
        """The kernel that paths.KERNEL names."""
        return {"stock": cls.stock, "debug": cls.debug}[paths.KERNEL]()

    @classmethod
    def debug(cls):
        """The debug kernel."""
        release = (DEBUG_TREE / "include/config/kernel.release").read_text().strip()
        return cls(release, DEBUG_TREE / "arch/x86/boot/bzImage", Path("/lib/modules") / release, DEBUG_CMDLINE)

    @classmethod
    def stock(cls):
        """The stock Debian kernel in the lab's root; the newest if there are several."""
        def numbers(path):
            return [int(n) for n in re.findall(r"\d+", path.name)]

        images = sorted(Path("/boot").glob("vmlinuz-*"), key=numbers)
        if not images:
            raise FileNotFoundError("no kernel in the lab's root: run tools/lab/setup")
        release = images[-1].name.removeprefix("vmlinuz-")
        return cls(release, images[-1], Path("/lib/modules") / release)
