# SPDX-License-Identifier: GPL-2.0
"""Fuzzing of what a VF can do to its PF: on the host (mailbox.py) and in a guest (storm.py). See README.md."""
