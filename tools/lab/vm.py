# SPDX-License-Identifier: GPL-2.0
"""The lab's guest: boots it, drives it, judges it, and always ends it."""

import atexit
import fcntl
import itertools
import shutil
import subprocess
import tempfile
import time
import weakref
from pathlib import Path

from . import accel as acceleration
from . import initramfs, paths, qemu
from .client import Agent, GuestError, SocketLink
from .guestlog import LoggedGuest
from .kernel import Kernel, patience
from .nested import Nested

_running = weakref.WeakSet()


@atexit.register
def _close_all():
    for vm in list(_running):
        vm.close()


def _claim(name):
    """Returns that name, or the first with a number that no running guest has, and the lock that keeps it: no two guests
    write into one folder of logs."""
    for number in itertools.count(1):
        own = name if number == 1 else f"{name}-{number}"
        (paths.LOGS / own).mkdir(parents=True, exist_ok=True)
        lock = open(paths.LOGS / own / "lock", "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return own, lock
        except BlockingIOError:
            lock.close()


_STAMPED = """exec python3 -c 'import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
SO_TIMESTAMP = 29
s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
print(1, flush=True)
signal.pause()'"""
"""A socket that wants time stamps, for good. Without one, each `ping` has the kernel switch them on and off again by
patching its receive path, and TCG now and then runs the breakpoint that this takes after it is gone: "Oops: int3" in
__netif_receive_skb_core (multipath-tcp/mptcp_net-next issue 471; rarer since QEMU 8.1)."""


class Vm(LoggedGuest):
    """A guest with emulated 82576 ports, on the stock kernel or the debug one. A context manager.

        with Vm(mode="strict", ports=2) as vm:
            vm.check("modprobe igb")
            print(vm.check("ip -br link"))
            vm.assert_clean()

    mode     "strict", "lazy", "passthrough", "none" (no IOMMU) or "amd", see qemu.MODES
    ports    how many igb ports, all on one wire; or a list of wire numbers, one per port
    cpus, memory (MiB)
    name     names the folder of the logs: build/log/<name>/ with console.log and qemu.log; with a number if a running
             guest has it
    cmdline  more kernel command line; qemu_args: more QEMU arguments
    kernel   a kernel.Kernel; if not given the one paths.KERNEL names, stock or debug
    accel    "kvm" or "tcg"; found by trying if not given
    sleepable
             the guest can be sent to sleep
    terminal the guest's /dev/hvc0 is this process's standard input and output
    stamps   every packet received gets a time stamp, not only while somebody wants one; False where packets are measured
    boot_timeout
             seconds until the agent must answer

    After the start: `kernel` (Kernel), `accel`, `boot_seconds`, `pci` (address -> "vendor:device"),
    `ports` (addresses of the igb ports, in order), `macs` (their addresses in the NVM), `logs` (the folder of its logs).
    `inner` is the VM booted in it last, a nested.Nested, or None.
    """

    def __init__(self, mode="strict", ports=2, cpus=2, memory=4096, name="guest", cmdline="", qemu_args=(),
                 kernel=None, accel=None, terminal=False, sleepable=False, stamps=True, boot_timeout=180):
        super().__init__()
        if mode not in qemu.MODES:
            raise ValueError(f"IOMMU mode {mode!r}: use one of {', '.join(qemu.MODES)}")
        wires = [0] * ports if isinstance(ports, int) else list(ports)
        self.mode = mode
        self.kernel = kernel or Kernel.chosen()
        self.accel = accel or acceleration.find()
        self.macs = [qemu.mac(index) for index in range(len(wires))]
        self._initramfs = initramfs.build(self.kernel)
        self.initramfs = Path(self._initramfs.name)
        self._process = None
        self._qmp = None
        self.agent = None
        self.inner = None
        self.name, self._lock = _claim(name)
        self.logs = paths.LOGS / self.name
        self._console = self.logs / "console.log"
        self._console.write_bytes(b"")
        self._folder = Path(tempfile.mkdtemp(prefix="lab-"))
        args = qemu.common(
            self.kernel, self.initramfs, self.accel, cpus, memory, f"{self.kernel.cmdline} {qemu.MODES[mode]} {cmdline}",
            paths.ROOT_FOR_GUESTS, paths.BUILD, self._console, self._folder / "agent")
        args += qemu.machine(mode) + qemu.ports(wires)
        args += ["-qmp", f"unix:{self._folder}/qmp,server=on,wait=off"]
        if terminal:
            args += ["-chardev", "stdio,id=terminal,signal=off", "-device", "virtconsole,chardev=terminal"]
        args += qemu_args
        if sleepable:
            args = qemu.sleepable(args)
        started = time.monotonic()
        _running.add(self)
        try:
            self._start(args, terminal, boot_timeout)
            if stamps and self.accel == "tcg":
                self.start(_STAMPED).wait_for("1")
        except BaseException:
            self.close()
            raise
        self.boot_seconds = round(time.monotonic() - started, 1)

    def _start(self, args, terminal, boot_timeout):
        inherit = None if terminal else subprocess.DEVNULL
        with open(self.logs / "qemu.log", "w") as log:
            log.write(" ".join(args) + "\n")
            log.flush()
            self._process = subprocess.Popen(args, stdin=inherit, stdout=inherit if terminal else log, stderr=log)
        boot_timeout = patience(boot_timeout)
        limit = time.monotonic() + boot_timeout
        self.agent = Agent(self._link(limit), self._explain)
        hello, _ = self.agent.checked("hello", timeout=limit - time.monotonic())
        self.pci = hello["pci"]
        self.ports = [address for address, ids in self.pci.items() if ids == "8086:10c9"]

    def _link(self, limit):
        while True:
            try:
                return SocketLink(self._folder / "agent")
            except OSError:
                if self._process.poll() is not None or time.monotonic() > limit:
                    raise GuestError(f"QEMU did not start{self._explain()}") from None
                time.sleep(0.02)

    def _explain(self):
        """Why the guest is gone, for an error message: the ends of its logs."""
        text = ""
        if self._process is not None:
            try:
                text = f": QEMU ended with status {self._process.wait(2)}"
            except subprocess.TimeoutExpired:
                text = ": its agent ended"
        qemu_log = (self.logs / "qemu.log").read_text(errors="replace").splitlines()[1:]
        for title, lines in (("QEMU", qemu_log[-5:]), ("console", self.log()[-15:])):
            if lines:
                text += f"\n{title}: " + "\n  ".join(lines)
        return f"{text}\nlogs: {self.logs.relative_to(paths.REPO)}/"

    def console_bytes(self):
        return self._console.read_bytes()

    def where(self):
        return self._console.relative_to(paths.REPO)

    @property
    def pid(self):
        """QEMU's process id."""
        return self._process.pid

    def qmp(self, command, **arguments):
        """Runs a QMP command and returns its answer."""
        # Imported here: guests run this module too, and need no QMP.
        from qemu.qmp.legacy import QEMUMonitorProtocol
        if self._qmp is None:
            self._qmp = QEMUMonitorProtocol(str(self._folder / "qmp"))
            self._qmp.connect(negotiate=True)
        return self._qmp.cmd(command, **arguments)

    def set_link(self, port, up):
        """Plugs the cable of port number `port` in or out."""
        self.qmp("set_link", name=f"nic{port}", up=up)

    def nested(self, devices=(), **options):
        """Boots a VM inside this guest that gets the PCI functions `devices` by VFIO. See nested.Nested."""
        return Nested(self, devices, **options)

    def close(self):
        """Ends QEMU, at once, and removes its sockets. The logs stay. May be called again."""
        _running.discard(self)
        if self._qmp is not None:
            try:
                self._qmp.close()
            except Exception:  # The process is killed next, whatever the monitor thinks.
                pass
            self._qmp = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self.agent is not None:
            self.agent.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._initramfs.close()
        self._lock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
