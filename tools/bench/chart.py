# SPDX-License-Identifier: GPL-2.0
"""The chart: ratio ours / C of every cell, one panel per IOMMU mode, with interval and goal."""

from lab import charts

from .results import FOLDER, MODES


def draw(data, problem):
    """Draws build/bench/chart.svg and .png from the results; False, and told, if that cannot be done."""
    modes = [mode for mode in MODES if any(cell["summary"] for cell in data["modes"].get(mode, {}).values())]
    if not modes:
        return True
    try:
        pyplot = charts.pyplot("bench")
    except ImportError:
        problem("chart", "no matplotlib: run this by `make bench`, which installs it")
        return False
    keys = [key for key in dict.fromkeys(key for mode in modes for key in data["modes"][mode])
            if any(data["modes"][mode].get(key, {}).get("summary") for mode in modes)]
    figure, panels = pyplot.subplots(1, len(modes), sharey=True, squeeze=False, layout="constrained",
                                     figsize=(3.2 + 2.2 * len(modes), 1.2 + 0.26 * len(keys)))
    for mode, panel in zip(modes, panels[0]):
        _panel(panel, data["modes"][mode], keys)
        panel.set_title(f"IOMMU {mode}" if mode != "none" else "no IOMMU")
        panel.set_xlabel("ours / C, as often better")
    titles = [next(data["modes"][mode][key]["title"] for mode in modes if key in data["modes"][mode]) for key in keys]
    panels[0][0].set_yticks(range(len(keys)), titles)
    panels[0][0].invert_yaxis()
    guest = data.get("guest", {})
    figure.suptitle(f"igb_rs, igbvf_rs against igb, igbvf\nLinux {guest.get('kernel', '?')}, QEMU {guest.get('qemu', '?')} "
                    f"({guest.get('accel', '?')}), {data['started'][:10]}"
                    + (", PARTIAL" if data["partial"] else ""), fontsize=10)
    charts.save(figure, FOLDER, "chart")
    pyplot.close(figure)
    return True


def _panel(panel, cells, keys):
    for row, key in enumerate(keys):
        cell = cells.get(key)
        if not cell or not cell["summary"]:
            continue
        summary, lower = cell["summary"], cell["lower_is_better"]
        # A time is turned over, so that to the right is always better.
        better = (lambda value: 1 / value) if lower else (lambda value: value)
        ratio = better(summary["ratio"])
        panel.barh(row, ratio, height=0.7, color="#4878a8" if ratio >= 1 else "#c87137")
        if "ci_low" in summary:
            panel.plot([better(summary["ci_low"]), better(summary["ci_high"])], [row, row], color="black", lw=1.2)
        if cell["goal"] is not None:
            panel.plot([better(cell["goal"])] * 2, [row - 0.4, row + 0.4], color="#208020", lw=1.8)
        panel.text(0.03, row, f"{ratio:.2f}", va="center", color="white", fontsize=8)
    panel.axvline(1, color="grey", lw=0.8)
    panel.set_xlim(left=0)
