# SPDX-License-Identifier: GPL-2.0
"""A VF's messages, made by a fuzzer, against the code that decides about them."""

from fuzz import mailbox

INPUTS = 1_000_000
"""Each is a device with one to seven VFs and some things that happen to it: short ones, for there are many."""


def test_mailbox():
    mailbox.build()
    assert mailbox.fuzz(seed=82576, runs=INPUTS, longest=64) >= INPUTS
