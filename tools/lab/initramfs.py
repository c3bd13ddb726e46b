# SPDX-License-Identifier: GPL-2.0
"""Packs the guests' initramfs: busybox, the few kernel modules that reach the root, init and the agent."""

import hashlib
import lzma
import os
from pathlib import Path

from . import paths

MODULES = ("9pnet_virtio", "9p", "overlay", "virtio_console", "virtio_pci")
"""What init needs, in any order; those built into the kernel are skipped."""

BUSYBOX = Path("/bin/busybox")
GUEST = Path(__file__).with_name("guest")


def build(kernel):
    """Returns the path of an initramfs for `kernel`, packed anew only if something in it changed."""
    files = {"init": (GUEST / "init", 0o755), "lab/start": (GUEST / "start", 0o755),
             "lab/agent.py": (GUEST / "agent.py", 0o644), "bin/busybox": (BUSYBOX, 0o755)}
    modules = _modules(kernel)
    mark = hashlib.sha256(repr(kernel).encode() + Path(__file__).read_bytes())
    for source in [source for source, _ in files.values()] + modules:
        mark.update(source.read_bytes())
    folder = paths.BUILD / "lab"
    image = folder / f"initrd-{kernel.release}-{mark.hexdigest()[:12]}.img"
    if image.exists():
        return image
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"initrd-{kernel.release}-*.img"):
        old.unlink(missing_ok=True)
    part = image.with_name(f"{image.name}.{os.getpid()}")
    with part.open("wb") as out:
        archive = _Cpio(out)
        for folder_name in ("bin", "lab", "modules"):
            archive.add(folder_name, 0o040755)
        for name, (source, mode) in files.items():
            archive.add(name, 0o100000 | mode, source.read_bytes())
        archive.add("bin/sh", 0o120777, b"busybox")
        for source in modules:
            data = source.read_bytes()
            archive.add(f"modules/{_plain(source)}", 0o100644,
                        lzma.decompress(data) if source.suffix == ".xz" else data)
        archive.add("modules/order", 0o100644, "".join(_plain(m) + "\n" for m in modules).encode())
        archive.close()
    part.rename(image)
    return image


def _plain(path):
    """`9p.ko` for `9p.ko.xz`."""
    return path.name.removesuffix(".xz")


def _modules(kernel):
    """Files of MODULES and all they depend on, each after what it needs."""
    needs = {}
    for line in (kernel.modules / "modules.dep").read_text().splitlines():
        name, _, rest = line.partition(":")
        needs[name] = rest.split()
    by_name = {Path(name).name.split(".")[0].replace("-", "_"): name for name in needs}
    order = []
    for module in MODULES:
        if module in by_name:
            # modules.dep lists the whole closure, last needed first.
            for name in [*reversed(needs[by_name[module]]), by_name[module]]:
                if name not in order:
                    order.append(name)
    return [kernel.modules / name for name in order]


class _Cpio:
    """Writer of the "newc" archive format that the kernel unpacks."""

    def __init__(self, out):
        self.out = out
        self.inode = 0

    def add(self, name, mode, data=b""):
        self.inode += 1
        path = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self.out.write(_pad(header + path) + _pad(data))

    def close(self):
        self.add("TRAILER!!!", 0)


def _pad(data):
    return data + b"\0" * (-len(data) % 4)
