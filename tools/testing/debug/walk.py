# SPDX-License-Identifier: GPL-2.0
"""Runs in a guest: does something again and again while the 1st, 2nd, 3rd, ... allocation in it fails.

    walk.py OPERATION FUNCTION WIRE LIMIT

FUNCTION is the PCI function under test; WIRE the interface at the other end, in the namespace `w`; LIMIT the number of
allocations to fail: if there are more, it is every second, or third, ... one. The kernel counts for this task
(/proc/self/fail-nth), and counts only allocations with a module of ours in their stack (failing.py). After each
failure the operation is done whole or not at all, and where there is an interface frames must pass both ways; at the
end, when nothing is left to fail, the operation must succeed. The last line is a summary in JSON.
"""

import errno
import fcntl
import json
import os
import re
import socket
import struct
import sys
import time

import failing
from failing import read, write

DEVICES = "/sys/bus/pci/devices"
ETHERTYPE = 0x88B5
HEADER = b"\xff" * 6 + b"\x02\x82\x57\x60\x00\x01" + struct.pack("!H", ETHERTYPE)

SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFMTU, SIOCSIFMTU, SIOCETHTOOL = 0x8913, 0x8914, 0x8921, 0x8922, 0x8946
IFF_UP = 1


class Interface:
    """The interface of a function, asked by ioctl: a program of its own would have a count of its own."""

    def __init__(self, function):
        (self.name,) = os.listdir(f"{DEVICES}/{function}/net")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def ioctl(self, number, value):
        return fcntl.ioctl(self.socket, number, struct.pack("16s24s", self.name.encode(), value))[16:]

    @property
    def up(self):
        return bool(struct.unpack("H", self.ioctl(SIOCGIFFLAGS, b"")[:2])[0] & IFF_UP)

    @up.setter
    def up(self, wanted):
        flags = struct.unpack("H", self.ioctl(SIOCGIFFLAGS, b"")[:2])[0]
        self.ioctl(SIOCSIFFLAGS, struct.pack("H", flags & ~IFF_UP | (IFF_UP if wanted else 0)))

    @property
    def mtu(self):
        return struct.unpack("i", self.ioctl(SIOCGIFMTU, b"")[:4])[0]

    @mtu.setter
    def mtu(self, wanted):
        self.ioctl(SIOCSIFMTU, struct.pack("i", wanted))

    def ethtool(self, command, words):
        """An ethtool command whose structure is a row of 32-bit words; returns them."""
        data = bytearray(struct.pack(f"{len(words) + 1}I", command, *words))
        address = (struct.pack("P", memory_of(data)))
        self.ioctl(SIOCETHTOOL, address)
        return list(struct.unpack(f"{len(words) + 1}I", data)[1:])


def memory_of(data):
    import ctypes
    return ctypes.addressof(ctypes.c_char.from_buffer(data))


class Words:
    """A setting of ethtool's: words of a structure that are read by one command and written by another."""

    def __init__(self, get, put, size, values):
        self.get, self.put, self.size, self.values = get, put, size, values

    def now(self, interface):
        words = interface.ethtool(self.get, [0] * self.size)
        return [words[at] for at in self.values]

    def set(self, interface, wanted):
        words = interface.ethtool(self.get, [0] * self.size)
        for at, value in zip(self.values, wanted):
            words[at] = value
        interface.ethtool(self.put, words)


RINGS = Words(0x10, 0x11, 8, (4, 7))
CHANNELS = Words(0x3C, 0x3D, 8, (7,))
FLAGS = Words(0x25, 0x26, 1, (0,))
"""ETHTOOL_GFLAGS: receive hashing (bit 28) and VLAN stripping (bit 8)."""
RX_CHECKSUM = Words(0x14, 0x15, 1, (0,))


class Frames:
    """Frames between the interface and the other end of the wire, both ways."""

    def __init__(self, name, wire):
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        os.setns(os.open("/run/netns/w", os.O_RDONLY), os.CLONE_NEWNET)
        self.wire = self.port(wire)
        os.setns(here, os.CLONE_NEWNET)
        self.name = name
        self.number = 0

    @staticmethod
    def port(name):
        port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
        port.bind((name, ETHERTYPE))
        port.settimeout(0.5)
        return port

    def pass_through(self):
        """A frame arrives at the other end, then one from there; the link may not be there again at once."""
        limit = time.monotonic() + 120
        for out in (True, False):
            while not self.passes(out):
                if time.monotonic() > limit:
                    raise AssertionError(f"{self.name}: no frame {'leaves' if out else 'comes in'}")

    def passes(self, out):
        self.number += 1
        text = b"walk %d " % self.number
        try:
            with self.port(self.name) as own:
                source, target = (own, self.wire) if out else (self.wire, own)
                source.send(HEADER + text.ljust(60, b"."))
                while text not in target.recv(2048):
                    pass
            return True
        except OSError:
            # No carrier yet, or nothing came.
            return False


class Setting:
    """A change between two values of a running interface."""

    def __init__(self, name, get, put, old, new):
        self.name, self.get, self.put, self.old, self.new = name, get, put, old, new

    def start(self, function, wire):
        self.interface = Interface(function)
        self.interface.up = True
        self.frames = Frames(self.interface.name, wire)
        self.frames.pass_through()
        self.put(self.interface, self.old)
        assert self.get(self.interface) == self.old, self.get(self.interface)

    def do(self):
        self.put(self.interface, self.new)

    def undo(self):
        self.put(self.interface, self.old)

    def check(self, done):
        assert self.interface.up, "the interface is down"
        now = self.get(self.interface)
        assert now == (self.new if done else self.old), now
        self.frames.pass_through()


class Open:
    """The interface comes up."""

    def start(self, function, wire):
        self.interface = Interface(function)
        self.frames = Frames(self.interface.name, wire)
        self.interface.up = False

    def do(self):
        self.interface.up = True

    def undo(self):
        self.interface.up = False

    def check(self, done):
        assert self.interface.up == done
        if done:
            self.frames.pass_through()


class Probe:
    """The driver is bound to the function, whatever its name."""

    def start(self, function, wire):
        self.function, self.wire = function, wire
        self.driver = os.path.realpath(f"{DEVICES}/{function}/driver")
        self.undo()
        # The PCI core probes a device of a known NUMA node in a worker, where nothing counts for this task.
        write(f"{DEVICES}/{function}/numa_node", "-1")

    def do(self):
        write(f"{self.driver}/bind", self.function)

    def undo(self):
        write(f"{self.driver}/unbind", self.function)

    def check(self, done):
        assert os.path.exists(f"{self.driver}/{self.function}") == done
        assert os.path.exists(f"{DEVICES}/{self.function}/net") == done
        if done:
            works(self.function, self.wire)


def works(function, wire):
    """Brings a function's interface up, and passes frames."""
    interface = Interface(function)
    interface.up = True
    Frames(interface.name, wire).pass_through()


class Sriov:
    """Two VFs appear, while the interface carries frames."""

    def start(self, function, wire):
        self.file = f"{DEVICES}/{function}/sriov_numvfs"
        self.function, self.wire = function, wire
        self.interface = Interface(function)
        self.interface.up = True
        self.frames = Frames(self.interface.name, wire)
        self.frames.pass_through()

    def do(self):
        write(self.file, "2")

    def undo(self):
        write(self.file, "0")

    def check(self, done):
        number = 2 if done else 0
        assert int(read(self.file)) == number, read(self.file)
        found = [name for name in os.listdir(f"{DEVICES}/{self.function}") if name.startswith("virtfn")]
        assert len(found) == number, found
        self.frames.pass_through()
        for vf in found:
            works(os.path.basename(os.path.realpath(f"{DEVICES}/{self.function}/{vf}")), self.wire)


def mtu(interface):
    return interface.mtu


OPERATIONS = {
    "probe": Probe(),
    "open": Open(),
    "sriov": Sriov(),
    "mtu": Setting("mtu", mtu, lambda interface, value: setattr(interface, "mtu", value), 1500, 9000),
    "vf-mtu": Setting("mtu", mtu, lambda interface, value: setattr(interface, "mtu", value), 1500, 1400),
    "rings": Setting("rings", RINGS.now, RINGS.set, [256, 256], [1024, 512]),
    "vf-rings": Setting("rings", RINGS.now, RINGS.set, [256, 256], [1024, 512]),
    "vf-features": Setting("features", RX_CHECKSUM.now, RX_CHECKSUM.set, [1], [0]),
    "channels": Setting("channels", CHANNELS.now, CHANNELS.set, [2], [1]),
    "features": Setting("features", FLAGS.now, FLAGS.set, [1 << 28 | 3 << 7], [3 << 7]),
}


class Count:
    """The kernel's count of this task's allocations, of which it fails one."""

    ALL = 1 << 30

    def __init__(self):
        self.file = os.open("/proc/self/fail-nth", os.O_RDWR)

    def attempt(self, operation, number):
        """Does the operation while that allocation fails. Returns the error, or nothing, and how many allocations are
        left to that number."""
        error = None
        os.pwrite(self.file, b"%d" % number, 0)
        try:
            operation.do()
        except OSError as failure:
            error = failure.errno
        left = int(re.sub(rb"\W", b"", os.pread(self.file, 20, 0)))
        os.pwrite(self.file, b"0", 0)
        return error, left

    def undisturbed(self, operation):
        """Does and undoes it without a failure; returns its allocations."""
        error, left = self.attempt(operation, self.ALL)
        assert error is None, f"fails without a fault: {errno.errorcode[error]}"
        operation.check(True)
        operation.undo()
        return self.ALL - left


def main():
    name, function, wire, limit = sys.argv[1:]
    operation = OPERATIONS[name]
    operation.start(function, wire)
    # Without memory for the name of a VF's device it removes a device that was never added, and crashes.
    failing.ours(but="pci_iov_add_virtfn")
    count = Count()
    total = count.undisturbed(operation)
    step = max(1, -(-total // int(limit)))
    refused = survived = 0
    errors = {}
    number = 1
    while True:
        error, left = count.attempt(operation, number)
        if left:
            # Fewer allocations than that.
            assert error is None, f"fails without a fault: {errno.errorcode[error]}"
        elif error is None:
            survived += 1
        else:
            refused += 1
            errors[errno.errorcode[error]] = errors.get(errno.errorcode[error], 0) + 1
        try:
            operation.check(error is None)
        except AssertionError as wrong:
            raise AssertionError(f"allocation {number}, {errno.errorcode.get(error, 'success')}: {wrong}") from None
        if error is None:
            operation.undo()
        if left:
            break
        number += step
    print(json.dumps({"allocations": total, "step": step, "faults": refused + survived, "refused": refused,
                      "survived": survived, "errors": errors}))


if __name__ == "__main__":
    main()
