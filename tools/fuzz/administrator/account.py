# SPDX-License-Identifier: GPL-2.0
"""What the workers in the guest say: kept, counted, and the end of it printed when something went wrong."""

import collections
import json


class Account:
    """Successes of each kind of command, and the last commands of each worker."""

    LAST = 12

    def __init__(self, log):
        self.tried = collections.Counter()
        self.done = collections.Counter()
        self.reasons = collections.defaultdict(collections.Counter)
        self.kinds = set()
        """All kinds that there are."""
        self.ended = None
        """What the fuzzer said when it had to end itself."""
        self._last = collections.defaultdict(lambda: collections.deque(maxlen=self.LAST))
        self._under_way = {}
        self._log = log
        self._rest = ""

    def begin(self, title):
        """A new run of the fuzzer begins: what was under way is over."""
        self._log.write(f"# {title}\n")
        self._last.clear()
        self._under_way.clear()
        self._rest, self.ended = "", None

    def take(self, stream, text):
        """Takes a piece of output of the fuzzer."""
        self._log.write(text)
        self._log.flush()
        if stream != "stdout":
            return
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, said):
        if "kinds" in said:
            self.kinds.update(said["kinds"])
            return
        if "worker" not in said:
            self.ended = said
            return
        worker = said["worker"]
        if worker in self._under_way:
            kind = self._under_way.pop(worker)
            self.tried[kind] += 1
            if said["was"] == "":
                self.done[kind] += 1
            else:
                self.reasons[kind][said["was"]] += 1
            self._last[worker][-1]["was"] = f"{said['was'] or 'done'}, {said['took']} s"
        if "kind" in said:
            self._under_way[worker] = said["kind"]
            self._last[worker].append({**said, "was": "under way"})

    def never(self):
        """Kinds of commands that were never carried out."""
        return sorted(kind for kind in self.kinds if not self.done[kind])

    def last(self):
        """The last commands of each worker, as text."""
        return "\n".join(f"  {worker} {said['number']}: {said['kind']}: {json.dumps(said['steps'])}: {said['was']}"
                         for worker, lines in sorted(self._last.items()) for said in lines)

    def table(self):
        """How often each kind was carried out and tried, and the most frequent reason why it was not."""
        lines = []
        for kind in sorted(self.kinds):
            why = self.reasons[kind].most_common(1)
            lines.append(f"{self.done[kind]:6} of {self.tried[kind]:6}  {kind}{': ' + why[0][0][:100] if why else ''}")
        return "\n".join(lines)
