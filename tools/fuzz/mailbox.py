# SPDX-License-Identifier: GPL-2.0
"""Fuzzes igb_common's mailbox decoder and VF policy with libFuzzer. Runs in the lab's root:

    tools/lab/enter python3 -m fuzz.mailbox --seconds 600
    tools/lab/enter python3 -m fuzz.mailbox --replay build/fuzz/crash-...
    tools/lab/enter python3 -m fuzz.mailbox --seconds 600 --keep      # what was found joins corpus.txt

The corpus is tools/fuzz/host/corpus.txt, one input per line in hexadecimal. A run begins with it and with what
earlier runs in this tree found (build/fuzz/corpus).
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
HOST = REPO / "tools/fuzz/host"
CORPUS = HOST / "corpus.txt"
OUT = REPO / "build/fuzz"
FUZZER = OUT / "mailbox"

LONGEST = 160
"""Bytes of the longest input: a dozen messages. Longer ones find nothing more and cost time."""

KEPT = 400
"""Most inputs in corpus.txt."""


def build():
    """Builds the fuzzer."""
    result = subprocess.run([HOST / "build"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise RuntimeError(f"the fuzzer was not built:\n{result.stdout}")


def unpack(folder):
    """Writes the inputs of corpus.txt into `folder`, a file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for line in CORPUS.read_text().splitlines():
        if line and not line.startswith("#"):
            data = bytes.fromhex(line)
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def fuzz(seed, runs=0, seconds=0, jobs=None, longest=LONGEST):
    """Runs the fuzzer, a process per CPU, until there were `runs` inputs or `seconds` have passed.

    Returns how many inputs there were. Raises RuntimeError, with the input's file in the text, when something does
    not hold.
    """
    jobs = jobs or os.cpu_count()
    corpus = OUT / "corpus"
    unpack(corpus)
    command = [FUZZER, f"-max_len={longest}", "-timeout=20", "-print_final_stats=1", f"-artifact_prefix={OUT}/"]
    command += [f"-runs={-(-runs // jobs)}"] if runs else []
    command += [f"-max_total_time={seconds}"] if seconds else []
    started = [subprocess.Popen([*command, f"-seed={seed + job}", corpus], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, errors="replace") for job in range(jobs)]
    total = 0
    failed = ""
    for process in started:
        out = process.communicate()[0]
        total += sum(map(int, re.findall(r"number_of_executed_units: (\d+)", out)))
        if process.returncode:
            lines = [line for line in out.splitlines() if not re.match(r"#\d+\s|\"", line)]
            failed += "\n".join(lines[-40:]) + "\n"
    if failed:
        raise RuntimeError(f"seed {seed}:\n{failed}")
    return total


def keep():
    """Puts the smallest inputs that together reach all that was reached into corpus.txt."""
    small = OUT / "small"
    subprocess.run(["rm", "-rf", small], check=True)
    small.mkdir()
    subprocess.run([FUZZER, "-merge=1", f"-max_len={LONGEST}", small, OUT / "corpus"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # libFuzzer merges small inputs first, so that those it takes later add little.
    inputs = sorted((path.read_bytes() for path in small.iterdir()), key=lambda data: (len(data), data))
    head = ["# SPDX-License-Identifier: GPL-2.0", "# Inputs of the mailbox fuzzer; made by `python3 -m fuzz.mailbox --keep`."]
    step = max(1, -(-len(inputs) // KEPT))
    CORPUS.write_text("\n".join(head + [data.hex() for data in inputs[::step]]) + "\n")


def main():
    parser = argparse.ArgumentParser(description="Fuzz the mailbox decoder and the PF's policy for its VFs.")
    parser.add_argument("--seconds", type=int, default=0, help="how long")
    parser.add_argument("--runs", type=int, default=0, help="how many inputs")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "little") + 1)
    parser.add_argument("--keep", action="store_true", help="afterwards, put what was found into the corpus of the tree")
    parser.add_argument("--replay", metavar="FILE", help="run one input")
    args = parser.parse_args()
    build()
    if args.replay:
        return subprocess.run([FUZZER, args.replay]).returncode
    print(f"mailbox fuzzer: seed {args.seed}", flush=True)
    try:
        total = fuzz(args.seed, args.runs, args.seconds or (0 if args.runs else 60))
    except RuntimeError as error:
        print(error)
        return 1
    print(f"mailbox fuzzer: {total} inputs, nothing found")
    if args.keep:
        keep()
    return 0


if __name__ == "__main__":
    sys.exit(main())
