# SPDX-License-Identifier: GPL-2.0
"""Reads structure layouts from BTF, the kernel's own description of its types (Documentation/bpf/btf.rst)."""

import dataclasses
import struct

STRUCT, UNION, TYPEDEF = 4, 5, 8
_PASS = {TYPEDEF, 9, 10, 11, 18}
"""Typedef, volatile, const, restrict, type tag: another name for the type they refer to."""

_EXTRA = {1: 4, 3: 12, 14: 4, 17: 4}
"""Bytes after the common part of kinds that have a fixed number: int, array, variable, declaration tag."""

_PER_ITEM = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
"""Bytes per element of kinds that have a list: struct, union, enum, function type, section, 64-bit enum."""


@dataclasses.dataclass(frozen=True)
class Member:
    """A member: its name (empty if anonymous), type number and offset in bits."""

    name: str
    type: int
    bits: int


@dataclasses.dataclass(frozen=True)
class Type:
    """A type: `size` in bytes for those that have one, else the number of the type referred to."""

    kind: int
    name: str
    size: int
    members: tuple


class Btf:
    """The types of one BTF section."""

    def __init__(self, data):
        magic, _, _, header, types_at, types_len, names_at, names_len = struct.unpack_from("<HBBIIIII", data)
        if magic != 0xEB9F:
            raise ValueError("this is no BTF")
        self._names = data[header + names_at:header + names_at + names_len]
        self.types = [None]
        self.composite = {}
        """Structures and unions by name: a list of type numbers, as a name may stand for several."""
        at, end = header + types_at, header + types_at + types_len
        while at < end:
            at = self._read(data, at)
        # A structure without a name of its own has that of its typedef (atomic_t).
        for number, found in enumerate(self.types):
            if found and found.kind == TYPEDEF and self.types[found.size].kind in (STRUCT, UNION):
                self.composite.setdefault(found.name, []).append(found.size)

    def _name(self, offset):
        return self._names[offset:self._names.index(0, offset)].decode()

    def _read(self, data, at):
        name, info, size = struct.unpack_from("<III", data, at)
        kind, count, bitfields = info >> 24 & 0x1F, info & 0xFFFF, info >> 31
        at += 12
        members = ()
        if kind in (STRUCT, UNION):
            raw = struct.iter_unpack("<III", data[at:at + 12 * count])
            members = tuple(Member(self._name(n), t, o & 0xFFFFFF if bitfields else o) for n, t, o in raw)
            if name:
                self.composite.setdefault(self._name(name), []).append(len(self.types))
        self.types.append(Type(kind, self._name(name), size, members))
        return at + _EXTRA.get(kind, 0) + _PER_ITEM.get(kind, 0) * count

    def resolve(self, number):
        """The type behind typedefs and qualifiers."""
        found = self.types[number]
        while found.kind in _PASS:
            found = self.types[found.size]
        return found


def section(elf, name=b".BTF"):
    """The bytes of a section of a 64-bit little-endian ELF file."""
    at, = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", elf, at + index * size) for index in range(count)]
    strings = headers[names][4]
    for header in headers:
        start = strings + header[0]
        if elf[start:elf.index(0, start)] == name:
            return elf[header[4]:header[4] + header[5]]
    raise ValueError(f"no section {name.decode()}")
