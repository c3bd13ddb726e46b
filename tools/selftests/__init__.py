# SPDX-License-Identifier: GPL-2.0
"""Runs the kernel's own tests of network drivers on our drivers and on C's (`make selftests`)."""
