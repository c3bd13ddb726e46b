# SPDX-License-Identifier: GPL-2.0
"""Finds out whether this machine can run guests with KVM, by running one."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from . import initramfs, qemu
from .kernel import Kernel

LIMIT_SECONDS = 15
"""Under KVM the kernel reaches its first program in one or two seconds."""

_CACHE = Path("/var/cache/igb-rs-accel")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def find():
    """"kvm" or "tcg": from ACCEL in the environment, else by trying, once per boot of this machine."""
    wish = os.environ.get("ACCEL", "")
    if wish:
        if wish not in qemu.ACCEL:
            raise SystemExit(f"error: ACCEL={wish}: unknown, use one of {', '.join(qemu.ACCEL)}")
        return wish
    boot = _BOOT_ID.read_text().strip()
    try:
        known_boot, known = _CACHE.read_text().split()
        if known_boot == boot and known in qemu.ACCEL:
            return known
    except (OSError, ValueError):
        pass
    accel = "kvm" if _kvm_boots() else "tcg"
    part = _CACHE.with_name(f"{_CACHE.name}.{os.getpid()}")
    part.write_text(f"{boot} {accel}\n")
    part.rename(_CACHE)
    return accel


def _kvm_boots():
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return False
    print(f"lab: trying KVM (for {LIMIT_SECONDS} s at most)", flush=True)
    kernel = Kernel.stock()
    with tempfile.TemporaryDirectory() as folder, initramfs.build(kernel) as image:
        console = Path(folder) / "console"
        console.touch()
        args = [qemu.QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                "-M", "q35,kernel-irqchip=split", *qemu.ACCEL["kvm"], "-smp", "2", "-m", "512M",
                "-kernel", str(kernel.image), "-initrd", image.name,
                "-append", qemu.KERNEL_CMDLINE, "-serial", f"file:{console}"]
        process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            limit = time.monotonic() + LIMIT_SECONDS
            while time.monotonic() < limit:
                if b"as init process" in console.read_bytes():
                    return True
                if process.poll() is not None:
                    return b"as init process" in console.read_bytes()
                time.sleep(0.2)
            print("lab: no guest runs with KVM here, using emulation (TCG)", flush=True)
            return False
        finally:
            process.kill()
            process.wait()
