# SPDX-License-Identifier: GPL-2.0
"""Packets of the PF: all kinds, all sizes, with and without what the hardware does for them."""

import pytest

import ports
from netns import ip
from ports import LIMIT, address, interface, moved, pings, run_all, silent, statistics, within


def summed(counters, queue, what):
    """A per-queue counter over all queues: `summed(c, "tx", "tso_packets")`."""
    return sum(value for key, value in counters.items() if key.startswith(f"{queue}_queue_") and key.endswith(what))


def test_all_sizes(guest):
    """Every size around the limits of buffers and descriptors, by both protocols, fragmented ones too."""
    vm = guest()
    ports.start(vm)
    commands = []
    for v6 in (False, True):
        for size in (0, 1, 17, 18, 19, 100, 1400, 1452, 1472, 1473, 2000, 4000, 16000, 65507 if not v6 else 65000):
            commands.append(pings("pf", "w", count=5, size=size, v6=v6))
            commands.append(pings("w", "pf", count=5, size=size, v6=v6))
    run_all(vm, *commands)


SHORT = """
import socket, sys
side, host = sys.argv[1:]
sizes = range(1, 24)
handle = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if side == "receive":
    handle.bind((host, 7002))
    print("ready", flush=True)
    missing = set(sizes)
    while missing:
        missing.discard(len(handle.recv(2048)))
    print("all")
else:
    for _ in range(10):
        for size in sizes:
            handle.sendto(bytes(range(size, 2 * size)), (host, 7002))
"""


def test_short_datagrams(guest):
    """What is padded to the shortest frame has the checksum of what was sent."""
    vm = guest()
    ports.start(vm)
    vm.put("/run/short.py", SHORT)
    receiver = vm.start(within("w", f"python3 /run/short.py receive {address('w')}"))
    receiver.wait_for("ready", timeout=LIMIT)
    before = statistics(vm, "pf")
    vm.check(within("pf", f"python3 /run/short.py send {address('w')}"), timeout=LIMIT)
    assert receiver.wait(LIMIT).stdout.split()[-1] == "all"
    assert summed(statistics(vm, "pf"), "tx", "csum_offload") - summed(before, "tx", "csum_offload") >= 230


@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
def test_tcp_udp(guest, v6):
    vm = guest()
    ports.start(vm)
    ports.stream(vm, "pf", "w", v6=v6)
    ports.stream(vm, "pf", "w", v6=v6, more="-R")
    ports.stream(vm, "pf", "w", v6=v6, more="-P 4 --bidir", mebibytes=8)
    for more in ("", "-R"):
        result = ports.stream(vm, "pf", "w", v6=v6, mebibytes=2, more=f"-u -b 10M -l 1400 {more}")
        assert result["sum"]["packets"] >= (2 << 20) // 1400
        # A busy machine is late at the socket, which overflows.
        assert result["sum"]["lost_percent"] < 50


COPY = """
import hashlib, os, socket, sys
side, host = sys.argv[1:]
if side == "receive":
    server = socket.create_server((host, 7001))
    print("ready", flush=True)
    peer, _ = server.accept()
    mark = hashlib.sha256()
    while data := peer.recv(1 << 16):
        mark.update(data)
    print(mark.hexdigest())
else:
    data = os.urandom(8 << 20)
    with socket.create_connection((host, 7001)) as peer:
        peer.sendall(data)
    print(hashlib.sha256(data).hexdigest())
"""


@pytest.mark.parametrize("offloads", ["on", "off"])
def test_integrity(guest, offloads):
    """What arrives is what was sent, whoever computes checksums and cuts segments."""
    vm = guest()
    ports.start(vm)
    vm.put("/run/copy.py", COPY)
    vm.check(within("pf", f"ethtool -K pf rx {offloads} tx {offloads} sg {offloads} tso {offloads} gso {offloads} gro {offloads}"))
    for source, target in (("pf", "w"), ("w", "pf")):
        receiver = vm.start(within(target, f"python3 /run/copy.py receive {address(target)}"))
        receiver.wait_for("ready", timeout=LIMIT)
        sent = vm.check(within(source, f"python3 /run/copy.py send {address(target)}"), timeout=LIMIT)
        assert receiver.wait(LIMIT).stdout.split()[-1] == sent


def test_checksum_offload(guest):
    """The device computes and verifies checksums when told to, and does not when not."""
    vm = guest()
    ports.start(vm)
    for setting in ("on", "off"):
        vm.check(within("pf", f"ethtool -K pf tx {setting} rx {setting} tso off"))
        before = statistics(vm, "pf")
        ports.stream(vm, "pf", "w")
        ports.stream(vm, "w", "pf")
        after = statistics(vm, "pf")
        computed = summed(after, "tx", "csum_offload") - summed(before, "tx", "csum_offload")
        verified = summed(after, "rx", "csum_good") - summed(before, "rx", "csum_good")
        if setting == "on":
            assert computed > 700 and verified > 700
        else:
            assert (computed, verified) == (0, 0)


BAD_CHECKSUM = """
import socket, struct, sys
device, mac, source, target, good = sys.argv[1:]
handle = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
handle.bind((device, 0))
own = handle.getsockname()[4]
def fold(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
source, target = socket.inet_aton(source), socket.inet_aton(target)
body = 16 * b"checksum"
udp = struct.pack(">HHHH", 9, 9, 8 + len(body), 0) + body
right = fold(source + target + struct.pack(">HH", 17, len(udp)) + udp)
udp = udp[:6] + struct.pack(">H", right if good == "good" else right ^ 0x0101) + udp[8:]
ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, source, target)
ip = ip[:10] + struct.pack(">H", fold(ip)) + ip[12:]
frame = bytes.fromhex(mac.replace(":", "")) + own + b"\\x08\\0" + ip + udp
for _ in range(10):
    handle.send(frame.ljust(60, b"\\0"))
"""


def test_bad_checksum_noticed(guest):
    """A packet with a wrong checksum is counted by the device's verdict and not delivered."""
    vm = guest()
    ports.start(vm)
    vm.put("/run/bad.py", BAD_CHECKSUM)
    run_all(vm, pings("w", "pf", count=2))
    for kind in ("good", "bad"):
        before = statistics(vm, "pf")
        vm.check(within("w", f"python3 /run/bad.py w {vm.macs[0]} {address('w')} {address('pf')} {kind}"))
        ports.run_all(vm, pings("w", "pf", count=2))
        after = statistics(vm, "pf")
        assert summed(after, "rx", f"csum_{kind}") - summed(before, "rx", f"csum_{kind}") == 10
    errors = vm.check(within("pf", "sh -c \"awk '/^Udp:/ && \\$2 ~ /[0-9]/ { print \\$8 }' /proc/net/snmp\""))
    assert int(errors) == 10


@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
def test_tso(guest, v6):
    """Segments are cut by the device when told to, and by the stack when not. Both count as what arrives."""
    vm = guest()
    ports.start(vm)
    name = "tx-tcp6-segmentation" if v6 else "tx-tcp-segmentation"
    for setting in ("on", "off"):
        vm.check(within("pf", f"ethtool -K pf {name} {setting}"))
        before, arrived = statistics(vm, "pf"), statistics(vm, "w")
        ports.stream(vm, "pf", "w", v6=v6)
        delta, arrived = moved(statistics(vm, "pf"), before), moved(statistics(vm, "w"), arrived)
        cut = summed(delta, "tx", "tso_packets")
        assert (cut > 50) if setting == "on" else (cut == 0)
        # As many packets on the wire either way (QEMU's own counter has uncut ones).
        packets, size, received = (sum(counters.get(f"{way}_queue_{queue}_{what}", 0) for queue in range(2)) for counters, way, what
                                   in ((delta, "tx", "packets"), (delta, "tx", "bytes"), (arrived, "rx", "bytes")))
        assert packets > 2800
        assert abs(size - received) < 5000


def test_vlan(guest):
    """VLAN interfaces of both ends reach each other, with tags handled by the device or by the stack."""
    vm = guest()
    ports.start(vm)
    commands = []
    for name in ("pf", "w"):
        for vid in (5, 100):
            commands.append(ip(f"link add link {name} name vlan{vid} type vlan id {vid}",
                               *ports.address_lines(name, f"vlan{vid}", vid), f"link set vlan{vid} up", name=name))
    run_all(vm, *commands)
    for setting in ("on", "off", "on"):
        vm.check(within("pf", f"ethtool -K pf rxvlan {setting} txvlan {setting}"))
        run_all(vm, *(pings(source, target, count=5, network=vid, size=size)
                      for vid in (5, 100) for size in (56, 1472, 4000) for source, target in (("pf", "w"), ("w", "pf"))))
        shown = vm.check(within("pf", "ethtool -k pf"))
        assert f"rx-vlan-offload: {setting}" in shown and f"tx-vlan-offload: {setting}" in shown
    ports.stream(vm, "pf", "w", network=5)
    # The device lets only the VLANs in that somebody is in.
    macs = vm.macs[0]
    seen = ports.frames(vm, "", f"{macs},vlan=5", f"{macs},vlan=6", f"{macs},vlan=100", macs)
    assert seen == [f"{macs} 60 5", f"{macs} 60 100", f"{macs} 60"]
    vm.check("ip -n pf link del vlan5")
    assert ports.frames(vm, "", f"{macs},vlan=5", f"{macs},vlan=100") == [f"{macs} 60 100"]


@pytest.mark.parametrize("mtu", [9000, 9216])
def test_jumbo(guest, mtu):
    vm = guest()
    ports.start(vm)
    run_all(vm, f"ip -n pf link set pf mtu {mtu}", f"ip -n w link set w mtu {mtu}")
    sizes = (1472, 1473, 2020, 2048, 4068, 8000, mtu - 28)
    run_all(vm, *(pings(source, target, count=3, size=size, more="-M do") for size in sizes
                  for source, target in (("pf", "w"), ("w", "pf"))))
    run_all(vm, pings("pf", "w", count=3, size=60000), pings("w", "pf", count=3, size=60000))
    ports.stream(vm, "pf", "w", mebibytes=16)
    ports.stream(vm, "w", "pf", mebibytes=16)
    assert interface(vm, "pf")["mtu"] == mtu
    # A larger one is cut by the other end's stack if it may, and refused if not.
    assert not vm.run(within("w", f"ping -c 1 -W 1 -M do -s {mtu - 27} {address('pf')}")).ok


def test_mtu_limits(guest):
    vm = guest()
    ports.start(vm)
    for mtu in (67, 0, 9217, 65535):
        result = vm.run(f"ip -n pf link set pf mtu {mtu}")
        assert not result.ok and interface(vm, "pf")["mtu"] == 1500
    run_all(vm, *(f"ip -n {name} link set {name} mtu 68" for name in ("pf", "w")), pings("pf", "w", count=5, size=40),
            pings("pf", "w", count=2, size=100), *(f"ip -n {name} link set {name} mtu 1500" for name in ("pf", "w")),
            pings("w", "pf", count=5, size=1472))


def test_mtu_is_a_limit(guest):
    """A frame longer than the MTU allows does not get in; the longest that it allows does."""
    vm = guest()
    ports.start(vm, quiet=True)
    vm.check("ip -n w link set w mtu 4000")
    mac = vm.macs[0]
    assert ports.frames(vm, "", f"{mac},length=1514", f"{mac},length=3000", f"{mac},length=60") == [
        f"{mac} 1514", f"{mac} 60"]


def test_mtu_under_traffic(guest):
    vm = guest()
    ports.start(vm)
    with ports.Endless(vm, "pf", "w") as stream:
        for mtu in (9000, 600, 1500, 9216, 1500):
            vm.check(f"ip -n pf link set pf mtu {mtu} && ip -n w link set w mtu {mtu}")
            stream.flows()
    assert interface(vm, "pf")["operstate"] == "UP"
    run_all(vm, pings("w", "pf"), silent("w", "pf", size=1473, more="-M do"))
