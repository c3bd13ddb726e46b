# SPDX-License-Identifier: GPL-2.0
"""The lab: guests with emulated 82576 ports on the stock kernel or the debug kernel, driven from Python.

Runs inside the lab's Debian root (`tools/lab/enter`). See tools/lab/README.md.
"""

from .client import CommandFailed, GuestError, Process, Result
from .guestlog import DirtyLog
from .kernel import Kernel, patience
from .nested import Nested
from .vm import Vm

__all__ = ["CommandFailed", "DirtyLog", "GuestError", "Kernel", "Nested", "Process", "Result", "Vm",
           "patience"]
