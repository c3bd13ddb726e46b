# SPDX-License-Identifier: GPL-2.0
"""Endless TCP streams: do they carry anything?"""

import time

from lab import patience


def intervals(stream):
    """What iperf3 has said of each interval so far."""
    return [line for line in stream.stdout.splitlines() if "bits/sec" in line]


def carry(*streams, limit=120):
    """Waits until each stream (a Process that runs iperf3) has carried something in an interval that began after the
    call."""
    seen = [len(intervals(stream)) + 1 for stream in streams]
    end = time.monotonic() + patience(limit)
    for stream, had in zip(streams, seen):
        while not any(" 0.00 bits/sec" not in line for line in intervals(stream)[had:]):
            assert stream.running and time.monotonic() < end, f"the stream stands still: {stream.stdout[-500:]}"
            time.sleep(0.1)
