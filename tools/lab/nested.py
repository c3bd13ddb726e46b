# SPDX-License-Identifier: GPL-2.0
"""A VM inside a guest, with PCI functions of that guest handed over by VFIO."""

import shlex
import shutil
import time

from . import paths, qemu
from .client import Agent, GuestError, TunnelLink
from .guestlog import LoggedGuest
from .kernel import patience

_HAND_OVER = """
modprobe vfio-pci || exit 1
device=/sys/bus/pci/devices/{address}
[ -e $device ] || {{ echo "no PCI function {address}" >&2; exit 1; }}
[ ! -e $device/driver ] || echo {address} >$device/driver/unbind
echo vfio-pci >$device/driver_override && echo {address} >/sys/bus/pci/drivers_probe
[ "$(basename "$(readlink $device/driver)")" = vfio-pci ] || {{ echo "{address} is not bound to vfio-pci" >&2; exit 1; }}
"""

_TAKE_BACK = """
device=/sys/bus/pci/devices/{address}
[ -e $device ] || exit 0
[ ! -e $device/driver ] || echo {address} >$device/driver/unbind
echo >$device/driver_override
"""


class Nested(LoggedGuest):
    """A VM inside a guest: the same kernel, root and agent, one level down. A context manager.

        with vm.nested(["0000:01:10.0"]) as inner:
            inner.check("insmod /mnt/igb_rs/igbvf_rs.ko")

    Made by Vm.nested(). Each function in `devices` is taken from its driver and given to vfio-pci; at the end it
    is left without a driver. Hardware virtualisation is used if the outer guest has it, which it does under TCG
    too: QEMU emulates AMD's.
    """

    def __init__(self, outer, devices=(), cpus=1, memory=1024, name="nested", cmdline="", boot_timeout=300):
        super().__init__()
        self.outer = outer
        self.devices = list(devices)
        self.name = f"{outer.name}-{name}"
        self._folder = f"/run/lab/{name}"
        self._process = None
        self.agent = None
        outer.inner = self
        # Where close() writes what the VM's console and its QEMU said.
        self.logs = outer.logs / name
        shutil.rmtree(self.logs, ignore_errors=True)
        outer.check(f"mkdir -p {self._folder} && rm -f {self._folder}/agent && "
                    f"{{ mountpoint -q {paths.ROOT_FOR_GUESTS} || mount --bind / {paths.ROOT_FOR_GUESTS}; }}")
        for address in self.devices:
            outer.check(_HAND_OVER.format(address=address))
        outer.run("modprobe kvm_amd || modprobe kvm_intel")
        self.accel = "kvm" if outer.run("test -w /dev/kvm").ok else "tcg"
        initrd = f"{paths.BUILD_IN_GUEST}/{outer.initramfs.relative_to(paths.BUILD)}"
        # A character on the console leaves the VM, which is slow here: warnings only while it boots. init sets
        # the usual level.
        args = qemu.common(
            outer.kernel, initrd, self.accel, cpus, memory, f"loglevel=5 {outer.kernel.cmdline} {cmdline}", paths.ROOT_FOR_GUESTS,
            paths.BUILD_IN_GUEST, f"{self._folder}/console", f"{self._folder}/agent")
        # So does every access to an emulated device: none that is not needed.
        args += ["-M", "q35,smm=off,sata=off,smbus=off,hpet=off"]
        # Virtio's notifications by port: an MMIO access that coincides with an interrupt may stop the VM with "KVM
        # internal error", as TCG's SVM (QEMU 11.1) then says that it happened while the interrupt was delivered.
        for device in ("virtio-serial-pci", "virtio-9p-pci"):
            args += ["-global", f"{device}.disable-modern=on"]
        for address in self.devices:
            args += ["-device", f"vfio-pci,host={address}"]
        try:
            self._start(args, boot_timeout)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    def _start(self, args, boot_timeout):
        self._process = self.outer.start(f"exec {shlex.join(args)} 2>&1")
        limit = time.monotonic() + patience(60)
        while not self.outer.run(f"test -S {self._folder}/agent").ok:
            if not self._process.running or time.monotonic() > limit:
                raise GuestError(f"{self.name}: QEMU did not start{self._explain()}")
            time.sleep(0.2)
        self.agent = Agent(TunnelLink(self.outer.agent, f"{self._folder}/agent"), self._explain)
        hello, _ = self.agent.checked("hello", timeout=boot_timeout)
        self.pci = hello["pci"]

    def _explain(self):
        try:
            state = f"ended with status {self._process.wait(2).rc}"
        except GuestError:
            state = "runs"
        return f": QEMU in {self.outer.name} {state} and said: {self._process.stdout.strip() or 'nothing'}"

    def console_bytes(self):
        return self.outer.get(f"{self._folder}/console")

    def where(self):
        return (self.logs / "console.log").relative_to(paths.REPO)

    def close(self):
        """Ends the VM, keeps its logs and takes its functions back from vfio-pci; GuestError for what does not work. May
        be called again."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.stop()
        self.logs.mkdir()
        (self.logs / "console.log").write_bytes(self.console_bytes())
        (self.logs / "qemu.log").write_text(process.stdout)
        for address in self.devices:
            self.outer.check(_TAKE_BACK.format(address=address))

    def __enter__(self):
        return self

    def __exit__(self, _, error, __):
        try:
            self.close()
        except GuestError as end:
            if error is None:
                raise
            # Whatever ended the outer guest or this VM is reported where it was met first.
            print(f"lab: {self.name}: not ended in order: {end}", flush=True)
