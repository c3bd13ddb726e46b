# SPDX-License-Identifier: GPL-2.0
"""The picture of a soak: memory, what the ledger says, the streams, and every change, over the time."""

from lab import charts

PYPLOT = charts.pyplot("soak")
"""Looked for at once: a run of hours must not find out at its end that there is none."""

ACCEPTED, REFUSED = "#4878a8", "#c03030"


def draw(report, folder, name):
    """Draws a report with two samples or more."""
    samples, minutes = report["samples"], [sample["seconds"] / 60 for sample in report["samples"]]
    kinds = sorted(report["changes"], reverse=True)
    figure, (kernel, mapped, blocks, changes) = PYPLOT.subplots(
        4, 1, sharex=True, layout="constrained", figsize=(9, 7 + 0.16 * len(kinds)), height_ratios=(1, 1, 1, 0.6 + 0.09 * len(kinds)))
    kernel.plot(minutes, [sample["kernel_kib"] / 1024 for sample in samples], color="#b0c4d8", lw=0.8, label="with streams")
    kernel.plot([one["seconds"] / 60 for one in report["accounts"]], [one["kernel_kib"] / 1024 for one in report["accounts"]],
                "o-", color=ACCEPTED, lw=1, ms=2.5, label="streams held")
    kernel.set_ylabel("kernel memory, MiB")
    for start, end, median in report.get("medians", ()):
        kernel.plot([start / 60, end / 60], [median / 1024] * 2, color="#208020", lw=2)
    for what, label, colour in (("bytes", "mapped", ACCEPTED), ("region_bytes", "of it handed out", "#208020")):
        mapped.step(minutes, [sample["ledger"][what] / (1 << 20) for sample in samples], where="post", color=colour, lw=1,
                    label=label)
    mapped.set_ylabel("mapped for DMA, MiB")
    for stream in samples[0]["blocks"]:
        rate = [(now["blocks"][stream] - before["blocks"][stream]) / (now["seconds"] - before["seconds"])
                for before, now in zip(samples, samples[1:])]
        blocks.plot(minutes[1:], rate, lw=0.8, label=stream)
    blocks.set_ylabel("checked blocks per s")
    for colour, wanted in ((ACCEPTED, True), (REFUSED, False)):
        points = [(at / 60, kinds.index(kind)) for at, kind, accepted in report["events"] if accepted == wanted]
        # Of a long run there are ten thousand: as a picture in the picture.
        changes.plot([x for x, _ in points], [y for _, y in points], "|", color=colour, ms=5, rasterized=True,
                     label="accepted" if wanted else "refused")
    changes.set_yticks(range(len(kinds)), kinds, fontsize=7)
    changes.set_ylabel("changes")
    changes.set_xlabel("minutes")
    for panel in (kernel, mapped, blocks, changes):
        panel.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=7, frameon=False, borderaxespad=0)
    for panel in (kernel, mapped, blocks):
        panel.grid(alpha=0.3)
    figure.suptitle(f"make soak SEED={report['seed']}: {len(report['events'])} changes, {report['result'][:60]}")
    charts.save(figure, folder, name)
    PYPLOT.close(figure)
