# SPDX-License-Identifier: GPL-2.0
"""What was measured as Markdown, for the README: build/bench/table.md."""

from .counts import median, per_packet
from .results import FOLDER, MODES
from .show import number

COUNTS = (("invalidations", "IOTLB invalidations"), ("mmio", "register accesses"), ("interrupts", "interrupts"),
          ("instructions", "instructions"))


def write(data):
    """Writes the tables of the results."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "table.md").write_text("\n\n".join(filter(None, (ratios(data), counts(data)))) + "\n")


def _table(head, rows):
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = [head, ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]], *rows]
    return "\n".join("| " + " | ".join(cell.ljust(width) if n == 0 else cell.rjust(width)
                                       for n, (cell, width) in enumerate(zip(line, widths))) + " |" for line in lines)


def _ratio(cell):
    summary = (cell or {}).get("summary")
    if not summary:
        return ""
    text = f"{summary['ratio']:.2f}"
    if cell.get("verdict") == "missed":
        text = f"**{text}**"
    return f"{text} ({summary['ci_low']:.2f} - {summary['ci_high']:.2f})" if "ci_low" in summary else text


def ratios(data):
    """Ratios ours / C with intervals, a column per IOMMU mode; what misses its goal is bold."""
    modes = [mode for mode in MODES if data["modes"].get(mode)]
    if not modes:
        return ""
    titles = {key: cell["title"] + (", time" if cell["lower_is_better"] else "")
              for mode in modes for key, cell in data["modes"][mode].items()}
    headline = data.get("headline", {})
    head = ["ours / C", *modes, *(["ours strict / C passthrough"] if headline else [])]
    return _table(head, [[title, *(_ratio(data["modes"][mode].get(key)) for mode in modes),
                          *([f"{headline[key]:.2f}" if key in headline else ""] if headline else [])]
                         for key, title in titles.items()])


def counts(data):
    """Counts per packet, ours / C, medians of the runs."""
    rows = []
    for title, runs in data["counts"].items():
        sides = [median([per_packet(run["packets"], run) for run in found]) for found in runs.values()]
        rows.append([title, *(" / ".join(number(figures[key]) for figures in sides) for key, _ in COUNTS)])
    return _table(["ours / C", *(text for _, text in COUNTS)], rows) if rows else ""
