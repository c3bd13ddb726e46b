# SPDX-License-Identifier: GPL-2.0
"""Traffic of which every byte is checked. Runs in a guest.

    checked.py serve ADDRESS             # sends back what it gets, checked too, until it is ended
    checked.py send ADDRESS FILE         # until there is the file; says when it flows; at the end
                                         # JSON: bytes that came back right, longest gap, what was wrong

TCP, so nothing may be lost; each block has its number and other content than its neighbours.
"""

import json
import os
import random
import socket
import sys
import threading
import time

BLOCK = 4096
PORT = 8257
POOL = random.Random(82576).randbytes(BLOCK * 64)


def block(number):
    """Block `number` of the stream."""
    start = number * 97 % (len(POOL) - BLOCK)
    return number.to_bytes(8, "big") + POOL[start:start + BLOCK - 8]


def blocks(sock):
    """What arrives, a block at a time."""
    with sock.makefile("rb") as stream:
        while len(data := stream.read(BLOCK)) == BLOCK:
            yield data


def serve(address):
    with socket.create_server((address, PORT)) as server:
        print("listening", flush=True)
        while True:
            sock = server.accept()[0]
            threading.Thread(target=echo, args=[sock], daemon=True).start()


def echo(sock):
    with sock:
        for number, data in enumerate(blocks(sock)):
            if data != block(number):
                print(f"block {number} of the request is wrong", flush=True)
                return
            sock.sendall(data)


def send(address, flag):
    with socket.create_connection((address, PORT), 60) as sock:
        sock.settimeout(120)
        sent = 0

        def feed():
            nonlocal sent
            while not os.path.exists(flag):
                sock.sendall(block(sent))
                sent += 1
            sock.shutdown(socket.SHUT_WR)

        threading.Thread(target=feed, daemon=True).start()
        right, gap, wrong = 0, 0.0, ""
        last = time.monotonic()
        try:
            for number, data in enumerate(blocks(sock)):
                now = time.monotonic()
                gap, last = max(gap, now - last), now
                if data != block(number):
                    wrong = f"block {number} of the answer is wrong"
                    break
                right += 1
                if right == 1:
                    print("flowing", flush=True)
        except OSError as error:
            wrong = str(error)
        if not wrong and right != sent:
            wrong = f"{sent} blocks sent, {right} came back"
    print(json.dumps({"bytes": right * BLOCK, "gap": round(gap, 2), "wrong": wrong}))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        send(sys.argv[2], sys.argv[3])
