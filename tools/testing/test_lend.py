# SPDX-License-Identifier: GPL-2.0
"""Pages lent to the stack: what was received stays what it was, whatever happens to the queue meanwhile."""

import re

import pytest

import ports
from ports import LIMIT, address, run_all, statistics, within
from test_modes import iommu_file
from test_traffic import COPY, summed

HOLD = """
import hashlib, os, select, socket, sys
side, host = sys.argv[1:]
def pattern():
    for n in range(1 << 20):
        yield hashlib.shake_128(n.to_bytes(4, "big")).digest(1 << 12)
if side == "send":
    with socket.create_connection((host, 7002)) as peer:
        for part in pattern():
            peer.sendall(part)
server = socket.create_server((host, 7002))
server.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
print("ready", flush=True)
peer, _ = server.accept()
peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 << 20)
select.select([peer], [], [])
print("held", flush=True)
open("/run/go").read()
peer.setblocking(False)
got = bytearray()
try:
    while data := peer.recv(1 << 20):
        got += data
except BlockingIOError:
    pass
right = bytearray()
for part in pattern():
    if len(right) >= len(got):
        break
    right += part
print("good" if len(got) >= 1 << 20 and got == right[:len(got)] else "bad", len(got))
"""


TRICKLE = """
import os, socket, sys
side, host = sys.argv[1:]
if side == "send":
    words = os.open("/run/words", os.O_RDWR)
    left, read = (socket.create_connection((host, port)) for port in (7003, 7004))
    for peer in (left, read):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while os.read(words, 1):
        for _ in range(40):
            left.sendall(bytes(1000))
            read.sendall(bytes(15000))
servers = [socket.create_server((host, port)) for port in (7003, 7004)]
servers[0].setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
print("ready", flush=True)
left, read = (server.accept()[0] for server in servers)
while read.recv(1 << 16):
    pass
"""
"""Sends on two connections in turns, when told to. One of them is read."""


def lent(vm):
    return summed(statistics(vm, "pf"), "rx", "_lent")


def arrives(vm):
    """8 MiB to the PF, which must be what was sent."""
    receiver = vm.start(within("pf", f"python3 /run/copy.py receive {address('pf')}"))
    receiver.wait_for("ready", timeout=LIMIT)
    sent = vm.check(within("w", f"python3 /run/copy.py send {address('pf')}"), timeout=LIMIT)
    assert receiver.wait(LIMIT).stdout.split()[-1] == sent


@pytest.mark.parametrize("mtu", [1500, 9000])
def test_copybreak(guest, mtu):
    """Longer packets than the copybreak are lent, shorter ones are not; the data is right either way."""
    vm = guest()
    ports.start(vm)
    vm.put("/run/copy.py", COPY)
    run_all(vm, *(f"ip -n {name} link set {name} mtu {mtu}" for name in ("pf", "w")))
    assert re.search(r"rx-copybreak: 256$", vm.check(within("pf", "ethtool --get-tunable pf rx-copybreak")).strip())
    for setting, some in ((256, True), (mtu + 14, False), (0, True), ((1 << 32) - 1, False)):
        vm.check(within("pf", f"ethtool --set-tunable pf rx-copybreak {setting}"))
        assert str(setting) in vm.check(within("pf", "ethtool --get-tunable pf rx-copybreak"))
        before = lent(vm)
        arrives(vm)
        assert (lent(vm) - before > 100) if some else (lent(vm) == before)
    for wrong in ("rx-copybreak -1", "rx-copybreak 4294967296", "tx-copybreak 100"):
        assert not vm.run(within("pf", f"ethtool --set-tunable pf {wrong}")).ok
    assert "4294967295" in vm.check(within("pf", "ethtool --get-tunable pf rx-copybreak"))


def test_held(guest):
    """Nobody reads: pages stay away. Queues go on, are exchanged, and the driver goes; then it is read."""
    vm = guest()
    ports.start(vm)
    vm.put("/run/copy.py", COPY)
    vm.put("/run/hold.py", HOLD)
    vm.check("mkfifo /run/go")
    before = lent(vm)
    receiver = vm.start(within("pf", f"python3 /run/hold.py receive {address('pf')}"))
    receiver.wait_for("ready", timeout=LIMIT)
    vm.start(within("w", f"python3 /run/hold.py send {address('pf')}"))
    receiver.wait_for("held", timeout=LIMIT)
    assert lent(vm) - before > 100
    # Whatever is away, packets come in.
    arrives(vm)
    for size in (512, 64, 256):
        vm.check(within("pf", f"ethtool -G pf rx {size}"), timeout=LIMIT)
        arrives(vm)
    vm.check("rmmod igb_rs", timeout=LIMIT)
    vm.check("echo >/run/go")
    assert receiver.wait(LIMIT).stdout.split()[-2] == "good"


def test_held_again_and_again(guest):
    """A connection that nobody reads holds pages of each queue there was, here and there. What is free between them is used
    again: not much more is mapped with each new queue."""
    vm = guest()
    ports.start(vm)
    vm.put("/run/trickle.py", TRICKLE)
    vm.check("mkfifo /run/words")
    receiver = vm.start(within("pf", f"python3 /run/trickle.py receive {address('pf')}"))
    receiver.wait_for("ready", timeout=LIMIT)
    sender = vm.start(within("w", f"python3 /run/trickle.py send {address('pf')}"))
    mapped = lambda: int(iommu_file(vm, ports.BDF["pf"])[0]["bytes"])
    sizes = []
    for size in 8 * (512, 256):
        before = lent(vm)
        vm.check("echo -n . >/run/words")
        vm.wait_until(f"[ $(ip netns exec pf ethtool -S pf | awk '/rx_queue_._lent:/ {{ n += $2 }} END {{ print n }}') -gt {before + 10} ]",
                      timeout=LIMIT)
        run_all(vm, within("pf", f"ethtool -G pf rx {size}"), ports.until(ports.carrier("pf")), ports.pings("pf", "w", 5))
        sizes.append(mapped())
    # The first two bring each size, beside the one before. 2.5 MiB are held if each segment has a page of its own.
    assert sizes[-1] <= sizes[1] + (6 << 20), sizes
    receiver.stop()
    sender.stop()
