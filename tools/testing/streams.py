# SPDX-License-Identifier: GPL-2.0
"""Streams of iperf3: did all of it arrive, does an endless one carry anything?"""

import json
import time

from lab import patience


BUFFER = 128 << 10
"""Bytes each end of a transfer asks to have buffered: little beside what is sent."""


def transfer(ip, mebibytes, more="", iperf="iperf3"):
    """Shell command: sends that many MiB to a server; for account()."""
    return f"{iperf} -J -w {BUFFER} -n {mebibytes}M -c {ip} {more}"


def account(text, mebibytes):
    """iperf3's account of a transfer, from what the command printed; fails unless all of it arrived."""
    end = json.loads(text)["end"]
    # The receiver stops counting when the sender has handed over the last of it; what is buffered then is not counted.
    assert end["sum_received"]["bytes"] >= 0.9 * (mebibytes << 20), end
    return end


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
