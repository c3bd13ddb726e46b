# SPDX-License-Identifier: GPL-2.0
"""`make selftests`: the kernel's own tests of network drivers, on a PF and on a VF."""

import argparse
import re
import signal
import sys
import time

from lab import paths, qemu

from . import campaign, compare, programs
from .rig import FUNCTIONS, OUT


def parse(argv):
    parser = argparse.ArgumentParser(prog="make selftests")
    parser.add_argument("--functions", default=",".join(FUNCTIONS),
                        help="comma-separated (%(default)s)")
    parser.add_argument("--programs", default=".", metavar="REGEX",
                        help="programs to run, by their path, as drivers/net/ping.py")
    parser.add_argument("--mode", choices=qemu.MODES, default="strict",
                        help="IOMMU mode (%(default)s)")
    args = parser.parse_args(argv)
    args.functions = args.functions.split(",")
    if unknown := set(args.functions) - set(FUNCTIONS):
        parser.error(f"no such function: {', '.join(sorted(unknown))} "
                     f"(there are {', '.join(FUNCTIONS)})")
    try:
        args.programs = programs.find(args.programs)
    except re.error as error:
        parser.error(f"--programs: {error}")
    except FileNotFoundError:
        parser.error("the kernel's tests are not there: run `LAB_MORE=selftests tools/lab/setup`")
    if not args.programs:
        known = " ".join(program.path for program in programs.find())
        parser.error(f"--programs: none has such a name; there are {known}")
    try:
        args.missing = compare.load()
    except compare.BadList as error:
        parser.error(str(error))
    return args


def main():
    # So that guests are ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args = parse(sys.argv[1:])
    started = time.monotonic()
    report = campaign.run(args.programs, args.functions, args.missing, args.mode)
    print(report.summary())
    report.junit(OUT / "junit.xml")
    print(f"# {time.monotonic() - started:.0f} s; outputs, logs of guests and junit.xml are in "
          f"{OUT.relative_to(paths.REPO)}")
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
