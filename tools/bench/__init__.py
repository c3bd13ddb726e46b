# SPDX-License-Identifier: GPL-2.0
"""The bench: our drivers against the kernel's own. `make bench`."""
