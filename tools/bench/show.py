# SPDX-License-Identifier: GPL-2.0
"""The bench on a terminal: rows as they are done, a line of progress in between. 100 columns."""

import sys

from .figures import verdict


def _write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def heading(text):
    _write(f"\n{text}\n")


def columns():
    _write(f"  {'':<26}{'ours':>10}{'C':>10}  {'':<10}{'ratio':>6}  {'interval':<13}{'goal':>5}\n")


def progress(cell, pair, pairs, side):
    """Only where a line can be taken back."""
    if sys.stdout.isatty():
        _write(f"\r  {cell.title:<26}{pair + 1} of {pairs}, {side}    ")


def _clear():
    if sys.stdout.isatty():
        _write("\r\x1b[K")


def number(value):
    """Three digits or more, without exponents."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def row(cell, summary, goal):
    _clear()
    if not summary:
        _write(f"  {cell.title:<26}no pair of samples\n")
        return
    interval = f"{summary['ci_low']:.2f}..{summary['ci_high']:.2f}" if "ci_low" in summary else ""
    _write(f"  {cell.title:<26}{number(summary['ours_median']):>10}{number(summary['c_median']):>10}  {cell.unit:<10}"
           f"{summary['ratio']:>6.2f}  {interval:<13}{goal if goal is not None else '':>5} "
           f"{verdict(summary['ratio'], goal, cell.lower)}\n")


COUNTS = (("invalidations", "IOTLB invalidations"), ("mmio_writes", "MMIO writes"), ("mmio_reads", "MMIO reads"),
          ("tdt", "transmit doorbells"), ("rdt", "receive doorbells"), ("interrupts", "interrupts"),
          ("descriptors", "descriptors, both ends"), ("instructions", "instructions"))


def count(title, ours, c):
    _write(f"  {title}\n")
    for key, text in COUNTS:
        if key in ours:
            ratio = f"{ours[key] / c[key]:.2f}" if c[key] else ""
            _write(f"    {text:<24}{number(ours[key]):>10}{number(c[key]):>10}  {'':<10}{ratio:>6}\n")


def times(title, ours, c, unit):
    ratio = f"{ours / c:.2f}" if c else ""
    _write(f"  {title:<26}{number(ours):>10}{number(c):>10}  {unit:<10}{ratio:>6}\n")


def copybreak(length, copied, lent):
    _write(f"  {length:>5} bytes{number(copied):>10}{number(lent):>10}{lent / copied:>8.2f}\n")


def problem(where, what):
    _clear()
    _write(f"  {where}: {str(what).strip()[:600]}\n")


def saved(path, partial, seconds=None):
    took = f" in {seconds / 60:.1f} min" if seconds is not None else ""
    _write(f"\n{'PARTIAL results' if partial else 'results'} in {path.relative_to(path.parents[2])}{took}\n")
