# SPDX-License-Identifier: GPL-2.0
"""Are the C structures the crate `nic` binds laid out as the running kernel has them?

Three views are compared, for size and the offset of every field: what rustc makes of the bindings, what libclang
told bindgen (both by bindgen's own layout tests, compiled here), and the kernel's BTF, which comes from the gcc
that compiled it.
"""

import re
import subprocess
from pathlib import Path

from . import REPO, btf, rust

OBJ = REPO / "build/obj"

_SIZE = re.compile(r'\["Size of (\w+)"\]\s*\[[^-]*- (\d+)usize\]')
_OFFSET = re.compile(r'\["Offset of field: (\w+)::(\w+)"\]\s*\[[^-]*- (\d+)usize\]')
_STRUCT = re.compile(r"^pub (?:struct|union) (\w+)[^{;]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^    pub (\w+): (.*?),$", re.MULTILINE | re.DOTALL)

_WRONG = re.compile(r'\["(?:Size of|Alignment of|Offset of field:) (\w+)')

OWN = "nic_"
"""Prefix of the project's own C types, which no kernel knows."""

_STUBS = """\
#![allow(warnings)]
#![no_std]
mod ffi {
    pub use core::ffi::*;
}
type __kernel_size_t = usize;
type __kernel_ssize_t = isize;
type __kernel_ptrdiff_t = isize;
include!("bindings.rs");
"""


def bindings(folder):
    """The bindings with bindgen's layout tests in them, made in `folder` by the very command that made those in use."""
    saved = (OBJ / "rust/.bindings_generated.rs.cmd").read_text().splitlines()[0].split(" := ", 1)[1]
    command = saved.replace("--no-layout-tests", "").replace("-o rust/bindings_generated.rs", f"-o {folder}/bindings.rs")
    command = re.sub(r"--with-derive-custom-(struct|union) \S+", "", command)
    command = re.sub(r"-Wp,-MMD,\S+", "", command)
    if str(folder) not in command:
        raise ValueError("the command that made the bindings is not one this knows how to change")
    subprocess.run(command, shell=True, cwd=OBJ, check=True)
    return folder / "bindings.rs"


def compile_tests(path):
    """Compiles the layout tests in `path` and returns the types that rustc lays out unlike libclang.

    Those exist (x86's 32-bit compatibility types with a 64-bit field of 4-byte alignment), which Rust cannot express.
    """
    (path.parent / "check.rs").write_text(_STUBS)
    result = subprocess.run(["rustc", "--edition=2021", "--crate-type=rlib", "--emit=metadata", "-o",
                             str(path.parent / "check.rmeta"), str(path.parent / "check.rs")], capture_output=True, text=True)
    wrong = set(_WRONG.findall(result.stderr))
    if result.returncode and (not wrong or re.search(r"^error(?!\[E0080\]|: aborting)", result.stderr, re.MULTILINE)):
        raise RuntimeError(f"the layout tests do not compile:\n{result.stderr}")
    return wrong


class Bound:
    """What bindgen says of each type: size, offsets and types of fields."""

    def __init__(self, text):
        self.size = {name: int(size) for name, size in _SIZE.findall(text)}
        self.offsets = {}
        for name, field, offset in _OFFSET.findall(text):
            self.offsets.setdefault(name, {})[field] = int(offset)
        self.fields = {name: dict(_FIELD.findall(body)) for name, body in _STRUCT.findall(text)}


def used(bound):
    """Types that the crate names (`raw::NAME`), and those they contain; those that have no name in C are compared as parts
    of the others."""
    names = set()
    for path in rust("rust"):
        names.update(re.findall(r"\braw::(\w+)", (REPO / path).read_text()))
    names = {name for name in names if name in bound.size and not name.startswith(OWN) and "__bindgen_ty_" not in name}
    todo = list(names)
    while todo:
        for kind in bound.fields.get(todo.pop(), {}).values():
            for inner in re.findall(r"\w+", re.sub(r"\*(?:mut|const) \w+|Option<.*", "", kind, flags=re.DOTALL)):
                if inner in bound.size and "__bindgen_ty_" not in inner and inner not in names:
                    names.add(inner)
                    todo.append(inner)
    return names - _INTERNAL


_INTERNAL = {"__BindgenBitfieldUnit", "__IncompleteArrayField", "__BindgenUnionField"}


def vmlinux():
    """The kernel's image with BTF, as its headers package has it."""
    found = sorted(Path("/usr/src").glob("linux-headers-*/vmlinux"))
    if not found:
        raise FileNotFoundError("no vmlinux in /usr/src/linux-headers-*")
    return found[-1]


def compare(bound, types, name):
    """Differences of `name` to the kernel's type of that name, one line each; None if the kernel has none."""
    name_in_c = re.sub(r"^(struct|union)_", "", name)
    results = [_differences(bound, types, name, types.types[number], name) for number in types.composite.get(name_in_c, ())]
    return min(results, key=len) if results else None


def _differences(bound, types, name, kernel, where):
    found = []
    if bound.size[name] != kernel.size:
        found.append(f"{where}: {bound.size[name]} bytes bound, {kernel.size} in the kernel")
    members = {member.name: member for member in kernel.members if member.name}
    nameless = iter([member for member in kernel.members if not member.name])
    offsets = bound.offsets.get(name, {})
    for field, kind in bound.fields.get(name, {}).items():
        if field.startswith("__bindgen_anon_"):
            member = next(nameless, None)
        elif field in offsets:
            # bindgen appends an underscore to Rust's keywords.
            member = members.get(field) or members.get(field.removesuffix("_"))
        else:
            continue  # A unit of bit fields or the like, which is between fields that are compared.
        if member is None:
            found.append(f"{where}.{field}: not in the kernel")
            continue
        if field in offsets and member.bits != 8 * offsets[field]:
            found.append(f"{where}.{field}: bound at {offsets[field]}, in the kernel at {member.bits / 8:g}")
        inside = re.search(r"\b\w+__bindgen_ty_\w+", kind)
        inner = types.resolve(member.type)
        if inside and inside[0] in bound.size and inner.kind in (btf.STRUCT, btf.UNION):
            found += _differences(bound, types, inside[0], inner, f"{where}.{field}")
    return found
