# SPDX-License-Identifier: GPL-2.0
"""The guest as a worker sees it: the functions, where their interfaces are at the moment, and the ways to give orders.

An order is plain data, so that it can be printed, and names what only the running guest can tell by a text that begins
with "@":

    @index:pf      index of the interface of the PF            @name:pf     its name
    @napi:pf:1     identifier of its second NAPI context       @fd:v0       a file that names v0's namespace
    @hex:00ff      bytes

One that asks for what is not there gets the last that was known: an identifier that was right a moment ago.
"""

import copy
import errno
import os
import random
import socket
import struct
import subprocess
import sys

TREE = "/usr/src/igb-rs-tree"
"""The kernel's tree, which has YNL and its specifications."""

sys.path.insert(0, f"{TREE}/tools/net/ynl")

from pyynl.lib import NlError, YnlFamily  # noqa: E402
from pyynl.lib.ynl import Netlink, NlMsg, YnlException  # noqa: E402

SPECS = f"{TREE}/Documentation/netlink/specs"
FAMILIES = ("ethtool", "netdev", "devlink", "rt-link", "rt-addr", "tc")

SYS = "/run/fuzz/sys"
"""A sysfs for each namespace is mounted below: each shows the interfaces of its own."""

FLAGS = {"create": Netlink.NLM_F_CREATE, "excl": Netlink.NLM_F_EXCL, "replace": Netlink.NLM_F_REPLACE,
         "append": Netlink.NLM_F_APPEND}


class Refused(Exception):
    """An order was not carried out; the text says why."""


class Family(YnlFamily):
    """A family to which messages can be told without a look at the answers but for their end.

    To read an answer takes most of a command's time. And YNL never comes to an end with an attribute of no length, which
    it may see in an answer it takes for another, or in a message that was twisted.
    """

    def tell(self, sock, name, vals, flags, twist):
        """Sends a message and waits for the kernel's verdict; NlError if it is not good. `twist` is a seed of what becomes
        of the attributes' bytes."""
        op = self.ops[name]
        number = random.randrange(1 << 16)
        message = self._encode_message(op, vals, flags, number)
        if twist is not None:
            head = self.nlproto.msghdr_size() + self.struct_size(op.fixed_header)
            message = message[:head] + twisted(random.Random(twist), message[head:])
        sock.send(message)
        dump = Netlink.NLM_F_DUMP in flags
        while not self._ended(sock.recv(1 << 18), number, Netlink.NLM_F_DUMP in flags):
            pass

    def _ended(self, data, number, dump):
        """Is the end of the answer to message `number` in what was received? NlError if that is an error."""
        while data:
            size, kind, _, about = struct.unpack_from("IHHI", data)
            # A dump ends with DONE; what is no dump may have one, without a word in it, before it is acknowledged.
            if about == number and (kind == Netlink.NLMSG_ERROR or kind == Netlink.NLMSG_DONE and dump):
                answer = NlMsg(data, 0)
                if answer.error:
                    raise NlError(answer)
                return True
            data = data[(size + 3) & ~3:]
        return False


def twisted(rng, data):
    """The bytes of attributes with some of them changed. The length stays, as it is in the message's header."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4) if data else 0):
        at = rng.randrange(len(data))
        data[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, data[at] ^ 1 << rng.randrange(8), rng.randrange(256)))
    return bytes(data)


class World:
    """Functions and the ways to reach them."""

    def __init__(self, functions):
        self.functions = functions
        """Name of each function's namespace and interface to its PCI address."""
        self.families = {name: Family(f"{SPECS}/{name}.yaml", schema="", process_unknown=True) for name in FAMILIES}
        self.known = {}
        self._sockets = {}
        for family in self.families.values():
            family.close()

    # Where things are.

    def interface(self, function):
        """Namespace and name of the function's interface now; None if it has none."""
        for space in (function, *(space for space in (*self.functions, "away", "init") if space != function)):
            try:
                names = os.listdir(f"{SYS}/{space}/bus/pci/devices/{self.functions[function]}/net")
            except OSError:
                continue
            if names:
                return space, names[0]
        return None

    def index(self, function):
        """Index of the interface, or the last that it had."""
        found = self.interface(function)
        if found:
            try:
                with open(f"{SYS}/{found[0]}/class/net/{found[1]}/ifindex") as file:
                    self.known["index", function] = int(file.read())
            except OSError:
                pass
        return self.known.get(("index", function), 1)

    def name(self, function):
        """Name of the interface."""
        return (self.interface(function) or (None, function))[1]

    def napi(self, function, number):
        """Identifier of one of its NAPI contexts, or one that it had."""
        try:
            found = self.ask(function, "netdev", "napi-get", {"ifindex": self.index(function)}, dump=True)
        except Refused:
            found = None
        if found:
            self.known["napi", function] = [napi["id"] for napi in found]
        ids = self.known.get(("napi", function), [1])
        return ids[number % len(ids)]

    def resolve(self, value):
        """The value with what its texts that begin with "@" stand for."""
        if isinstance(value, dict):
            return {key: self.resolve(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        if not isinstance(value, str) or not value.startswith("@"):
            return value
        what, _, rest = value[1:].partition(":")
        if what == "index":
            return self.index(rest)
        if what == "name":
            return self.name(rest)
        if what == "fd":
            return self._namespace(rest)
        if what == "napi":
            function, number = rest.split(":")
            return self.napi(function, int(number))
        if what == "hex":
            return bytes.fromhex(rest)
        raise ValueError(value)

    # The ways to give orders.

    def perform(self, step):
        """Carries out one step; Refused if that was not possible."""
        way, *rest = step
        return {"netlink": self._order, "tool": self.tool, "write": self.write}[way](*rest)

    def _order(self, space, family, op, vals, options):
        return self.netlink(space, family, op, self.resolve(copy.deepcopy(vals)), **options)

    def netlink(self, space, family, op, vals, dump=False, flags=(), twist=None):
        """Tells a family something by a socket of a namespace."""
        bits = [FLAGS[flag] for flag in flags] + ([Netlink.NLM_F_DUMP] if dump else [])
        self._spoken(space, family, lambda spoken, sock: spoken.tell(sock, op, vals, bits, twist))

    def ask(self, space, family, op, vals, dump=False):
        """Asks a family something by a socket of a namespace; returns the answer."""
        def speak(spoken, sock):
            spoken.sock = sock
            return spoken.dump(op, vals) if dump else spoken.do(op, vals)
        return self._spoken(space, family, speak)

    def _spoken(self, space, family, speak):
        spoken = self.families[family]
        try:
            return speak(spoken, self._socket(space, spoken))
        except NlError as error:
            raise Refused(f"{errno.errorcode.get(error.error, error.error)} {(error.nl_msg.extack or {}).get('msg', '')}".strip()
                          ) from error
        except OSError as error:
            self._forget(space, spoken)
            raise Refused(errno.errorcode.get(error.errno, str(error))) from error
        except Exception as error:
            # YNL could not put it into a message, or could not read the answer, the rest of which is still to come.
            self._forget(space, spoken)
            raise Refused(f"{'YNL' if isinstance(error, YnlException) else type(error).__name__}: {error}") from error

    def _socket(self, space, family):
        key = space, family.nlproto.proto_num
        if key not in self._sockets:
            os.setns(self._namespace(space), os.CLONE_NEWNET)
            self._sockets[key] = opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family.nlproto.proto_num)
            os.setns(self._namespace("init"), os.CLONE_NEWNET)
            for option in (Netlink.NETLINK_CAP_ACK, Netlink.NETLINK_EXT_ACK, Netlink.NETLINK_GET_STRICT_CHK):
                opened.setsockopt(Netlink.SOL_NETLINK, option, 1)
        return self._sockets[key]

    def forget_all(self):
        """For a process that was forked: of two that read from one socket each gets the other's answers."""
        while self._sockets:
            self._sockets.popitem()[1].close()

    def _forget(self, space, family):
        if old := self._sockets.pop((space, family.nlproto.proto_num), None):
            old.close()

    def _namespace(self, space):
        key = "fd", space
        if key not in self.known:
            self.known[key] = os.open(f"/run/netns/{space}" if space != "init" else "/proc/1/ns/net", os.O_RDONLY)
        return self.known[key]

    def tool(self, space, arguments):
        """Runs a program in a namespace."""
        self.run(["nsenter", f"--net=/run/netns/{space}", *map(str, self.resolve(arguments))])

    def run(self, arguments):
        """Runs a program."""
        result = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                errors="replace")
        if result.returncode:
            raise Refused(" ".join(result.stderr.split())[:200] or f"status {result.returncode}")

    def write(self, path, text):
        """Writes a text into a file of sysfs, at once, as a shell's `echo` does; "@name:pf" may be a part of the path."""
        parts = self.resolve(path.split("/"))
        try:
            file = os.open("/".join(parts), os.O_WRONLY)
        except OSError as error:
            raise Refused(f"open: {errno.errorcode.get(error.errno)}") from error
        try:
            os.write(file, text.encode("latin-1"))
        except OSError as error:
            raise Refused(errno.errorcode.get(error.errno, str(error))) from error
        finally:
            os.close(file)
