# SPDX-License-Identifier: GPL-2.0
"""Bound C structures: the bindings' idea of them, the compiler's, and the kernel's BTF."""

import pytest

from checks import btf, layout


@pytest.fixture(scope="module")
def bindings(tmp_path_factory):
    return layout.bindings(tmp_path_factory.mktemp("layout"))


@pytest.fixture(scope="module")
def bound(bindings):
    return layout.Bound(bindings.read_text())


@pytest.fixture(scope="module")
def kernel():
    return btf.Btf(btf.section(layout.vmlinux().read_bytes()))


def test_compiler_agrees(bindings, bound):
    assert not layout.compile_tests(bindings) & layout.used(bound)


def test_kernel_agrees(bound, kernel):
    used = layout.used(bound)
    assert {"net_device", "napi_struct", "sk_buff", "pci_dev", "net_device_ops", "ethtool_ops"} <= used
    for name in sorted(used):
        assert layout.compare(bound, kernel, name) is not None, f"the kernel's BTF has no {name}"
    found = [text for name in sorted(bound.size) for text in layout.compare(bound, kernel, name) or ()]
    assert not found


def test_comparison_sees(bound, kernel):
    """A field that moved, a size that changed, also inside an unnamed member."""
    for name, inner in (("net_device", "net_device"), ("sk_buff", "sk_buff__bindgen_ty_4")):
        size = bound.size[inner]
        bound.size[inner] = size + 8
        assert layout.compare(bound, kernel, name)
        bound.size[inner] = size
    offsets = bound.offsets["net_device"]
    offsets["mtu"] += 4
    assert layout.compare(bound, kernel, "net_device")
    offsets["mtu"] -= 4
    assert not layout.compare(bound, kernel, "net_device")
    assert layout.compare(bound, kernel, "no_such_thing") is None
