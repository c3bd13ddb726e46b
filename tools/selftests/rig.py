# SPDX-License-Identifier: GPL-2.0
"""Runs a test program in a guest, on one pair of drivers, with everything as new before it."""

import contextlib
import dataclasses
import shlex
from pathlib import Path

from lab import GuestError, Vm, paths

from . import ktap, programs

OUT = paths.BUILD / "selftests"

FUNCTIONS = ("pf", "vf")
"""Which function a program is run against: port 0, or a VF of port 0."""

FIRST_VF = "0000:01:10.0"

DRIVERS = {"c": ("igb", "igbvf"), "ours": ("igb_rs", "igbvf_rs")}
"""Drivers of PF and VF of each side."""

HOME = "/run/lab/selftests"
"""Where the guest has the programs in memory: the root is read over 9p, which is slow."""

GUEST = Path(__file__).with_name("guest")
"""Programs of ours that stand before the system's in the path."""

SETTLE = 120
"""Seconds for loading, unloading and other things that take a few, on a machine that is busy."""

ENVIRONMENT = {
    "NETIF": "dut", "LOCAL_V4": "192.0.2.1", "LOCAL_V6": "2001:db8::1",
    "REMOTE_TYPE": "netns", "REMOTE_ARGS": "remote", "REMOTE_V4": "192.0.2.2",
    "REMOTE_V6": "2001:db8::2", "LOCAL_PREFIX_V6": "2001:db8:2::/64",
    "NETIF_CREATE": "no", "INTERFACE_TIMEOUT": "60", "KSFT_MACHINE_SLOW": "yes",
    "PATH": f"{HOME}/ours:/usr/sbin:/usr/bin:/sbin:/bin",
}
"""What the programs are told: see drivers/net/README.rst and net/forwarding/lib.sh in the kernel's
selftests."""

UNLOAD = """set -e
ip -all netns delete
for module in {modules}; do
    [ ! -e /sys/module/$module ] || rmmod $module
done
"""

# Addresses are usable at once, without detection of duplicates.
LOAD = """set -e
sysctl -qw net.ipv6.conf.default.accept_dad=0
name() {{
    for i in $(seq 300); do
        d=$(ls /sys/bus/pci/devices/$1/net 2>/dev/null) && break
        sleep 0.1
    done
    ip link set $d name $2
}}
up() {{
    ip $3 link set $1 up
    for i in $(seq 600); do ip $3 -o link show dev $1 | grep -q LOWER_UP && return; sleep 0.1; done
    echo "$1 has no carrier" >&2
    return 1
}}
{load}
"""

REMOTE = """
ip netns add remote
ip netns exec remote sysctl -qw net.ipv6.conf.default.accept_dad=0
ip link set peer netns remote
ip -n remote link set lo up
ip addr add 192.0.2.1/24 dev dut
ip -6 addr add 2001:db8::1/64 dev dut
ip -n remote addr add 192.0.2.2/24 dev peer
ip -n remote -6 addr add 2001:db8::2/64 dev peer
up peer "" "-n remote"
up dut
"""


@dataclasses.dataclass
class Run:
    """The outcome of a program: its subtests by name; as problems hangs and the kernel's words."""

    subtests: dict
    problems: list
    output: str
    seconds: float


def _said(vm, since):
    """What the kernel said that it must not say, as problems."""
    return [f"kernel log: {line}" for line in vm.findings(since)]


def _step(vm, name, commands):
    """Shell commands that must succeed; GuestError that names them if not."""
    result = vm.run(commands, timeout=SETTLE)
    if not result.ok:
        said = result.stderr.strip().splitlines() or ["no message"]
        raise GuestError(f"{name}: {'does not end' if result.timeout else said[-1]}")


class Rig:
    """A guest for one side, booted when it is needed and again after anything went wrong in it.

    A context manager.
    """

    def __init__(self, side, ports=2, mode="strict"):
        self.side = side
        self._wires = [port // 2 for port in range(ports)]
        self._mode = mode
        self._vm = None

    def run(self, function, program, only=()):
        """Runs a program against a function, the drivers loaded anew, and judges the guest.

        `only` are names of subtests, of a Python program.
        """
        problems = []
        subtests, output, seconds = {}, "", 0.0
        vm = self._guest()
        since = vm.mark()
        try:
            self._prepare(vm, function, program)
            folder, _, name = program.path.rpartition("/")
            words = [f"./{name}", *([] if program.remote else self._names())]
            if program.python:
                # Not all are executable.
                words.insert(0, "python3")
                # Subtests have the program's name before theirs.
                words += [word for subtest in only if "." in subtest
                          for word in ("-t", subtest.partition(".")[2])]
            result = vm.run(f"exec 2>&1; exec {shlex.join(words)}", timeout=programs.SECONDS,
                            cwd=f"{HOME}/{folder}", env=ENVIRONMENT)
            output, seconds = result.stdout, result.seconds
            subtests = ktap.read(output, None if result.timeout else result.rc)
            self._unload(vm)
            problems += _said(vm, since)
        except GuestError as error:
            problems.append(f"hang: {str(error).splitlines()[0]}")
            with contextlib.suppress(GuestError):
                problems += _said(vm, since)
                # Which tasks wait for what, for whoever reads the log.
                vm.run("echo w >/proc/sysrq-trigger", timeout=SETTLE)
                vm.mark()
        self._keep(function, program, output, vm.console_bytes() if problems else b"", bool(only))
        if problems:
            self.close()
        return Run(subtests, problems, output, seconds)

    def _names(self):
        return ["dut", "peer", *(f"port{number}" for number in range(2, len(self._wires)))]

    def _guest(self):
        if self._vm is None:
            self._vm = Vm(mode=self._mode, ports=self._wires, memory=2560,
                          name=f"selftests-{self.side}")
            # A machine with udev and systemd has these.
            self._vm.check("set -e; ln -s /proc/self/fd /dev/fd; modprobe netconsole; "
                           "mount -t configfs configfs /sys/kernel/config; "
                           f"cp -a {programs.FOLDER} {HOME}; mkdir {HOME}/ours", timeout=SETTLE)
            # netpoll_basic.py does not wait as long as reading this over 9p takes the first time.
            self._vm.start("bpftrace -e 'BEGIN { exit(); }'")
            for path in GUEST.iterdir():
                self._vm.put(f"{HOME}/ours/{path.name}", path.read_bytes(), 0o755)
        return self._vm

    def _prepare(self, vm, function, program):
        pf, vf = DRIVERS[self.side]
        insert = "insmod /mnt/igb_rs/{}.ko" if self.side == "ours" else "modprobe {}"
        lines = [insert.format(pf), insert.format(vf)]
        ports = list(vm.ports)
        if function == "vf":
            # A VF has a link when its PF is up.
            lines += [f"name {ports[0]} pf", "up pf",
                      f"echo 1 >/sys/bus/pci/devices/{ports[0]}/sriov_numvfs"]
            ports[0] = FIRST_VF
        lines += [f"name {address} {name}" for address, name in zip(ports, self._names())]
        text = LOAD.format(load="\n".join(lines)) + (REMOTE if program.remote else "")
        self._unload(vm)
        _step(vm, "loading the drivers", text)

    def _unload(self, vm):
        """Takes the drivers out; a guest that cannot is as good as hung."""
        modules = " ".join(module for pair in DRIVERS.values() for module in reversed(pair))
        _step(vm, "unloading the drivers", UNLOAD.format(modules=modules))

    def _keep(self, function, program, output, log, more):
        """Writes the output, with `more` at the end of the file, and the log if there is one."""
        base = OUT / function / self.side / program.path.replace("/", ".")
        base.parent.mkdir(parents=True, exist_ok=True)
        with open(f"{base}.txt", "a" if more else "w") as file:
            file.write(output)
        base.with_name(f"{base.name}.log").unlink(missing_ok=True)
        if log:
            base.with_name(f"{base.name}.log").write_bytes(log)

    def close(self):
        if self._vm is not None:
            self._vm.close()
            self._vm = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
