# SPDX-License-Identifier: GPL-2.0
"""The verdict on a guest's kernel log: what must never be in it."""

import re

BAD = (
    r"WARNING: ",
    r"\bBUG:",
    r"\bBUG\b.* at ",
    r"\bBUG \S+ \(.*\): ",
    r"\bOops\b",
    r"general protection fault",
    r"unable to handle (page fault|kernel)",
    r"Kernel panic",
    r"Call Trace:",
    r"rust_kernel: panicked|rust_kernel:.*panic",
    r"DMAR: .*[Ff]ault",
    r"DMAR: \[",
    r"DMAR: DRHD: handling fault",
    r"AMD-Vi: Event logged",
    r"AMD-Vi: .*Completion-Wait loop timed out",
    r"NETDEV WATCHDOG",
    r"transmit queue \d+ timed out",
    r"Detected Tx Unit Hang",
    r"blocked for more than \d+ seconds",
    r"soft lockup|hard LOCKUP|rcu.*(stall|self-detected)",
    r"refcount_t: ",
    r"(list_add|list_del) corruption",
    r"UBSAN|KASAN|KCSAN|KFENCE: |kmemleak: [1-9]",
    # A check that switches itself off finds nothing any more.
    r"kmemleak: .* disabled|DMA-API: .*disabl|turning off the locking correctness validator",
    r"Disabling lock debugging due to kernel taint",
    r"possible (circular|recursive) locking|INFO: .*lock",
    r"ref_tracker: |ODEBUG",
    r"unregister_netdevice: waiting for",
    r"irq \d+: nobody cared",
    r"Bad page (state|map)",
    r"lab: guest cannot start",
)
"""Regular expressions; a line of the log that matches one fails the run."""

_bad = re.compile("|".join(f"(?:{pattern})" for pattern in BAD))

DMAR_FAULT = re.compile(r"DMAR: \[.*fault addr")
"""One line per fault the IOMMU logged."""

_OWN = re.compile(r"^(\[[ \d.]+\](\[ *[CT]\d+\])? )?lab: (?!guest cannot start)")
"""The lab's marks and notes in the log (PRINTK_CALLER names a processor or task before); the name of a test may well
contain "WARNING:"."""

_END_OF_TRACE = re.compile(r"---\[ end trace |</TASK>")


def findings(lines, allow=()):
    """The bad lines among `lines`, in order, those that match a pattern in `allow` left out.

    A warning comes with lines of context (registers, call trace). When its first line is allowed, the
    lines up to the end of its trace are allowed with it.
    """
    allowed = [re.compile(pattern) for pattern in allow]
    found = []
    inside = 0
    for line in lines:
        line = line.rstrip("\r")
        if any(pattern.search(line) for pattern in allowed):
            # A trace follows within a few lines or not at all.
            inside = 120
            continue
        if inside:
            inside -= 1
            if _END_OF_TRACE.search(line):
                inside = 0
                continue
            if "Call Trace:" in line:
                continue
        if _bad.search(line) and not _OWN.match(line):
            found.append(line)
    return found


def matches(pattern, line):
    """Does the regular expression occur in the line?"""
    return re.search(pattern, line) is not None
