# SPDX-License-Identifier: GPL-2.0
"""Runs in the guest: a fixed amount of traffic between two network namespaces, and nothing else in between.

Usage: traffic.py SETTLE KIND SENDER RECEIVER ADDRESS AMOUNT [MORE]

KIND    tcp        AMOUNT bytes in one stream; MORE: MSS of the sender, if given
        rr         AMOUNT exchanges of a one-byte UDP datagram and its answer
        packets    AMOUNT frames of 64 bytes from pktgen; MORE: the receiver's MAC address, the burst and the processor

Namespaces have one device of their own name. Prints `ready`, waits SETTLE seconds, lets the traffic flow, prints
`done` and JSON with `seconds`, and waits again: who counts, counts from `ready` to `done`.
"""

import json
import os
import re
import socket
import sys
import time

CHUNK = 1 << 16
PORT = 5300


def enter(namespace):
    """Moves this process to a network namespace."""
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    os.setns(fd, os.CLONE_NEWNET)
    os.close(fd)


def receiver(namespace, kind, amount):
    """Starts the other end in a process of its own; returns when it listens."""
    ready, tell = os.pipe()
    if os.fork():
        os.read(ready, 1)
        return
    enter(namespace)
    if kind == "tcp":
        listener = socket.create_server(("", PORT))
        os.write(tell, b".")
        peer, _ = listener.accept()
        buffer = bytearray(CHUNK)
        left = amount
        while left > 0:
            count = peer.recv_into(buffer)
            if not count:
                os._exit(1)
            left -= count
        peer.sendall(b".")
        peer.recv(1)
    else:
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind(("", PORT))
        os.write(tell, b".")
        while True:
            data, sender = peer.recvfrom(64)
            if data == b"q":
                break
            peer.sendto(data, sender)
    os._exit(0)


def begin(settle):
    print("ready", flush=True)
    time.sleep(settle)
    return time.monotonic()


def tcp(settle, address, amount, mss=None):
    stream = socket.socket()
    if mss:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, int(mss))
    stream.connect((address, PORT))
    data = bytes(CHUNK)
    start = begin(settle)
    left = amount
    while left > 0:
        stream.sendall(data if left >= CHUNK else data[:left])
        left -= CHUNK
    stream.recv(1)
    return {"seconds": time.monotonic() - start}


def rr(settle, address, amount):
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.connect((address, PORT))
    peer.settimeout(2)
    lost = 0
    start = begin(settle)
    for _ in range(amount):
        peer.send(b"x")
        try:
            peer.recv(64)
        except TimeoutError:
            lost += 1
            if lost > 5:
                raise SystemExit("no answers") from None
    seconds = time.monotonic() - start
    peer.send(b"q")
    return {"seconds": seconds, "lost": lost}


def packets(settle, device, address, amount, mac, burst, cpu):
    thread = f"kpktgend_{cpu}"

    def write(name, line):
        with open(f"/proc/thread-self/net/pktgen/{name}", "w", encoding="ascii") as file:
            file.write(line + "\n")

    def read_without(name, pattern):
        limit = time.monotonic() + 60
        while True:
            with open(f"/proc/thread-self/net/pktgen/{name}", encoding="ascii") as file:
                text = file.read()
            if not re.search(pattern, text, re.M) or time.monotonic() > limit:
                return text
            time.sleep(0.01)

    def remove_all():
        write(thread, "rem_device_all")
        # pktgen allows its thread an eighth of a second for this; on a busy machine the device added next would go.
        read_without(thread, r"^(Running|Stopped): *\S")

    remove_all()
    write(thread, f"add_device {device}")
    # No such host: the receiver's stack drops the packet where it looks for a route, and answers nothing.
    for line in (f"count {amount}", "pkt_size 60", "delay 0", "clone_skb 0", f"burst {burst}", f"dst {address}",
                 f"dst_mac {mac}"):
        write(device, line)
    begin(settle)
    write("pgctrl", "start")
    # pktgen is done before it has written down what it did.
    text = read_without(device, "^Result: Starting")
    remove_all()
    result = re.search(r"Result: OK: (\d+)\(", text)
    if not result:
        raise SystemExit(f"pktgen: {text[-300:]}")
    return {"seconds": int(result[1]) / 1e6}


def main():
    settle, kind, sender, other, address, amount, *more = sys.argv[1:]
    settle, amount = float(settle), int(amount)
    if kind in ("tcp", "rr"):
        receiver(other, kind, amount)
    enter(sender)
    if kind == "tcp":
        result = tcp(settle, address, amount, *more)
    elif kind == "rr":
        result = rr(settle, address, amount)
    elif kind == "packets":
        result = packets(settle, sender, address, amount, *more)
    else:
        raise SystemExit(f"unknown kind {kind}")
    print("done", json.dumps(result), flush=True)
    time.sleep(settle)


main()
