# SPDX-License-Identifier: GPL-2.0
"""Packs the guests' initramfs: what reaches the root (busybox, a few modules, init), the agent, common tools."""

import fcntl
import hashlib
import lzma
import os
import re
import shutil
import subprocess
from pathlib import Path

from . import locks, paths

MODULES = ("9pnet_virtio", "9p", "overlay", "virtio_console", "virtio_pci")
"""What init needs, in any order; those built into the kernel are skipped."""

BUSYBOX = Path("/bin/busybox")
GUEST = Path(__file__).with_name("guest")


TOOLS = """
    bash dash sh env cat ls mkdir rm cp mv ln touch chmod echo sleep readlink basename dirname head tail sort uniq tr wc
    cut true false test [ seq date nproc timeout stat tee grep sed mawk awk mount umount mountpoint setsid stty
    ip tc bridge ss ping ethtool iperf3 kmod modprobe insmod rmmod lsmod pidof pgrep pkill kill ps python3
""".split()
"""Programs that every guest gets in memory; those not installed in the root are left out."""

AGENT_IMPORTS = "base64, codecs, json, os, signal, socket, subprocess, threading, time"


def build(kernel):
    """Returns an open file, the initramfs for `kernel`, packed anew only if something in it
    changed.

    As long as somebody holds that file open, nobody removes it: a VM in the guest boots from it
    later.
    """
    files = {"init": (GUEST / "init", 0o755), "lab/agent.py": (GUEST / "agent.py", 0o644),
             "bin/busybox": (BUSYBOX, 0o755)}
    modules = _modules(kernel)
    mark = hashlib.sha256(repr(kernel).encode() + Path(__file__).read_bytes())
    # The package list says which version of the tools the root holds.
    for source in [source for source, _ in files.values()] + modules + [Path("/var/lib/dpkg/status")]:
        mark.update(source.read_bytes())
    folder = paths.BUILD / "lab"
    image = folder / f"initrd-{kernel.release}-{mark.hexdigest()[:12]}.img"
    # Guests that start side by side want the same file.
    with locks.only_one(folder):
        if not image.exists():
            for old in folder.glob(f"initrd-{kernel.release}-*.img"):
                _remove_unused(old)
            _pack(image, files, modules)
        held = image.open("rb")
        fcntl.flock(held, fcntl.LOCK_SH)
    return held


def _remove_unused(image):
    with image.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        image.unlink()


def _pack(image, files, modules):
    part = image.with_name(f"{image.name}.part")
    with part.open("wb") as out:
        archive = _Cpio(out)
        for name in ("dev", "lower", "rw", "root"):
            archive.add(f"{name}/", 0o040755)
        for name, (source, mode) in files.items():
            archive.add(name, 0o100000 | mode, source.read_bytes())
        for source in modules:
            data = source.read_bytes()
            archive.add(f"modules/{_plain(source)}", 0o100644,
                        lzma.decompress(data) if source.suffix == ".xz" else data)
        archive.add("modules/order", 0o100644, "".join(_plain(m) + "\n" for m in modules).encode())
        for path in _tools():
            archive.copy(f"tools{path}", path)
        archive.close()
    part.rename(image)


def _tools():
    """Everything TOOLS and the agent's Python need, with the links that lead there; no link in a folder's name."""
    programs = [path for name in TOOLS for path in [shutil.which(name)] if path]
    python = subprocess.run(
        ["python3", "-I", "-S", "-c", f"import sys, {AGENT_IMPORTS}\n"
         "for m in list(sys.modules.values()):\n"
         "    for f in (getattr(m, '__file__', None), getattr(m, '__cached__', None)):\n"
         "        if f: print(f)"],
        check=True, capture_output=True, text=True).stdout.split()
    binaries = programs + [path for path in python if path.endswith(".so")]
    listing = subprocess.run(["ldd", *binaries], capture_output=True, text=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", listing)
    found = {}
    for name in [*programs, *python, *libraries, "/etc/ld.so.cache"]:
        path = Path(name)
        while path.exists() or path.is_symlink():
            # The root's /bin, /lib and /lib64 are links; a folder of that name here would hide them.
            path = path.parent.resolve() / path.name
            found[str(path)] = path
            if not path.is_symlink():
                break
            path = path.parent / os.readlink(path)
    return sorted(found.values())


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
    """Writer of the "newc" archive format that the kernel unpacks; folders are made as needed."""

    def __init__(self, out):
        self.out = out
        self.inode = 0
        self.folders = {""}

    def add(self, name, mode, data=b"", mtime=0):
        """Adds an entry. A name that ends in a slash is a folder."""
        folder = name.rpartition("/")[0]
        if folder not in self.folders:
            self.folders.add(folder)
            self.add_folder(folder)
        if not name.endswith("/"):
            self.entry(name, mode, data, mtime)

    def add_folder(self, folder):
        parent = folder.rpartition("/")[0]
        if parent not in self.folders:
            self.folders.add(parent)
            self.add_folder(parent)
        self.entry(folder, 0o040755)

    def copy(self, name, path):
        """Adds the file or link `path`, with its time: Python compares that with its compiled file's."""
        status = path.lstat()
        data = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        self.add(name, status.st_mode, data, int(status.st_mtime))

    def entry(self, name, mode, data=b"", mtime=0):
        self.inode += 1
        path = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, mtime, len(data), 0, 0, 0, 0, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self.out.write(_pad(header + path) + _pad(data))

    def close(self):
        self.entry("TRAILER!!!", 0)


def _pad(data):
    return data + b"\0" * (-len(data) % 4)
