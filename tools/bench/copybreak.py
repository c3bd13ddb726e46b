# SPDX-License-Identifier: GPL-2.0
"""What `rx-copybreak` should be: instructions per packet of TCP into the PF by length, all copied and all lent."""

import statistics

from .counts import Counter
from .rig import LIMIT, OURS

LENGTHS = (192, 256, 384, 512, 768, 1024, 1514)
"""Of the packets, with all headers."""
HEADERS = 54
"""Bytes of a packet beyond what TCP's MSS counts: Ethernet, IPv4 and TCP without options."""
PACKETS = 3000
COPIED, LENT = (1 << 32) - 1, 0


def measure_copybreak(rounds, row):
    """{length: {"copied": samples, "lent": samples}}; `row` shows (length, copied, lent), medians."""
    found = {}
    with Counter("strict", sides=(OURS,), name="bench-copybreak") as counter:
        ns = OURS.ns("A")
        for length in LENGTHS:
            found[length] = {"copied": [], "lent": []}
            mss = length - HEADERS
            for nth in range(rounds + 1):
                for way, setting in (("copied", COPIED), ("lent", LENT)):
                    counter.vm.check(f"ip netns exec {ns} ethtool --set-tunable {ns} rx-copybreak {setting}", timeout=LIMIT)
                    run = counter.run(OURS, "tcp", "B", "A", "A", PACKETS * mss, (mss,))
                    # A first run is one of a TCP that knows nothing of the path yet.
                    if nth:
                        found[length][way].append(run["instructions"])
            row(length, *map(statistics.median, found[length].values()))
        counter.vm.assert_clean()
    return found
