# SPDX-License-Identifier: GPL-2.0
"""Many functions at once: what all of them move together, and one of them alone beside all others."""

import json
import statistics

from .cells import SampleFailed
from .rig import LIMIT, SIDES, Rig

VFS = 7

ALL_OUT = [("A", "B"), *((f"V{vf}", "B") for vf in range(VFS))]
BOTH_PORTS = [("A", "B"), ("B", "A"), *((f"V{vf}", f"W{vf}") for vf in range(VFS)),
              *((f"W{vf}", f"V{vf}") for vf in range(VFS))]
FLOWS = (
    # key, title, (sender, receiver) of each TCP stream
    ("pf", "PF alone", ALL_OUT[:1]),
    ("vf", "one VF alone", ALL_OUT[1:2]),
    ("all", "PF and 7 VFs", ALL_OUT),
    ("both", "2 PFs, 7 VFs each", BOTH_PORTS),
)

# Runs in the guest: servers first, then all clients at the same time; prints what arrived, in bit/s, for each.
RUN = """
import json, subprocess, sys
flows, seconds = json.loads(sys.argv[1]), sys.argv[2]
servers = []
for sender, receiver, address, port in flows:
    server = subprocess.Popen(["ip", "netns", "exec", receiver, "iperf3", "-s", "-1", "-p", str(port), "--forceflush"],
                              stdout=subprocess.PIPE, text=True)
    servers.append(server)
    while "listening" not in (line := server.stdout.readline()):
        if not line:
            sys.exit(f"no iperf3 server in {receiver}")
clients = [subprocess.Popen(["ip", "netns", "exec", sender, "iperf3", "-J", "-i", "0", "--connect-timeout", "20000",
                             "-t", seconds, "-p", str(port), "-c", address], stdout=subprocess.PIPE, text=True)
           for sender, receiver, address, port in flows]
rates = []
for (sender, *_), client in zip(flows, clients):
    said = json.loads(client.communicate()[0])
    if "sum_received" not in said.get("end", {}):
        sys.exit(f"iperf3 in {sender}: {said.get('error')}")
    rates.append(said["end"]["sum_received"]["bits_per_second"])
for server in servers:
    server.kill()
print(json.dumps(rates))
"""


def together(rig, side, flows, seconds):
    """Mbit/s of each of some TCP streams that flow at the same time."""
    plan = [(side.ns(sender), side.ns(receiver), side.address(receiver), 5400 + n)
            for n, (sender, receiver) in enumerate(flows)]
    result = rig.vm.run(["python3", "-I", "-S", "/run/lab/together.py", json.dumps(plan), str(max(1, round(seconds)))],
                        timeout=LIMIT)
    if not result.ok:
        raise SampleFailed((result.stderr or result.stdout).strip()[-300:])
    return [rate / 1e6 for rate in json.loads(result.stdout.splitlines()[-1])]


def measure_scale(rounds, seconds, row):
    """{side: {flows: samples}}, a sample being the rate of every stream; `row` shows (title, ours, C, unit)."""
    found = {side.name: {key: [] for key, _, _ in FLOWS} for side in SIDES}
    with Rig("strict", name="bench-scale") as rig:
        rig.vm.put("/run/lab/together.py", RUN.encode())
        rig.enable_vfs(VFS, both=True)
        rig.introduce()
        for key, title, flows in FLOWS:
            for nth in range(rounds + 1):
                for side in SIDES:
                    rates = together(rig, side, flows, seconds)
                    # Once to warm up.
                    if nth:
                        found[side.name][key].append(rates)
            row(title, *(statistics.median(map(sum, found[side.name][key])) for side in SIDES), "Mbit/s")
        rig.vm.assert_clean()
    return found
