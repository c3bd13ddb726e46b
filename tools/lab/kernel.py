# SPDX-License-Identifier: GPL-2.0
"""The kernel a guest boots."""

import dataclasses
import re
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A bootable kernel: its release name, its image and the folder of its modules."""

    release: str
    image: Path
    modules: Path

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
