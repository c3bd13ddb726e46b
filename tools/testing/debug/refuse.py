# SPDX-License-Identifier: GPL-2.0
"""Runs in a guest: a function of the kernel's refuses its 1st, 2nd, ... call while a driver is bound and brought up.

    refuse.py NAME ERROR TIMES FUNCTION WIRE

NAME is the function that refuses, with ERROR (as "ENOMEM"), so many TIMES in a row from the call on. FUNCTION is the
PCI function, which has its driver; WIRE the interface at the other end, in the namespace `w`. What came up must pass
frames; what did not, must come up when nothing refuses any more. The last line is JSON, a list with an entry for each
round: what binding and bringing up ended with, how often the function refused, and the kind of domain.
"""

import errno
import json
import os
import sys

from failing import FAULTS, read, write
from walk import DEVICES, Frames, Interface

FAIL = f"{FAULTS}/fail_function"


def inject(name, error, before, times):
    """From the call after `before` others, `name` returns the error, so many times."""
    write(f"{FAIL}/inject", name)
    write(f"{FAIL}/{name}/retval", hex(-error & (1 << 64) - 1))
    for setting, value in (("verbose", 0), ("task-filter", "N"), ("interval", 1), ("times", times),
                           # Of which the last unit is no obstacle.
                           ("space", before + 1), ("probability", 100)):
        write(f"{FAIL}/{setting}", str(value))


def heal():
    """Nothing refuses; returns how many times something still would have."""
    write(f"{FAIL}/probability", "0")
    write(f"{FAIL}/inject", "\n")
    return int(read(f"{FAIL}/times"))


def outcome(action):
    """Does it; returns the error's name, or nothing."""
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return None


def round_of(name, error, before, times, driver, function, wire):
    inject(name, error, before, times)
    up = interface = None
    try:
        bound = outcome(lambda: write(f"{driver}/bind", function))
        if bound is None:
            interface = Interface(function)
            up = outcome(lambda: setattr(interface, "up", True))
    finally:
        refused = times - heal()
    if bound is not None:
        assert not os.path.exists(f"{DEVICES}/{function}/net"), "a device whose driver is not bound has an interface"
        write(f"{driver}/bind", function)
        interface = Interface(function)
    assert interface.up == (bound is None and up is None)
    domain = read(f"{FAULTS}/{os.path.basename(driver)}/{function}/iommu").splitlines()[0]
    interface.up = True
    Frames(interface.name, wire).pass_through()
    write(f"{driver}/unbind", function)
    return {"bound": bound, "up": up, "refused": refused, "domain": domain}


def main():
    name, error, times, function, wire = sys.argv[1:]
    driver = os.path.realpath(f"{DEVICES}/{function}/driver")
    write(f"{driver}/unbind", function)
    rounds = []
    while not rounds or rounds[-1]["refused"]:
        rounds.append(round_of(name, getattr(errno, error), len(rounds), int(times), driver, function, wire))
    write(f"{driver}/bind", function)
    print(json.dumps(rounds))


if __name__ == "__main__":
    main()
