# SPDX-License-Identifier: GPL-2.0
"""The built modules: nothing on the way of a packet or of an interrupt can panic."""

import pytest

from checks import REPO, panics

ROOTS = (r"Callbacks<.*>>::start_xmit$", r"Callbacks<.*>>::poll$", r"Callbacks<.*>>::features_check$", r"irq::hard_callback")


@pytest.fixture(scope="module", params=("igb_rs", "igbvf_rs"))
def graph(request):
    return panics.CallGraph(REPO / f"build/{request.param}.ko")


@pytest.mark.parametrize("root", ROOTS)
def test_data_path(graph, root):
    functions = graph.functions(root)
    assert functions
    assert graph.panics(functions) == []


def test_check_sees(graph):
    """Elsewhere sums are checked, so there is something to find."""
    assert graph.panics(graph.functions(r"Callbacks<.*>>::get_stats64$"))


LISTING = """
Disassembly of section .text:

0000000000000000 <direct>:
       0:	call   20 <callee>
       5:	je     2 <direct+0x2>
       7:	jmp    30 <jumped_to>

0000000000000010 <by_linker>:
      10:	call   15 <by_linker+0x5>
			11: R_X86_64_PLT32	outside-0x4
      15:	call   1a <__pfx_callee>
			16: R_X86_64_PLT32	.text+0x2c
      1a:	mov    $0x0,%rdi
			1d: R_X86_64_32S	.text+0x20

0000000000000020 <callee>:
      20:	ret

0000000000000030 <jumped_to>:
      30:	ret
"""


def test_branches():
    """Branches that the assembler has resolved, those that the linker will, and addresses that are taken."""
    edges = panics.read_listing(LISTING.splitlines())
    assert edges == {"direct": {"callee", "direct", "jumped_to"}, "by_linker": {"outside", "jumped_to", "callee"},
                     "callee": set(), "jumped_to": set()}
