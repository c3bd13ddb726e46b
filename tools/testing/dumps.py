# SPDX-License-Identifier: GPL-2.0
"""What a function's registers hold, by `ethtool -d`, for comparison: a register that a reset clears and nobody sets
again shows."""

import re

RX_QUEUE = ("RDBAL", "RDBAH", "RDLEN", "SRRCTL", "RDH", "RDT", "RXDCTL")
TX_QUEUE = ("TDBAL", "TDBAH", "TDLEN", "TDH", "TDT", "TXDCTL")
EVENTS = ("EIMS", "EIAC", "EIAM")


def array(name, count):
    return [f"{name}[{index}]" for index in range(count)]


PF = [
    "CTRL", "STATUS", "CTRL_EXT", "LEDCTL", "FCRTL", "FCRTH", "RCTL", "RXPBS", "QDE", "RXCSUM", "RLPML", "RFCTL", "TCTL",
    "DTXCTL", "GPIE", *EVENTS, "IMS", *array("EITR", 25), *array("IVAR", 8), "IVAR_MISC", "MRQC", *array("RETA", 32),
    *array("RAL", 16), *array("RAH", 16), *array("RAL2", 8), *array("RAH2", 8), *array("MTA", 128), *array("VFTA", 128),
    "VT_CTL", "DTXSWC", "RPLOLR", *array("VMOLR", 8), *array("VMVIR", 8), *array("VLVF", 32), "VFRE", "VFTE", "MBVFIMR",
    *(f"{name}[{queue}]" for queue in range(16) for name in RX_QUEUE),
    *(f"{name}[{queue}]" for queue in range(16) for name in TX_QUEUE),
]
"""Registers in a dump of the PF, as in igb_rs/hw/dump.rs."""

VF = ["CTRL", "STATUS", *EVENTS, "VTIVAR", "VTIVAR_MISC", *array("EITR", 3), *RX_QUEUE, *TX_QUEUE]
"""Registers in a dump of a VF, as in igbvf_rs/hw/dump.rs."""


MOVING = re.compile("EIMS|[RT]D(BAL|BAH|H|T)")
"""Vectors that are on, which each interrupt of a queue changes; where rings are, and how far they are used."""

COMMAND = "echo registers {0} $(ip netns exec {0} ethtool -d {0} raw on | od -An -tx4 -v)"
"""Shell command, with the name of an interface: prints a line for `registers`."""


ENABLED = 1 << 25
"""In RXDCTL and TXDCTL."""


def registers(line):
    """What COMMAND printed, without what moves, queues that are off, and zeros: a list of "interface: register value"."""
    _, name, *words = line.split()
    values = dict(zip(PF if name == "pf" else VF, (int(word, 16) for word in words), strict=True))
    shown = []
    for register, value in values.items():
        kind, bracket, queue = register.partition("[")
        control = "RXDCTL" if kind in RX_QUEUE else "TXDCTL" if kind in TX_QUEUE else None
        enabled = control is None or values[control + bracket + queue] & ENABLED
        if value and enabled and not MOVING.fullmatch(kind):
            shown.append(f"{name}: {register} {value:#x}")
    return shown
