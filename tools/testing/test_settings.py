# SPDX-License-Identifier: GPL-2.0
"""What ethtool shows and sets: rings, channels, distribution, moderation, registers, NVM; most of it under traffic."""

import json
import re
import time

import ports
from lab import patience
from netns import answered, ip
from ports import BDF, DEBUGFS, LIMIT, address, pings, run_all, statistics, within


def ethtool(vm, arguments):
    """An ethtool command in the PF's namespace that must succeed; returns what it printed."""
    return vm.check(within("pf", f"ethtool {arguments}"), timeout=LIMIT)


def refused(vm, arguments):
    """An ethtool command that must fail; returns its message."""
    result = vm.run(within("pf", f"ethtool {arguments}"), timeout=LIMIT)
    assert not result.ok, result.stdout
    return result.stderr


def rings(vm):
    shown = ethtool(vm, "-g pf").split("Current hardware settings")[1]
    return tuple(int(re.search(rf"^{kind}:\s+(\d+)", shown, re.MULTILINE)[1]) for kind in ("RX", "TX"))


def test_rings_under_traffic(guest):
    vm = guest()
    ports.start(vm)
    assert rings(vm) == (256, 256)
    with ports.Endless(vm) as stream:
        for rx, tx in ((4096, 4096), (64, 64), (1024, 256), (256, 512)):
            ethtool(vm, f"-G pf rx {rx} tx {tx}")
            assert rings(vm) == (rx, tx)
            stream.flows()
        for bad in ("rx 8192", "tx 16", "rx 0"):
            refused(vm, f"-G pf {bad}")
            assert rings(vm) == (256, 512)
    # What is set with the interface down is in force when it comes up.
    vm.check("ip -n pf link set pf down")
    ethtool(vm, "-G pf rx 128 tx 64")
    vm.check(f"ip -n pf link set pf up; {ports.until(ports.carrier('pf'))}", timeout=LIMIT)
    assert rings(vm) == (128, 64)
    run_all(vm, pings("pf", "w"))


def queue_vectors(vm):
    return [line for line in vm.check(f"cat {DEBUGFS}/{BDF['pf']}/vectors").splitlines() if "TxRx" in line]


def test_channels_under_traffic(guest):
    vm = guest()
    ports.start(vm)
    assert len(queue_vectors(vm)) == 2
    with ports.Endless(vm) as stream:
        for count in (1, 2, 1, 2):
            ethtool(vm, f"-L pf combined {count}")
            shown = ethtool(vm, "-l pf").split("Current hardware settings")[1]
            assert re.search(rf"Combined:\s+{count}$", shown, re.MULTILINE)
            assert len(queue_vectors(vm)) == count
            assert len(vm.check(within("pf", "sh -c 'ls -d /sys/class/net/pf/queues/rx-*'")).split()) == count
            stream.flows()
        for bad in (0, 3, 9):
            refused(vm, f"-L pf combined {bad}")
        assert len(queue_vectors(vm)) == 2


def spread(vm, command, count=64):
    """How many packets of a command's traffic went to each receive queue."""
    before = statistics(vm, "pf")
    vm.check(within("w", command), timeout=LIMIT)
    vm.check(pings("w", "pf", count=1), timeout=LIMIT)
    after = statistics(vm, "pf")
    result = [after[key] - before[key] for key in ("rx_queue_0_packets", "rx_queue_1_packets")]
    assert sum(result) >= count
    return result


FLOWS = f"bash -c 'for port in {{5000..5063}}; do echo >/dev/udp/{address('pf')}/$port; done'"
"""64 datagrams, each of another flow."""


def test_distribution(guest):
    """Flows spread over the queues by hash; by table, key and fields as the user sets them."""
    vm = guest()
    ports.start(vm, quiet=True)
    run_all(vm, *(ip(f"addr add {address(name)}/24 dev {name}", name=name) for name in ("pf", "w")), pings("w", "pf"))
    # By addresses alone all of it is one flow; the pings are, too.
    assert sorted(spread(vm, FLOWS))[0] <= 2
    ethtool(vm, "-N pf rx-flow-hash udp4 sdfn")
    assert "L4 bytes" in ethtool(vm, "-n pf rx-flow-hash udp4")
    assert min(spread(vm, FLOWS)) >= 16
    for queue, weights in enumerate(("1 0", "0 1")):
        ethtool(vm, f"-X pf weight {weights}")
        assert spread(vm, FLOWS)[1 - queue] <= 2
    refused(vm, "-X pf equal 3")
    ethtool(vm, "-X pf default")
    assert min(spread(vm, FLOWS)) >= 16
    # A key of zeros hashes everything to zero.
    zeros = ":".join(["00"] * 40)
    ethtool(vm, f"-X pf hkey {zeros}")
    assert zeros in ethtool(vm, "-x pf")
    assert spread(vm, FLOWS)[1] <= 2
    refused(vm, "-N pf rx-flow-hash tcp4 sd")
    # Kept when the queues are made anew.
    ethtool(vm, "-G pf rx 128")
    assert zeros in ethtool(vm, "-x pf") and spread(vm, FLOWS)[1] <= 2


def table(vm):
    """The queues in the table of receive hashing."""
    lines = re.findall(r"^ +\d+:(.*)$", ethtool(vm, "-x pf"), re.MULTILINE)
    return {int(queue) for line in lines for queue in line.split()}


def test_table_kept(guest):
    """A table of the user's is kept whatever the number of queues, the default one follows it."""
    vm = guest(cpus=4)
    ports.start(vm)
    assert table(vm) == {0, 1, 2, 3}
    # The user's may be even, too.
    for order, queues in (("-L pf combined 2", {0, 1}), ("-L pf combined 4", {0, 1, 2, 3}), ("-L pf combined 2", {0, 1}),
                          ("-X pf equal 2", {0, 1}), ("-L pf combined 4", {0, 1}), ("-X pf default", {0, 1, 2, 3}),
                          ("-L pf combined 2", {0, 1}), ("-L pf combined 4", {0, 1, 2, 3})):
        ethtool(vm, order)
        assert table(vm) == queues, order


def test_processors_to_come(guest):
    """A pair of queues for each processor there is; more for those that may come are the user's to ask for."""
    vm = guest(cpus=4, cmdline="maxcpus=2")
    ports.start(vm)
    counts = lambda: [int(count) for count in re.findall(r"^Combined:\s+(\d+)", ethtool(vm, "-l pf"), re.MULTILINE)]
    assert counts() == [4, 2]
    ethtool(vm, "-L pf combined 4")
    assert counts() == [4, 4]
    run_all(vm, ports.until(ports.carrier("pf")), pings("pf", "w"))


def test_tcp_spreads(guest):
    vm = guest()
    ports.start(vm)
    before = statistics(vm, "pf")
    ports.stream(vm, "w", "pf", mebibytes=8, more="-P 16")
    after = statistics(vm, "pf")
    assert all(after[key] - before[key] > 200 for key in ("rx_queue_0_packets", "rx_queue_1_packets"))


def test_moderation(guest):
    """Fewer interrupts for the same packets with a longer interval; out of range is refused."""
    vm = guest()
    ports.start(vm)
    ethtool(vm, "-L pf combined 1")
    irq = queue_vectors(vm)[0].split()[1]

    def interrupts():
        line, = [line for line in vm.check("cat /proc/interrupts").splitlines() if line.split(":")[0].strip() == irq]
        return sum(map(int, line.split()[1:3]))

    counts = {}
    for usecs in (0, 2000):
        ethtool(vm, f"-C pf rx-usecs {usecs}")
        assert re.search(rf"rx-usecs:\s+{usecs}$", ethtool(vm, "-c pf"), re.MULTILINE)
        before = interrupts()
        run_all(vm, within("w", f"ping -q -f -l 64 -c 1000 {address('pf')} | tee /dev/stderr | grep -q ' 0% packet loss'"))
        counts[usecs] = interrupts() - before
    assert counts[2000] < counts[0] / 2, counts
    refused(vm, "-C pf rx-usecs 100000")
    assert re.search(r"rx-usecs:\s+2000$", ethtool(vm, "-c pf"), re.MULTILINE)


def word(vm, index):
    """A word of the register dump."""
    return int(ethtool(vm, f"-d pf raw on | od -An -tx4 -w4 -v | sed -n {index + 1}p"), 16)


def test_adaptive(guest):
    """Adaptive moderation begins with a short interval and sets others by itself; off, the user's is in force again."""
    vm = guest()
    ports.start(vm)
    ethtool(vm, "-L pf combined 1")
    # EITR of the queue's vector, without the bit that is written only.
    interval = lambda: (word(vm, 20) & 0x7fff) >> 2
    assert "Adaptive RX: off" in ethtool(vm, "-c pf") and interval() == 50
    ethtool(vm, "-C pf adaptive-rx on")
    assert "Adaptive RX: on" in ethtool(vm, "-c pf")
    assert interval() == 8
    with ports.Endless(vm) as stream:
        seen = set()
        limit = time.monotonic() + patience(LIMIT)
        while len(seen) < 3:
            assert time.monotonic() < limit, seen
            seen.add(interval())
        assert seen <= {1, 8, 64, 128, 256}
        ethtool(vm, "-C pf adaptive-rx off rx-usecs 70")
        stream.flows()
        assert interval() == 70


def test_pause_thresholds(guest):
    """What is left of the packet buffer when the other end is asked to pause grows with the MTU, at once."""
    vm = guest()
    ports.start(vm)
    ethtool(vm, "-A pf autoneg off rx on tx on")
    thresholds = {}
    for mtu in (1500, 9000, 1500):
        vm.check(f"ip -n pf link set pf mtu {mtu}")
        low, high = word(vm, 4) & 0x1ffff, word(vm, 5)
        assert 0 < low < high
        assert thresholds.setdefault(mtu, (low, high)) == (low, high)
    assert thresholds[1500][1] - thresholds[9000][1] == 7504, thresholds


def test_shown(guest):
    """Driver, NVM, registers and link as they are."""
    vm = guest()
    ports.start(vm)
    shown = ethtool(vm, "-i pf")
    assert "driver: igb_rs" in shown and f"bus-info: {BDF['pf']}" in shown and "firmware-version: 2.1.0" in shown
    # The NVM begins with the address and its words sum up.
    nvm = vm.check(within("pf", "ethtool -e pf raw on | od -An -v -tx2 -w2 --endian=little"), timeout=LIMIT).split()
    words = [int(word, 16) for word in nvm]
    assert b"".join(word.to_bytes(2, "little") for word in words[:3]).hex(":") == vm.macs[0]
    assert sum(words[:0x40]) & 0xFFFF == 0xBABA
    registers = ethtool(vm, "-d pf hex on")
    assert len(re.findall(r"^0x[0-9a-f]+:", registers, re.MULTILINE)) > 16
    link = ethtool(vm, "pf")
    for text in ("Speed: 1000Mb/s", "Duplex: Full", "Auto-negotiation: on", "Link detected: yes", "Port: Twisted Pair"):
        assert text in link
    groups = json.loads(ethtool(vm, "--json -S pf --groups eth-mac"))[0]["eth-mac"]
    assert groups["FramesTransmittedOK"] > 0


def advertised(vm):
    """The modes that the PF offers."""
    shown = ethtool(vm, "pf").split("Advertised link modes:")[1].split("Advertised pause")[0]
    return shown.split()


def test_link_settings(guest):
    """What is advertised can be chosen; what the device cannot do is refused and changes nothing."""
    vm = guest()
    ports.start(vm)
    for bad in ("speed 1000 autoneg off", "speed 2500 duplex full autoneg off", "port fibre", "advertise 0x8000",
                "advertise 1000baseT/Half on 1000baseT/Full off 100baseT/Full off 100baseT/Half off "
                "10baseT/Full off 10baseT/Half off"):
        refused(vm, f"-s pf {bad}")
        assert "Speed: 1000Mb/s" in ethtool(vm, "pf")
    # Modes that the port has not, beside some that it has, are left out.
    every = advertised(vm)
    for modes in ("0x3f", "0xffffffff",
                  "10baseT/Half on 1000baseT/Half on 10000baseT/Full on 400000baseCR4/Full on"):
        ethtool(vm, f"-s pf advertise {modes}")
        assert advertised(vm) == every, modes
    ethtool(vm, "-s pf advertise 0x30")
    assert advertised(vm) == ["1000baseT/Full"]
    ethtool(vm, "-r pf")
    vm.wait_until(ports.carrier("pf"), timeout=LIMIT)
    ethtool(vm, "-A pf rx off tx off")
    assert re.search(r"RX:\s+off\nTX:\s+off", ethtool(vm, "-a pf"))
    # The link may yet go down for either order: what is lost meanwhile does not count.
    run_all(vm, answered(address("w"), within("pf", "ping")))


def test_queue_statistics(guest):
    """Per-queue counters of the core's own interface are those of ethtool, and sum up to the interface's."""
    vm = guest()
    ports.start(vm, quiet=True)
    mac = vm.macs[0]
    ports.frames(vm, "", f"{mac},count=40", f"{mac},length=500,count=10")
    ports.frames(vm, "", f"{vm.macs[1]},count=25", listener="w", sender="pf")
    vm.put("/run/qstats.py", QSTATS)
    index = vm.check(within("pf", "cat /sys/class/net/pf/ifindex"))
    queues = json.loads(vm.check(within("pf", f"python3 /run/qstats.py {index}"), timeout=LIMIT))
    counters = statistics(vm, "pf")
    for kind, name in ((0, "rx"), (1, "tx")):
        mine = {queue["id"]: queue for queue in queues if queue["type"] == kind}
        assert set(mine) == {0, 1}
        for number, queue in mine.items():
            assert queue[f"{name}-packets"] == counters[f"{name}_queue_{number}_packets"]
            assert queue[f"{name}-bytes"] == counters[f"{name}_queue_{number}_bytes"]
        assert sum(queue[f"{name}-packets"] for queue in mine.values()) == ports.interface(vm, "pf")["stats64"][name]["packets"] > 0


QSTATS = r"""
import json, socket, struct, sys
# include/uapi/linux/netdev.h: NETDEV_CMD_QSTATS_GET and its attributes.
COMMAND, IFINDEX, TYPE, ID, SCOPE = 12, 1, 2, 3, 4
NAMES = {8: "rx-packets", 9: "rx-bytes", 10: "tx-packets", 11: "tx-bytes"}

def attribute(kind, data):
    return struct.pack("HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)

def attributes(data):
    while len(data) >= 4:
        size, kind = struct.unpack_from("HH", data)
        yield kind & 0x3fff, data[4:size]
        data = data[(size + 3) & ~3:]

def ask(family, flags, command, data):
    link.send(struct.pack("IHHII", 20 + len(data), family, 1 | flags, 1, 0) + struct.pack("BBH", command, 1, 0) + data)
    while True:
        text = link.recv(1 << 16)
        while text:
            size, kind = struct.unpack_from("IH", text)
            if kind == 2:
                sys.exit(f"netlink error {struct.unpack_from('i', text, 16)[0]}")
            if kind == 3:
                return
            yield text[20:size]
            text = text[(size + 3) & ~3:]
        if not flags:
            return

link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
link.bind((0, 0))
answer, = ask(16, 0, 3, attribute(2, b"netdev\0"))
family = struct.unpack("H", dict(attributes(answer))[1])[0]
found = []
for answer in ask(family, 0x300, COMMAND, attribute(IFINDEX, struct.pack("I", int(sys.argv[1])))
                  + attribute(SCOPE, struct.pack("Q", 1))):
    parts = dict(attributes(answer))
    queue = {"id": struct.unpack("I", parts[ID])[0], "type": struct.unpack("I", parts[TYPE])[0]}
    queue.update({name: int.from_bytes(parts[kind], "little") for kind, name in NAMES.items() if kind in parts})
    found.append(queue)
print(json.dumps(found))
"""
