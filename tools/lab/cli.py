# SPDX-License-Identifier: GPL-2.0
"""`tools/lab/run` and `tools/lab/shell`: a guest from the command line."""

import argparse
import contextlib
import fcntl
import os
import shlex
import signal
import sys
import termios

from . import qemu
from .client import GuestError
from .guestlog import DirtyLog
from .vm import Vm


def parse():
    parser = argparse.ArgumentParser(prog="tools/lab/run")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", prog="tools/lab/run", help="run commands in a new guest")
    shell = commands.add_parser("shell", prog="tools/lab/shell", help="interactive shell in a new guest")
    for sub in (run, shell):
        sub.add_argument("--mode", choices=qemu.MODES, default="strict", help="IOMMU mode (%(default)s)")
        sub.add_argument("--ports", type=int, default=2, help="igb ports, on one wire (%(default)s)")
        sub.add_argument("--cpus", type=int, default=2)
        sub.add_argument("--memory", type=int, default=4096, help="MiB (%(default)s)")
        sub.add_argument("--cmdline", default="", help="more kernel command line")
        sub.add_argument("--qemu", default="", help="more QEMU arguments, as one shell-quoted string")
        sub.add_argument("--accel", choices=qemu.ACCEL, help="do not probe")
        sub.add_argument("--name", default=None, help="of the logs in build/log")
    run.add_argument("--timeout", type=float, default=600, help="seconds (%(default)s)")
    run.add_argument("--allow", action="append", default=[], metavar="REGEX",
                     help="kernel log line that is no failure; may be repeated")
    run.add_argument("--boot-log", action="store_true", help="print the kernel log from the start")
    run.add_argument("shell_commands", nargs="+", metavar="COMMANDS", help="shell commands (after --)")
    return parser.parse_args()


def options(args):
    return {"mode": args.mode, "ports": args.ports, "cpus": args.cpus, "memory": args.memory,
            "cmdline": args.cmdline, "qemu_args": shlex.split(args.qemu), "accel": args.accel,
            "name": args.name or args.command}


def show(stream, text):
    out = sys.stdout if stream == "stdout" else sys.stderr
    out.write(text)
    out.flush()


def run(args):
    with Vm(**options(args)) as vm:
        print(f"lab: Linux {vm.kernel.release}, {vm.accel}, IOMMU {vm.mode}, ports {' '.join(vm.ports)}, "
              f"booted in {vm.boot_seconds} s", flush=True)
        start = vm.mark()
        result = vm.run(" ".join(args.shell_commands), timeout=args.timeout, watch=show)
        until = vm.mark()
        print("--- kernel log", flush=True)
        print("\n".join(vm.log(0 if args.boot_log else start, until)))
        print(f"--- {result.describe()}, {result.seconds:.1f} s", flush=True)
        vm.assert_clean(allow=args.allow)
    return result.rc if result.rc > 0 else int(not result.ok)


@contextlib.contextmanager
def terminal_kept():
    """Puts the terminal's modes back at the end: QEMU, which changes them, is killed."""
    if not sys.stdin.isatty():
        yield
        return
    modes = termios.tcgetattr(0)
    flags = {fd: fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (0, 1)}
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, modes)
        for fd, value in flags.items():
            fcntl.fcntl(fd, fcntl.F_SETFL, value)


def shell(args):
    size = os.get_terminal_size() if sys.stdin.isatty() else None
    print("lab: booting; leave the shell with exit or ^D", flush=True)
    with terminal_kept(), Vm(terminal=True, **options(args)) as vm:
        if size:
            vm.check(f"stty rows {size.lines} cols {size.columns} </dev/hvc0")
        vm.put("/root/.bashrc", "PS1='\\[\\e[1m\\]guest:\\w#\\[\\e[0m\\] '\nalias ll='ls -l'\n")
        print(f"lab: Linux {vm.kernel.release}, {vm.accel}, IOMMU {vm.mode}; ports {' '.join(vm.ports)} on one wire\r\n"
              f"lab: modules are in /mnt/igb_rs, the kernel log is in {vm.where()}\r", flush=True)
        vm.run("cd /mnt/igb_rs && exec setsid -cw bash -i </dev/hvc0 >/dev/hvc0 2>&1", timeout=None,
               env={"TERM": os.environ.get("TERM", "linux")})
    return 0


def main():
    # So that guests are ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args = parse()
    try:
        return run(args) if args.command == "run" else shell(args)
    except (GuestError, DirtyLog) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
