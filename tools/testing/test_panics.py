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
