# SPDX-License-Identifier: GPL-2.0
"""Gives orders at random to a PF and its VFs. Runs in a guest, started by fuzz.administrator:

    fuzzer.py OPTIONS       # a JSON object: seed, round, seconds, functions, without, only, impossible,
                            # alone, limit

Each worker is a process with an order of commands of its own, which depends on the seed, the round and what the functions
said of themselves at the round's begin. A line of JSON says what a worker is about to do and what became of its last
command; it is written before the command begins. A command that takes longer than the limit ends everything.
With `alone` one worker goes through the kinds, without anything hostile, until each was carried out.
"""

import faulthandler
import fnmatch
import json
import multiprocessing
import os
import random
import signal
import sys
import time

import attributes
import functions
import links
import queues
import requests
from world import Refused, World

HOSTILE = 0.35
"""Share of commands that nobody should give."""


SLOW = "functions"
"""The worker whose commands take long: it goes first, or it would give three orders while the others give hundreds."""

TRIES = 30
"""A kind of command that is given alone must be carried out once in so many times."""


class Worker:
    """One process that gives orders."""

    def __init__(self, name, kinds, options, began):
        self.name = name
        self._kinds = kinds
        self._options = options
        self.took = 0
        """Seconds of the last command."""
        self._began = began
        """When the command that is under way began; 0 between two."""

    def run(self, world):
        """Gives orders until the time is over; each kind comes once, in any order, and then at random."""
        if self.name != SLOW:
            os.nice(10)
        rng = random.Random(f"{self._options['seed']}/{self._options['round']}/{self.name}")
        first = rng.sample(self._kinds, len(self._kinds))
        # What is known to be refused always is tried too, but not often.
        weights = [0.1 if kind.name in self._options["impossible"] else kind.weight for kind in self._kinds]
        end = time.monotonic() + self._options["seconds"]
        number, was = 0, None
        while time.monotonic() < end:
            fresh = number < len(first)
            kind = first[number] if fresh else rng.choices(self._kinds, weights)[0]
            # A generator of its own: how many numbers a command takes must not change the next.
            inner = random.Random(rng.getrandbits(64))
            steps = kind.make(inner, not fresh and inner.random() < HOSTILE)
            self.say(number=number, kind=kind.name, steps=steps, was=was)
            was = self.timed(world, steps)
            number += 1
        self.say(number=number, was=was)

    def run_alone(self, world):
        """Gives valid commands of each kind until one was carried out, or TRIES were not; then of the next."""
        number, was = 0, None
        for kind in self._kinds:
            rng = random.Random(f"{self._options['seed']}/{kind.name}")
            for _ in range(TRIES):
                steps = kind.make(rng, False)
                self.say(number=number, kind=kind.name, steps=steps, was=was)
                was = self.timed(world, steps)
                number += 1
                if not was:
                    break
        self.say(number=number, was=was)

    def timed(self, world, steps):
        """Carries out a command under the eyes of `watch`."""
        self._began.value = time.monotonic()
        was = self.carry_out(world, steps)
        self.took = round(time.monotonic() - self._began.value, 3)
        self._began.value = 0
        return was

    def carry_out(self, world, steps):
        """Why the command was not carried out; an empty text if it was."""
        try:
            for step in steps:
                if step[0] == "place":
                    place(world, step[1])
                else:
                    world.perform(step)
        except Refused as refusal:
            return str(refusal)
        return ""

    def say(self, **what):
        """Tells the host, in one piece: workers share the pipe."""
        line = json.dumps({"worker": self.name, "took": self.took, **what}, default=str)
        os.write(OUT, (shortened(line) + "\n").encode())


def shortened(line, longest=3800):
    """A line that a pipe takes in one piece: of a command as long as that, the beginning."""
    if len(line) <= longest:
        return line
    said = json.loads(line)
    text = json.dumps(said["steps"])
    return json.dumps({**said, "steps": text[:longest - 800] + f"... ({len(text)} characters)"})


def place(world, function):
    """Puts an interface that has just come into its namespace, as well as that goes."""
    address = world.functions[function]
    ip = {"pf": "10.82.0.1", "v0": "10.82.0.10", "v1": "10.82.0.11"}[function]
    world.run(["bash", "-c", functions.PLACE.format(function=function, address=address, ip=ip)])


def crew(world):
    """Workers by name, with their kinds of commands."""
    samples = requests.sample(world, "ethtool")
    ethtool = requests.kinds(world, "ethtool", samples)
    return {
        "ethtool": ethtool, "ethtool 2": ethtool, "netdev": requests.kinds(world, "netdev", samples),
        "devlink": requests.kinds(world, "devlink", samples), "links": links.links() + links.freely(world), "vfs": links.vfs(),
        "queues": queues.kinds(world), "attributes": attributes.kinds(world), "functions": functions.kinds(world),
    }


def chosen(crew, options):
    """The crew with only the kinds that are wanted."""
    def wanted(kind):
        return (any(fnmatch.fnmatch(kind.name, pattern) for pattern in options["only"] or ["*"])
                and not any(fnmatch.fnmatch(kind.name, pattern) for pattern in options["without"]))
    crew = {name: [kind for kind in kinds if wanted(kind)] for name, kinds in crew.items()}
    return {name: kinds for name, kinds in crew.items() if kinds}


def stacks(pid):
    """Where the threads of a process wait in the kernel. Where in Python they are they write where errors go."""
    text = ""
    os.kill(pid, signal.SIGUSR1)
    time.sleep(1)
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/stack") as file:
                text += file.read()
        except OSError:
            pass
    return text


def watch(processes, limit):
    """Waits for the workers; the name of one whose command takes too long, or None."""
    while any(process.is_alive() for process, _ in processes.values()):
        for name, (process, began) in processes.items():
            since = began.value
            if since and time.monotonic() - since > limit:
                return name
        time.sleep(0.2)
    return None


def main():
    options = json.loads(sys.argv[1])
    world = World(options["functions"])
    workers = chosen(crew(world), options)
    if options["alone"]:
        workers = {"alone": list({kind.name: kind for kinds in workers.values() for kind in kinds}.values())}
    os.write(OUT, (json.dumps({"kinds": sorted({kind.name for kinds in workers.values() for kind in kinds})}) + "\n").encode())
    world.forget_all()
    processes = {}
    for name, kinds in workers.items():
        began = multiprocessing.Value("d", 0, lock=False)
        worker = Worker(name, kinds, options, began)
        run = worker.run_alone if options["alone"] else worker.run
        process = multiprocessing.get_context("fork").Process(target=run, args=[world], name=name)
        process.start()
        processes[name] = process, began
    late = watch(processes, options["limit"])
    if late:
        where = stacks(processes[late][0].pid)
        with open("/proc/sysrq-trigger", "w") as file:
            file.write("w")
        os.write(OUT, (json.dumps({"hang": late, "stack": where[:3000]}) + "\n").encode())
        # Those that hang cannot be ended.
        for process, _ in processes.values():
            process.kill()
        os._exit(2)
    failed = [name for name, (process, _) in processes.items() if process.exitcode]
    if failed:
        os.write(OUT, (json.dumps({"died": failed, "codes": [processes[name][0].exitcode for name in failed]}) + "\n").encode())
        os._exit(3)


# The pipe to the host; what YNL and others print goes where errors go.
OUT = os.dup(1)
os.dup2(2, 1)
faulthandler.register(signal.SIGUSR1)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
main()
