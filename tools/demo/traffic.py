# SPDX-License-Identifier: GPL-2.0
"""Ping and iperf3 from a namespace of a guest (or from a VM in it) to an address, and what came of it."""

import itertools
import json
import re
import shlex

PINGS = 20
IPERF_SECONDS = 1
_BETWEEN = "=== next ==="


def exchange(guest, namespace, to, address, reverse=False):
    """Pings `address`, which is called `to`, then sends TCP to it; with `reverse` receives too.

    Returns an entry of a function's `traffic`. One command: starting one takes seconds in a VM in a guest.
    """
    steps = {"ping": f"ping -q -c {PINGS} -i 0.01 -W 2 {address}", "iperf3": iperf3(address)}
    if reverse:
        steps["iperf3_reverse"] = iperf3(address) + " -R"
    command = ["bash", "-c", f"; echo '{_BETWEEN}'; ".join(steps.values())]
    if namespace:
        command = ["ip", "netns", "exec", namespace, *command]
    answers = guest.run(command, timeout=60).stdout.split(f"{_BETWEEN}\n")
    entry = {"to": to, "address": address}
    for key, text in itertools.zip_longest(steps, answers, fillvalue=""):
        entry[key] = parse_ping(text) if key == "ping" else parse_iperf3(text)
    return entry


def iperf3(address):
    """The command for one TCP stream to `address`."""
    return f"iperf3 -J -i 0 --connect-timeout 5000 -t {IPERF_SECONDS} -c {address}"


def parse_ping(text):
    """The figures in ping's summary; zeros when it did not get as far as printing one."""
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", text)
    times = re.search(r"= [\d.]+/([\d.]+)/", text)
    sent, received = map(int, counts.groups()) if counts else (0, 0)
    return {"sent": sent, "received": received, "rtt_avg_ms": float(times[1]) if times else None}


def parse_iperf3(text):
    """seconds, bytes, bits_per_second, retransmits of iperf3's JSON; with `error` when it failed."""
    try:
        data = json.loads(text)
    except ValueError:
        data = {"error": "no answer"}
    end = data.get("end", {})
    received = end.get("sum_received", {})
    result = {
        "seconds": round(received.get("seconds", 0), 3),
        "bytes": received.get("bytes", 0),
        "bits_per_second": round(received.get("bits_per_second", 0)),
        "retransmits": end.get("sum_sent", {}).get("retransmits", 0),
    }
    return result | ({"error": data["error"]} if "error" in data else {})


def faults(who, entry):
    """What is wrong with an entry, as sentences."""
    sent, received = entry["ping"]["sent"], entry["ping"]["received"]
    if sent != PINGS or received != sent:
        yield f"{who} to {entry['to']}: {received} of {PINGS} pings answered"
    for key in ("iperf3", "iperf3_reverse"):
        stream = entry.get(key)
        if stream and ("error" in stream or stream["bits_per_second"] <= 0):
            yield f"{who} to {entry['to']}: {key}: {stream.get('error', '0 bit/s')}"


def megabits(stream):
    """A rate for people."""
    return f"{stream['bits_per_second'] / 1e6:.0f}"


def servers(namespaces):
    """A shell command that starts an iperf3 server in each namespace and ends when all of them listen."""
    names = shlex.join(namespaces)
    return (f"for n in {names}; do ip netns exec $n iperf3 -s -D || exit 1; done; "
            f"for n in {names}; do until ip netns exec $n ss -Hltn | grep -q :5201; do sleep 0.05; done; done")
