# SPDX-License-Identifier: GPL-2.0
"""Values for the attributes of a family's specification: such as it allows, and such as nobody should send."""

BITS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "uint": 64, "s8": 8, "s16": 16, "s32": 32, "s64": 64, "sint": 64}

DEEPEST = 4
"""Nests within nests, at most."""

TEXTS = ("", "x", "lo", "%d", "eth%d", "..", "a/b", " ", "a b", "pci", "0", "x" * 15, "x" * 16, "x" * 300, "\x01\x7f")


def limit(family, what, bits):
    """A number of the specification's checks, which may be a name."""
    if isinstance(what, int):
        return what
    if what == "page-size":
        return 4096
    if what in family.consts:
        return family.consts[what]["value"]
    width, _, which = what.partition("-")
    signed = width[0] == "s"
    size = int(width[1:] or bits)
    return {"min": -(1 << size - 1) if signed else 0, "max": (1 << size - signed) - 1}[which]


def bounds(family, attr):
    """Smallest and largest number that the specification allows."""
    bits = BITS[attr["type"]]
    signed = attr["type"][0] == "s"
    checks = attr.get("checks", {})
    low, high = -(1 << bits - 1) if signed else 0, (1 << bits - signed) - 1
    return limit(family, checks.get("min", low), bits), limit(family, checks.get("max", high), bits)


def number(family, rng, attr, hostile):
    """A number for the attribute."""
    bits = BITS[attr["type"]]
    low, high = bounds(family, attr)
    if "enum" in attr and not hostile:
        enum = family.consts[attr["enum"]]
        flags = enum.type == "flags" or attr.get("enum-as-flags", False)
        values = [entry.user_value(as_flags=flags) for entry in enum.entries.values()]
        if flags:
            return sum(value for value in values if rng.random() < 0.4)
        return rng.choice(values)
    if not hostile:
        return rng.choice((low, min(low + rng.randrange(10), high), min(high, 1 << rng.randrange(bits)),
                           min(high, low + rng.randrange(1 << rng.randrange(1, bits)))))
    floor = -(1 << bits - 1) if attr["type"][0] == "s" else 0
    ceiling = floor + (1 << bits) - 1
    value = rng.choice((floor, ceiling, low - 1, high + 1, ceiling >> 1, (ceiling >> 1) + 1, (1 << rng.randrange(bits)) - 1,
                        (1 << rng.randrange(bits)) + 1, rng.randint(floor, ceiling)))
    return max(floor, min(ceiling, value))


def binary(family, rng, attr, hostile):
    """Bytes, of the length that is asked for or any other."""
    checks = attr.get("checks", {})
    length = attr.len or checks.get("exact-len") or checks.get("min-len")
    if attr.struct_name:
        length = family.struct_size(attr.struct_name)
    if length is None or isinstance(length, str):
        length = rng.choice((0, 1, 4, 6, 8, 16, 32, 64))
    if hostile:
        length = max(0, length + rng.choice((-length, -1, 1, 4, 1000)))
    return "@hex:" + rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length))).hex()


def value(family, rng, attr, hostile, depth=0):
    """A value for an attribute, as YNL takes it."""
    kind = attr["type"]
    if attr.is_multi and rng.random() < 0.5:
        return [one(family, rng, attr, kind, hostile, depth) for _ in range(rng.choice((0, 1, 2, 5) if not hostile else (0, 1, 40)))]
    return one(family, rng, attr, kind, hostile, depth)


def one(family, rng, attr, kind, hostile, depth):
    """A single value of that type."""
    if kind in BITS:
        return number(family, rng, attr, hostile)
    if kind == "flag":
        return True
    if kind == "string":
        return rng.choice(TEXTS)
    if kind == "bitfield32":
        return {"value": rng.getrandbits(32), "selector": rng.getrandbits(32)}
    if kind == "nest" and depth < DEEPEST:
        return message(family, rng, attr["nested-attributes"], None, hostile, depth + 1)
    if kind == "indexed-array" and attr["sub-type"] == "nest" and depth < DEEPEST:
        return [message(family, rng, attr["nested-attributes"], None, hostile, depth + 1) for _ in range(rng.randrange(3))]
    if kind == "binary":
        return binary(family, rng, attr, hostile)
    # An array YNL cannot write, a nest too deep: empty.
    return {} if kind in ("nest", "sub-message") else []


def message(family, rng, space, names=None, hostile=False, depth=0):
    """Values for some attributes of a set, at random; `names` are the ones to choose from."""
    attributes = family.attr_sets[space]
    possible = [name for name in names or attributes if attributes[name]["type"] not in ("pad", "unused", "nest-type-value")]
    chosen = rng.sample(possible, min(len(possible), rng.choice((0, 1, 1, 2, 3, 6))))
    values = {}
    for name in chosen:
        attr = attributes[name]
        if attr["type"] == "sub-message":
            values.update(selected(family, rng, attr, possible, hostile, depth))
        else:
            values[name] = value(family, rng, attr, hostile, depth)
    return values


def selected(family, rng, attr, possible, hostile, depth):
    """A message of one of several formats, and what says which."""
    if attr.selector not in possible or depth >= DEEPEST:
        return {}
    which = rng.choice(list(family.sub_msgs[attr.sub_message].formats.values()))
    inner = message(family, rng, which.attr_set, None, hostile, depth + 1) if which.attr_set else {}
    return {attr.selector: which.value, attr.name: inner}
