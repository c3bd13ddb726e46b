# SPDX-License-Identifier: GPL-2.0
"""Runs in the guest: a TCP stream whose every block is checked, and datagrams that are.

    stream.py serve ADDRESS PORT            prints "LINE: N blocks" twice a second while blocks come; ends with status 1
                                            at a wrong block
    stream.py send ADDRESS PORT KIBPS       sends until it is ended
    stream.py count ADDRESS PORT            prints how many datagrams came whole, once none has come for five seconds
    stream.py spray ADDRESS PORT COUNT      sends that many datagrams, none longer than a frame holds, from several ports
"""

import os
import socket
import struct
import sys
import time
import zlib

HEAD = struct.Struct("!QII")
"""Of a block: its number, the length of what follows, the CRC-32 of both and of what follows."""

FLOWS = 16
"""Ports a spray is sent from, so that a hash spreads it over the queues."""

WINDOW = 32
"""Datagrams between two answers. Rings that overflow are another test's: QEMU does not count what does not fit."""

ANSWER_SECONDS = 2
"""After this the datagram that asked for an answer, or the answer, is taken for lost."""


def checksum(number, body):
    return zlib.crc32(body, zlib.crc32(struct.pack("!QI", number, len(body))))


def read(stream, length):
    data = stream.read(length)
    if len(data) != length:
        raise EOFError
    return data


def serve(address, port):
    listener = socket.create_server((address, port))
    print("ready", flush=True)
    connection, _ = listener.accept()
    expected, line, told = 0, 0, time.monotonic()
    with connection.makefile("rb") as stream:
        try:
            while True:
                number, length, crc = HEAD.unpack(read(stream, HEAD.size))
                body = read(stream, length)
                if number != expected or checksum(number, body) != crc:
                    print(f"block {number}, expected {expected}: wrong", flush=True)
                    sys.exit(1)
                expected += 1
                if time.monotonic() - told > 0.5:
                    line, told = line + 1, time.monotonic()
                    print(f"{line}: {expected} blocks", flush=True)
        except (EOFError, ConnectionError):
            print(f"{line + 1}: {expected} blocks", flush=True)


def send(address, port, kibps):
    connection = socket.create_connection((address, port), timeout=None)
    number, begun = 0, time.monotonic()
    pool = os.urandom(1 << 17)
    sent = 0
    while True:
        # Lengths and contents differ from block to block.
        length = 1 + (number * 7919) % 60000
        start = (number * 104729) % (1 << 16)
        body = pool[start:start + length]
        connection.sendall(HEAD.pack(number, length, checksum(number, body)) + body)
        number, sent = number + 1, sent + length
        ahead = sent / (kibps * 1024) - (time.monotonic() - begun)
        if ahead > 0:
            time.sleep(min(ahead, 1))


def count(address, port):
    whole = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, port))
        print("ready", flush=True)
        try:
            while True:
                data, source = sock.recvfrom(2048)
                sock.settimeout(5)
                number, length, crc = HEAD.unpack_from(data)
                body = data[HEAD.size:]
                whole += len(body) == length and checksum(number, body) == crc
                if number % WINDOW == WINDOW - 1:
                    sock.sendto(b"", source)
        except TimeoutError:
            print(f"{whole} whole", flush=True)


def spray(address, port, total):
    pool = os.urandom(1400)
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(FLOWS)]
    for sock in socks:
        sock.settimeout(ANSWER_SECONDS)
    for number in range(total):
        body = pool[:number * 7919 % len(pool)]
        sock = socks[number % FLOWS]
        sock.sendto(HEAD.pack(number, len(body), checksum(number, body)) + body, (address, port))
        if number % WINDOW == WINDOW - 1:
            try:
                sock.recv(1)
            except TimeoutError:
                print(f"no answer to datagram {number}", flush=True)


PARTS = {"serve": serve, "send": send, "count": count, "spray": spray}
PARTS[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:]))
