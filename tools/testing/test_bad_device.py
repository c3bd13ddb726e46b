# SPDX-License-Identifier: GPL-2.0
"""Devices and machines that are not as they should be: the driver says so in one line and lets go of everything."""

import contextlib
import random
import re
import threading

import ports
import vfs
from netns import shouts
from ports import BDF, DEBUGFS, DEVICES, LIMIT, MODULE, run_all, until

PF = BDF["pf"]
DRIVER = "/sys/bus/pci/drivers/igb_rs"
ROOT_PORT = f"$(basename $(dirname $(readlink -f {DEVICES}/{PF})))"
"""Shell word: the address of the port that the PF is below."""


def messages(vm, since, bdf=PF):
    """What the drivers logged about a function, without the kernel's own lines on a probe."""
    return [line for line in vm.log(since, vm.mark()) if re.search(rf"igb(vf)?_rs {bdf}:", line)
            and not re.search("enabling device|probe with driver", line)]


def refused(vm, text, bdf=PF):
    """Binds the driver to a function, which must fail, with one message that has `text` in it, and leave nothing."""
    since = vm.mark()
    result = vm.run(f"echo {bdf} >{DRIVER}/bind", timeout=LIMIT)
    assert not result.ok and not vm.run(f"test -e {DRIVER}/{bdf}").ok
    said = messages(vm, since, bdf)
    assert len(said) == 1 and text in said[0], said
    assert not vm.run(f"ls {DEBUGFS}/{bdf}").ok


def bind(vm):
    """Binds the driver to the PF, which must work."""
    vm.check(f"echo {PF} >{DRIVER}/bind", timeout=LIMIT)


def load(vm):
    """Loads the module with the PF unbound."""
    vm.check(f"insmod {MODULE} && echo {PF} >{DRIVER}/unbind", timeout=LIMIT)


def found_in_qemu(vm, good, start):
    """Where in QEMU's memory the bytes `start` are and `good(data, offset)` holds: offsets in its memory file."""
    found = []
    with open(f"/proc/{vm.pid}/maps") as maps, open(f"/proc/{vm.pid}/mem", "rb") as memory:
        for line in maps:
            first, last = (int(end, 16) for end in line.split()[0].split("-"))
            # Not the guest's own memory, which is larger.
            if " rw" not in line or last - first > 256 << 20:
                continue
            memory.seek(first)
            try:
                data = memory.read(last - first)
            except OSError:
                # Gone since it was listed, as the stack of a thread that has ended.
                continue
            at = data.find(start)
            while at >= 0:
                if good(data, at):
                    found.append(first + at)
                at = data.find(start, at + 1)
    return found


def nvm(vm):
    """Where the PF's NVM is in QEMU's memory: its first 64 words add up."""
    def adds_up(data, at):
        words = data[at:at + 128]
        return sum(words[0::2]) + 256 * sum(words[1::2]) & 0xFFFF == 0xBABA

    where, = found_in_qemu(vm, adds_up, bytes.fromhex(vm.macs[0].replace(":", "")))
    return where


def poke(vm, address, data):
    """Writes to QEMU's memory; returns what was there."""
    with open(f"/proc/{vm.pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(address)
        old = memory.read(len(data))
        memory.seek(address)
        memory.write(data)
    return old


def counter(vm, mac, register):
    """Where a register of the PF with that address is in QEMU's memory, for those that the bus cannot write to. QEMU
    keeps them all in one array, each at its own offset."""
    pause, address = 0x28, 0x5400

    def is_it(data, at):
        first = at - pause
        return first >= 0 and data[first + address:][:6].hex(":") == mac

    # The address of PAUSE frames and their type.
    where, = found_in_qemu(vm, is_it, bytes.fromhex("0180c2000001000008880000"))
    return where - pause + register


def test_nvm_checksum(guest):
    """A word of the NVM is wrong."""
    vm = guest()
    load(vm)
    word = nvm(vm) + 2 * 0x10
    good = poke(vm, word, b"\x55\xaa")
    try:
        refused(vm, "NVM checksum is wrong")
    finally:
        poke(vm, word, good)
    bind(vm)


def close_way(vm):
    """Shuts the port above the PF: QEMU answers reads with zeros."""
    vm.check(f"setpci -s {ROOT_PORT} COMMAND=0:2")


def open_way(vm):
    vm.check(f"setpci -s {ROOT_PORT} COMMAND=2:2")


def test_no_answer(guest):
    """The way to the device is closed at probe."""
    vm = guest()
    load(vm)
    close_way(vm)
    try:
        refused(vm, "firmware does not release its semaphore")
    finally:
        open_way(vm)
    bind(vm)


class Cover:
    """A guest in which a function's registers can be covered: a second device, which is nothing but memory, takes the
    function's addresses. At first it is full of ones, what a real machine reads of a device that is not there."""

    BYTES = 128 << 10

    def __init__(self, guest, folder):
        self._memory = folder / "cover"
        self._memory.write_bytes(b"\xff" * self.BYTES)
        self.vm = guest(qemu_args=("-object", f"memory-backend-file,id=cover,size=128K,mem-path={self._memory},share=on",
                                   "-device", "ivshmem-plain,memdev=cover"))
        self.device, = [bdf for bdf, ids in self.vm.pci.items() if ids == "1af4:1110"]

    @contextlib.contextmanager
    def garbage(self, rng, function=PF):
        """The function is covered with bytes at random, always others, for as long as the block takes."""
        done = threading.Event()

        def change():
            with open(self._memory, "r+b", buffering=0) as memory:
                while True:
                    memory.seek(0)
                    memory.write(rng.randbytes(self.BYTES))
                    if done.wait(0.01):
                        break
                memory.seek(0)
                memory.write(b"\xff" * self.BYTES)

        thread = threading.Thread(target=change)
        thread.start()
        try:
            self.cover(function)
            yield
            self.uncover()
        finally:
            done.set()
            thread.join()

    def cover(self, function=PF):
        """Covers a function, and closes the way to all of them, at once: a driver that met the zeros of the closed way
        would take them for a reset."""
        at = vfs.bar(self.vm, function) & -self.BYTES
        self.vm.check(f"setpci -s {self.device} COMMAND=0:2 BASE_ADDRESS_2={at & 0xffffffff:08x} "
                      f"BASE_ADDRESS_3={at >> 32:08x} -s {ROOT_PORT} COMMAND=0:2 -s {self.device} COMMAND=2:2")

    def uncover(self):
        self.vm.check(f"setpci -s {self.device} COMMAND=0:2")
        open_way(self.vm)


def test_all_ones(guest, tmp_path_factory):
    """All ones at probe."""
    ones = Cover(guest, tmp_path_factory.getbasetemp())
    load(ones.vm)
    ones.cover()
    try:
        refused(ones.vm, "device reads all ones")
    finally:
        ones.uncover()
    bind(ones.vm)


def lost_under_traffic(vm, lose, bring_back, before_unload=lambda: None):
    """The link goes with the device, the driver can be unloaded, and works when the device answers again."""
    ports.start(vm)
    stream = ports.Endless(vm)
    stream.flows()
    lose()
    vm.check(until(vfs.no_carrier("pf")), timeout=LIMIT)
    stream.process.stop()
    before_unload()
    vm.check("rmmod igb_rs", timeout=LIMIT)
    bring_back()
    run_all(vm, "ip -all netns delete")
    ports.start(vm)
    run_all(vm, ports.pings("pf", "w"))


def test_answers_no_more(guest):
    vm = guest()
    lost_under_traffic(vm, lambda: close_way(vm), lambda: open_way(vm))


def test_all_ones_under_traffic(guest, tmp_path_factory):
    """The device under the ones goes on receiving: no interrupt of it may come when its vectors are free."""
    ones = Cover(guest, tmp_path_factory.getbasetemp())
    since = ones.vm.mark()

    def unbind():
        """By itself: rmmod would let go of the other port, which shouts, first."""
        shouting = ones.vm.start(shouts("w"))
        ones.vm.check(f"echo {PF} >{DRIVER}/unbind", timeout=LIMIT)
        shouting.stop()

    lost_under_traffic(ones.vm, ones.cover, ones.uncover, unbind)
    said = [line for line in messages(ones.vm, since) if "device reads all ones" in line]
    assert len(said) == 1, said


def test_all_ones_of_a_vf(guest, tmp_path_factory):
    """All ones in a VF's registers, under traffic: said once, no carrier, and both drivers let go of everything."""
    ones = Cover(guest, tmp_path_factory.getbasetemp())
    vm, vf = ones.vm, vfs.VFS[0]
    vfs.start(vm, count=1)
    stream = vfs.endless(vm, "w", "v0")
    since = vm.mark()
    ones.cover(vf)
    vm.check(until(vfs.no_carrier("v0")), timeout=LIMIT)
    stream.stop()
    # The device under the ones goes on receiving: no interrupt of it may come when its vectors are free.
    shouting = vm.start(shouts("w"))
    run_all(vm, "rmmod igbvf_rs")
    shouting.stop()
    run_all(vm, "rmmod igb_rs")
    said = [line for line in messages(vm, since, vf) if "device reads all ones" in line]
    assert len(said) == 1, said
    ones.uncover()
    run_all(vm, "ip -all netns delete")
    vfs.start(vm, count=1)
    run_all(vm, vfs.pings("v0", "w"), vfs.pings("w", "v0"))


def test_all_ones_for_a_while(guest, tmp_path_factory):
    """What is ordered while the PF's registers read all ones is in force when they do no longer."""
    ones = Cover(guest, tmp_path_factory.getbasetemp())
    vm, own, given = ones.vm, "02:82:57:60:00:20", "02:82:57:60:00:21"
    vfs.start(vm, count=1)
    counted = vfs.facts(vm, 0)["stats"]
    assert counted["tx"]["packets"] > 0
    ones.cover(PF)
    vm.check(until(vfs.no_carrier("pf")), timeout=LIMIT)
    assert all(value >= counted[way][name] for way, shown in vfs.facts(vm, 0)["stats"].items() for name, value in shown.items())
    run_all(vm, f"ip -n pf link set pf address {own}", f"ip -n pf link set pf vf 0 mac {given}", "ip -n pf link add link pf vlan9 type vlan id 9")
    ones.uncover()
    run_all(vm, *(until(vfs.carrier(name)) for name in ("pf", "v0")), until(f"[ $(ip netns exec v0 cat /sys/class/net/v0/address) = {given} ]"))
    assert vm.check("ip netns exec pf cat /sys/class/net/pf/address").strip() == own
    # Requests to the address as it is known find the PF; the others are of VLAN 9, and come in.
    run_all(vm, vfs.pings("w", "pf"), vfs.pings("w", "v0"), vfs.pings("v0", "pf"))
    assert ports.frames(vm, "", f"{own},vlan=9", own) == [f"{own} 60 9", f"{own} 60"]


PESTERING = [
    *(f"ip netns exec {{0}} ethtool {order} {{0}}" for order in ("-S", "-d", "", "-i", "-g", "-c", "-k")),
    "ip netns exec {0} ethtool -G {0} rx 512 tx 128", "ip -n {0} link set {0} mtu 3000", "ip -n {0} link set {0} promisc on",
    "ip netns exec {0} ethtool -C {0} rx-usecs 100", "ip -n {0} link set {0} address 02:82:57:60:00:10",
    "ip -n {0} -s link show dev {0}", "ip -n {0} link set {0} down", "ip -n {0} link set {0} up",
]
"""What is asked of an interface whose registers are garbage. Whether it succeeds is left to chance."""


BELOW = r"NETDEV WATCHDOG|DMAR: \[INTR-REMAP\] Request device \[{}\]|DMAR: DRHD: handling fault status"
"""What is logged of a function below the cover: what is sent does not reach it, and it fires vectors that were freed, as
nobody reaches their table to mask them. Its DMA is no part of this."""


def pester(vm, name, more=()):
    """Every order ends in time."""
    for order in (*PESTERING, *more):
        result = vm.run(order.format(name), timeout=LIMIT)
        assert not result.timeout, result.describe()


def quiet(vm, function):
    """Keeps what is below the cover from memory: it has the rings of before, and no driver can reach it."""
    vm.check(f"setpci -s {function} COMMAND=0:4")


def garbled(vm, since, function, most):
    """The drivers said no more of a function than that many lines."""
    said = messages(vm, since, function)
    print(*said, sep="\n")
    assert len(said) <= most, said


def test_garbage(guest, tmp_path_factory, seed):
    """Registers full of anything, always others: at probe, with the interface up and frames coming in, at unbinding. All
    of it ends in time, and the device works when they are its own again."""
    cover, rng = Cover(guest, tmp_path_factory.getbasetemp()), random.Random(seed)
    vm = cover.vm
    load(vm)
    since = vm.mark()
    with cover.garbage(rng):
        for _ in range(5):
            vm.run(f"echo {PF} >{DRIVER}/bind", timeout=LIMIT)
            vm.run(f"echo {PF} >{DRIVER}/unbind", timeout=LIMIT)
    garbled(vm, since, PF, 50)
    run_all(vm, "rmmod igb_rs")
    ports.start(vm)
    since = vm.mark()
    shouting = vm.start(shouts("w"))
    with vm.expecting(BELOW.format(PF), required=False), cover.garbage(rng):
        pester(vm, "pf", (f"echo 2 >{DEVICES}/{PF}/sriov_numvfs", f"echo 0 >{DEVICES}/{PF}/sriov_numvfs",
                          "ip netns exec pf ethtool -t pf online", "ip netns exec pf ethtool -e pf", "ip netns exec pf ethtool -r pf"))
        quiet(vm, PF)
        vm.check(f"echo {PF} >{DRIVER}/unbind", timeout=LIMIT)
    shouting.stop()
    garbled(vm, since, PF, 100)
    run_all(vm, "rmmod igb_rs", "ip -all netns delete")
    ports.start(vm)
    run_all(vm, ports.pings("pf", "w"), ports.pings("w", "pf"))


def test_garbage_of_a_vf(guest, tmp_path_factory, seed):
    """The same in a VF's registers."""
    cover, rng = Cover(guest, tmp_path_factory.getbasetemp()), random.Random(seed)
    vm, vf, driver = cover.vm, vfs.VFS[0], "/sys/bus/pci/drivers/igbvf_rs"
    # The way to the PF is closed as well: what it sent would be stuck.
    vfs.start(vm, count=1, pf_up=False)
    run_all(vm, f"echo {vf} >{driver}/unbind")
    since = vm.mark()
    with cover.garbage(rng, vf):
        for _ in range(5):
            vm.run(f"echo {vf} >{driver}/bind", timeout=LIMIT)
            vm.run(f"echo {vf} >{driver}/unbind", timeout=LIMIT)
    garbled(vm, since, vf, 50)
    run_all(vm, f"echo {vf} >{driver}/bind", vfs.place(vf, "v0"), until(vfs.carrier("v0")))
    since = vm.mark()
    shouting = vm.start(shouts("w"))
    with vm.expecting(BELOW.format(vf), required=False), cover.garbage(rng, vf):
        pester(vm, "v0")
        quiet(vm, vf)
        vm.check(f"echo {vf} >{driver}/unbind", timeout=LIMIT)
    shouting.stop()
    garbled(vm, since, vf, 100)
    run_all(vm, f"echo {vf} >{driver}/bind", vfs.place(vf, "v0"), until(vfs.carrier("v0")), vfs.reaches("v0", "w"),
            vfs.pings("v0", "w"), vfs.pings("w", "v0"))


def test_no_bar(guest):
    """A device that has no BAR 0, by order of the administrator."""
    vm = guest()
    load(vm)
    other, = [bdf for bdf in vm.pci if bdf.endswith(":1f.2")]
    vm.check(f"echo igb_rs >{DEVICES}/{other}/driver_override")
    try:
        refused(vm, "BAR 0", other)
    finally:
        vm.check(f"echo >{DEVICES}/{other}/driver_override")


def test_no_vectors(guest):
    """Neither a PF nor a VF gets vectors; what was taken before is given back."""
    vm = guest()
    load(vm)
    vm.check(f"echo 0 >{DEVICES}/{ROOT_PORT}/msi_bus")
    try:
        refused(vm, "MSI-X vectors")
    finally:
        vm.check(f"echo 1 >{DEVICES}/{ROOT_PORT}/msi_bus")
    bind(vm)
    run_all(vm, "insmod /mnt/igb_rs/igbvf_rs.ko", f"echo 0 >{DEVICES}/{ROOT_PORT}/msi_bus")
    since = vm.mark()
    try:
        run_all(vm, f"echo 2 >{DEVICES}/{PF}/sriov_numvfs")
        for vf in ("0000:01:10.0", "0000:01:10.2"):
            said = messages(vm, since, vf)
            assert len(said) == 1 and "MSI-X vectors" in said[0], said
            assert not vm.run(f"test -e {DEVICES}/{vf}/driver").ok
        run_all(vm, f"echo 0 >{DEVICES}/{PF}/sriov_numvfs")
    finally:
        vm.check(f"echo 1 >{DEVICES}/{ROOT_PORT}/msi_bus")
    run_all(vm, f"echo 2 >{DEVICES}/{PF}/sriov_numvfs", f"ls -d {DEVICES}/{PF}/virtfn1/net/*")


def test_no_vfs(guest):
    """The PCI core refuses to make VFs, here for a capability that contradicts itself: said, undone, and the PF works."""
    vm = guest()
    ports.start(vm)
    # InitialVFs, as large as TotalVFs, in the capability at 0x160 of every port's configuration space.
    places = found_in_qemu(vm, lambda data, at: data[at + 0x160:at + 0x162] == b"\x10\0", b"\x86\x80\xc9\x10")
    assert len(places) == 2
    good = [poke(vm, place + 0x16c, b"\xff\0") for place in places]
    since = vm.mark()
    try:
        assert not vm.run(f"echo 7 >{DEVICES}/{PF}/sriov_numvfs", timeout=LIMIT).ok
    finally:
        for place, data in zip(places, good):
            poke(vm, place + 0x16c, data)
    said = messages(vm, since)
    assert len(said) == 1 and "enabling 7 VFs failed: EIO" in said[0], said
    run_all(vm, f"[ $(cat {DEVICES}/{PF}/sriov_numvfs) = 0 ]", ports.pings("pf", "w"), ports.pings("w", "pf"),
            f"echo 7 >{DEVICES}/{PF}/sriov_numvfs", f"echo 0 >{DEVICES}/{PF}/sriov_numvfs", ports.pings("w", "pf"))


def test_no_mmio(guest):
    """VFs whose base addresses fit nowhere: the resource is named, all is undone, and the PF works."""
    vm = guest()
    # What can be written of the base addresses of every port: two of 128 KiB, and those of its VFs.
    small, vf = b"\0\0\xfe\xff", b"\0\xc0\xff\xff\xff\xff\xff\xff"
    places = found_in_qemu(vm, lambda data, at: data[at + 0x174:at + 0x17c] == vf == data[at + 0x180:at + 0x188], 2 * small)
    assert len(places) == 2
    vm.check(f"echo 1 >{DEVICES}/{PF}/remove")
    # A TiB for each VF.
    for place in places:
        poke(vm, place + 0x174, b"\0\0\0\0\0\xff\xff\xff")
    try:
        vm.check("echo 1 >/sys/bus/pci/rescan", timeout=LIMIT)
    finally:
        for place in places:
            poke(vm, place + 0x174, vf)
    ports.start(vm)
    since = vm.mark()
    result = vm.run(f"echo 7 >{DEVICES}/{PF}/sriov_numvfs", timeout=LIMIT)
    assert "Cannot allocate memory" in result.stderr, result.describe()
    said = messages(vm, since)
    assert any("no bus numbers or MMIO space for 7 VFs: try" in line for line in said), said
    run_all(vm, f"[ $(cat {DEVICES}/{PF}/sriov_numvfs) = 0 ]", ports.pings("pf", "w"), ports.pings("w", "pf"),
            f"echo 1 >{DEVICES}/{PF}/remove", "echo 1 >/sys/bus/pci/rescan",
            f"echo 7 >{DEVICES}/{PF}/sriov_numvfs", f"ls -d {DEVICES}/{PF}/virtfn6")


def test_torn_out(guest):
    """The slot's power goes under traffic, without a word before: the driver lets go when the kernel is told."""
    vm = guest(memory=3072)
    ports.start(vm)
    stream = ports.Endless(vm)
    stream.flows()
    # Power controller off, power indicator off: QEMU takes the device away at once.
    vm.check(f"setpci -s {ROOT_PORT} CAP_EXP+18.w=0700:0700")
    vm.check(until(vfs.no_carrier("pf")), timeout=LIMIT)
    stream.process.stop()
    assert vm.check(f"setpci -s {PF} VENDOR_ID") == "ffff"
    vm.check(f"echo 1 >{DEVICES}/{PF}/remove", timeout=LIMIT)
    assert not vm.run(f"ls {DEBUGFS}/{PF}").ok
    vm.check("rmmod igb_rs", timeout=LIMIT)
