# SPDX-License-Identifier: GPL-2.0
"""build/bench/results.json: every sample, on what, and what it comes to. Written after each cell, whole or not at all."""

import datetime
import json
import os
import re
from pathlib import Path

from lab import paths

from .cells import CELLS
from .figures import summary, verdict

FOLDER = paths.BUILD / "bench"
MODES = ("strict", "lazy", "passthrough", "none")
"""What is measured unless others are asked for, and shown."""


def modules():
    """The modules that are measured."""
    return [paths.BUILD / "igb_rs.ko", paths.BUILD / "igbvf_rs.ko"]


def _cpu():
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else "unknown"


class Results:
    """What was measured so far."""

    def __init__(self, args):
        self.path = FOLDER / "results.json"
        self.data = {
            "partial": True,
            "problems": [],
            "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": args.commit,
            "quick": args.quick,
            "pairs": args.pairs,
            "seconds": args.seconds,
            "machine": {"cpu": _cpu(), "cpus": os.cpu_count(), "load": [os.getloadavg()[0]]},
            "modes": {},
            "counts": {},
            "scale": {},
            "times": {},
            "ko_bytes": {module.name: module.stat().st_size for module in modules()},
        }

    def note_guest(self, vm):
        version = vm.qmp("query-version")["qemu"]
        self.data["guest"] = {"kernel": vm.kernel.release, "accel": vm.accel,
                              "qemu": "{major}.{minor}.{micro}".format(**version)}

    def failure(self, where, text):
        self.data["problems"].append({"where": where, "what": text})
        self.save()

    def cell(self, mode, cell, ours, c):
        self.data["modes"].setdefault(mode, {})[cell.key] = {
            "title": cell.title, "unit": cell.unit, "lower_is_better": cell.lower, "goal": cell.goal(mode),
            "ours": ours, "c": c, "summary": summary(ours, c)}
        self.data["machine"]["load"].append(os.getloadavg()[0])
        self.save()

    def summary(self, mode, cell):
        return self.data["modes"][mode][cell.key]["summary"]

    def count(self, title, runs):
        self.data["counts"][title] = runs
        self.save()

    def scale(self, found):
        self.data["scale"] = found
        self.save()

    def times(self, found):
        self.data["times"] = found
        self.save()

    def copybreak(self, found):
        self.data["copybreak"] = found
        self.save()

    def finish(self):
        self.data["ended"] = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        self.data["headline"] = headline(self.data["modes"])
        self.data["partial"] = bool(self.data["problems"])
        for mode, cells in self.data["modes"].items():
            for key, cell in cells.items():
                if cell["summary"]:
                    cell["verdict"] = verdict(cell["summary"]["ratio"], cell["goal"], cell["lower_is_better"])
        self.save()

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.data, indent=1) + "\n")
        part.rename(self.path)


def headline(modes):
    """Ours in strict mode against C in passthrough, per cell measured in both: ratio of the medians."""
    found = {}
    for cell in CELLS:
        strict = modes.get("strict", {}).get(cell.key, {}).get("summary")
        through = modes.get("passthrough", {}).get(cell.key, {}).get("summary")
        if strict and through:
            found[cell.key] = strict["ours_median"] / through["c_median"]
    return found
