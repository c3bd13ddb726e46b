# SPDX-License-Identifier: GPL-2.0
"""Traffic in a guest whose functions are fuzzed.

    traffic.py flow SERVER NAME...           # TCP and UDP between each function and the server's, until it is ended
    traffic.py pass SERVER SECONDS NAME...   # ends with 0 when TCP has passed on each function in time, and says so

NAME is a network namespace, SERVER an IPv4 address in the namespace "w". Connections that break are made again.
"""

import os
import socket
import sys
import threading
import time

PORT = 8258
BLOCK = bytes(range(256)) * 64
DISCARD = 9


def enter(space):
    """Takes the calling thread into a network namespace."""
    with open(f"/run/netns/{space}") as file:
        os.setns(file.fileno(), os.CLONE_NEWNET)


def serve(address):
    """Sends back what comes."""
    enter("w")
    server = socket.create_server((address, PORT), backlog=64)
    while True:
        threading.Thread(target=echo, args=[server.accept()[0]], daemon=True).start()


def echo(connection):
    with connection:
        connection.settimeout(60)
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass


def exchange(address, blocks, timeout):
    """Sends blocks and compares what comes back; an OSError if it is not the same, or not in time."""
    with socket.create_connection((address, PORT), timeout) as connection:
        connection.settimeout(timeout)
        for _ in range(blocks):
            connection.sendall(BLOCK)
            answer = b""
            while len(answer) < len(BLOCK):
                if not (data := connection.recv(65536)):
                    raise ConnectionError("closed")
                answer += data
            if answer != BLOCK:
                raise OSError("another answer than was sent")


def stream(space, address):
    """TCP for good."""
    enter(space)
    while True:
        try:
            exchange(address, 10, 3)
            time.sleep(0.05)
        except OSError:
            time.sleep(0.1)


def datagrams(space, address):
    """UDP for good, of all sizes, to several ports."""
    enter(space)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        number = 0
        while True:
            number += 1
            try:
                sock.sendto(BLOCK[:1 + number * 97 % 3000], (address, DISCARD + number % 4))
            except OSError:
                time.sleep(0.05)
            # Enough for all queues to have some, and not all that the processors can do.
            if number % 16 == 0:
                time.sleep(0.1)


def passes(space, address, seconds, found):
    """Notes after how many seconds TCP has passed, or the last reason why not."""
    enter(space)
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        try:
            exchange(address, 8, max(0.1, min(2, start + seconds - time.monotonic())))
            found[space] = round(time.monotonic() - start, 2)
            return
        except OSError as error:
            found[space] = str(error)
            time.sleep(0.05)


def main():
    what, address, *rest = sys.argv[1:]
    if what == "flow":
        threads = [threading.Thread(target=serve, args=[address], daemon=True)]
        threads += [threading.Thread(target=work, args=[space, address], daemon=True) for space in rest for work in (stream, datagrams)]
        for thread in threads:
            thread.start()
        print("flowing", flush=True)
        threads[0].join()
    else:
        found = {}
        threads = [threading.Thread(target=passes, args=[space, address, float(rest[0]), found]) for space in rest[1:]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(found)
        sys.exit(any(isinstance(value, str) for value in found.values()))


main()
