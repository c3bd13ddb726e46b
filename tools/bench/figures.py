# SPDX-License-Identifier: GPL-2.0
"""Medians, spreads and confidence intervals, without assumptions about the distribution."""

import math
import statistics


def interval(values, confidence=0.95):
    """A confidence interval of the median from order statistics: (low, high, its real confidence).

    Of n values the k-th smallest and k-th largest enclose the median unless fewer than k lie on one side of it,
    which has the probability of a coin tossed n times. None with fewer than two values; with too few for `confidence`
    the widest there is, whose real confidence says so.
    """
    ordered = sorted(values)
    n = len(ordered)
    if n < 2:
        return None
    best = None
    for k in range(1, n // 2 + 1):
        covered = 1 - 2 * sum(math.comb(n, i) for i in range(k)) / 2 ** n
        if best is None or covered >= confidence:
            best = (ordered[k - 1], ordered[n - k], round(covered, 4))
    return best


def summary(ours, c):
    """What pairs of samples say about ours / C; None without a whole pair."""
    ratios = [a / b for a, b in zip(ours, c) if b > 0]
    if not ratios:
        return None
    result = {"pairs": len(ratios), "ours_median": statistics.median(ours), "c_median": statistics.median(c),
              "ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios)}
    if found := interval(ratios):
        result["ci_low"], result["ci_high"], result["ci_confidence"] = found
    if len(ratios) >= 4:
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        result["ratio_iqr"] = high - low
    return result


def verdict(ratio, goal, lower):
    """"met", "missed", or "" where there is no goal."""
    if goal is None:
        return ""
    return "met" if (ratio <= goal if lower else ratio >= goal) else "missed"
