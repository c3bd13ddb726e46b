# SPDX-License-Identifier: GPL-2.0
"""Runs in a guest: sends and receives raw Ethernet frames of a type nothing else uses.

    frames.py listen INTERFACE        print "ready", then "DESTINATION LENGTH [VLAN]" for each frame that comes, until
                                      the end mark
    frames.py send INTERFACE WHAT...  send frames, then the end mark, a broadcast; WHAT is
                                      DESTINATION[,length=BYTES][,count=N][,vlan=ID]

Length is that of the whole frame, without a tag and without the checksum.
"""

import os
import socket
import struct
import sys
from pathlib import Path

TYPE = 0x88B5  # Local experimental.
TAG = 0x8100
SOL_PACKET, PACKET_AUXDATA = 263, 8
VLAN_VALID = 1 << 4
END = b"end of the test"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def to_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def opened(interface):
    handle = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    handle.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    handle.bind((interface, 0))
    return handle


def listen(interface):
    handle = opened(interface)
    print("ready", flush=True)
    while True:
        data, extra, _, sender = handle.recvmsg(65536, 256)
        if sender[2] == socket.PACKET_OUTGOING:
            continue
        vlan = None
        for level, kind, value in extra:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, _ = struct.unpack_from("IIIHHHH", value)
                vlan = tci if status & VLAN_VALID else None
        kind, = struct.unpack_from(">H", data, 12)
        if kind == TAG:
            vlan, kind = struct.unpack_from(">HH", data, 14)
            data = data[:12] + data[16:]
        if kind != TYPE:
            continue
        if data[14:14 + len(END)] == END:
            return
        print(data[:6].hex(":"), len(data), *([vlan] if vlan is not None else []), flush=True)


def use_one_queue(interface):
    """Has the interface send everything by its first queue: frames of two queues may overtake each other, as byte
    queue limits stop each by itself."""
    queues = sorted(Path(f"/sys/class/net/{interface}/queues").glob("tx-*"))
    if len(queues) > 1:
        (queues[0] / "xps_cpus").write_text(f"{(1 << os.cpu_count()) - 1:x}")


def send(interface, *what):
    use_one_queue(interface)
    handle = opened(interface)
    own = handle.getsockname()[4]
    for text in what:
        destination, *options = text.split(",")
        options = {"length": 60, "count": 1, "vlan": None, **{k: int(v) for k, v in (o.split("=") for o in options)}}
        head = to_bytes(destination) + own
        if options["vlan"] is not None:
            head += struct.pack(">HH", TAG, options["vlan"])
        body = struct.pack(">H", TYPE) + bytes(options["length"] - 14)
        for _ in range(options["count"]):
            handle.send(head + body)
    handle.send(to_bytes(BROADCAST) + own + struct.pack(">H", TYPE) + END.ljust(46, b"\0"))


if __name__ == "__main__":
    {"listen": listen, "send": send}[sys.argv[1]](*sys.argv[2:])
