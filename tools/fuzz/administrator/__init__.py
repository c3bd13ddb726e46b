# SPDX-License-Identifier: GPL-2.0
"""Everything a root user can tell a PF and its VFs, at random: see README.md, "What a root user can do"."""
