# SPDX-License-Identifier: GPL-2.0
"""Runs in the guest: enables VFs and takes the time until the last of them has its network device.

Usage: enable_vfs.py PF-ADDRESS COUNT SECONDS

Prints JSON: `seconds` from the write to `sriov_numvfs` to the kernel's message that the last network device is
registered, `write_seconds` that the write itself took, `netdevs` in the order of their registration. Ends with status 1
and what came so far in the message if it takes more than SECONDS.
"""

import json
import select
import socket
import struct
import sys
import threading
import time

RTMGRP_LINK = 1
RTM_NEWLINK = 16
IFLA_IFNAME = 3
NLMSG_HEADER = struct.Struct("=IHHII")
IFINFO = struct.Struct("=BxHiII")
ATTRIBUTE = struct.Struct("=HH")


def aligned(length):
    return (length + 3) & ~3


def new_links(data):
    """(index, name) of each RTM_NEWLINK message in a datagram of route netlink."""
    while len(data) >= NLMSG_HEADER.size:
        length, kind, *_ = NLMSG_HEADER.unpack_from(data)
        if kind == RTM_NEWLINK:
            _, _, index, _, _ = IFINFO.unpack_from(data, NLMSG_HEADER.size)
            yield index, name_in(data[NLMSG_HEADER.size + IFINFO.size:length])
        data = data[aligned(length):]


def name_in(attributes):
    while len(attributes) >= ATTRIBUTE.size:
        length, kind = ATTRIBUTE.unpack_from(attributes)
        if kind == IFLA_IFNAME:
            return attributes[ATTRIBUTE.size:length].rstrip(b"\0").decode()
        attributes = attributes[aligned(length):]
    return ""


class Write(threading.Thread):
    """The write, in a thread of its own: VFs appear while it is under way."""

    def __init__(self, address, count):
        super().__init__(daemon=True)
        self.path = f"/sys/bus/pci/devices/{address}/sriov_numvfs"
        self.count = count
        self.seconds = None
        self.error = None

    def run(self):
        start = time.monotonic()
        try:
            with open(self.path, "w") as file:
                file.write(str(self.count))
        except OSError as error:
            self.error = error
        self.seconds = time.monotonic() - start


def main():
    address, count, limit = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    known = {index for index, _ in socket.if_nameindex()}
    names = {}
    messages = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    messages.bind((0, RTMGRP_LINK))
    write = Write(address, count)
    start = time.monotonic()
    write.start()
    last = start
    while len(names) < count:
        left = start + limit - time.monotonic()
        if write.error or not select.select([messages], [], [], max(0, min(left, 0.5)))[0]:
            if write.error or left <= 0:
                sys.exit(f"{len(names)} of {count} network devices in {limit:g} s: {' '.join(names.values()) or 'none'}; "
                         f"sriov_numvfs: {write.error or ('write under way' if write.is_alive() else 'written')}")
            continue
        now = time.monotonic()
        for index, name in new_links(messages.recv(1 << 16)):
            if index not in known and index not in names:
                names[index] = name
                last = now
    write.join(limit)
    if write.is_alive() or write.error:
        sys.exit(f"write to sriov_numvfs: {write.error or 'does not end'}")
    print(json.dumps({"seconds": round(last - start, 4), "write_seconds": round(write.seconds, 4),
                      "netdevs": list(names.values())}))


main()
