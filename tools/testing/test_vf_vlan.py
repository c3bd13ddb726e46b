# SPDX-License-Identifier: GPL-2.0
"""A VF's VLANs while they change: its packets have their tags from the first to the last, and none is taken for untagged."""

from ports import within
from test_lying_device import EICS, EIMC, EIMS, VMBMEM, Function
from test_recovery import wait
from vfs import LIMIT, add_vlan, run_all, start

VFTA, VLVF = 0x5600, 0x5D00
"""In the PF's BAR 0: VLANs that are received at all, and which pools each of them goes to."""

ENTRY = 31
"""An entry of VLVF that the PF has no use for here."""

POOL = 12
"""The first pool's bit in an entry."""

SET_VLAN = 0x04
"""What the VF asks for."""

VID = 5

LISTEN = """
import socket, struct
ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
ear.setsockopt(263, 8, 1)
ear.bind(("v0", 0))
print("ready", flush=True)
while True:
    data, extra, _, sender = ear.recvmsg(65536, 256)
    if data[12:14] == b"\\x88\\xb5" and sender[2] != socket.PACKET_OUTGOING:
        status, _, _, _, _, tci, _ = struct.unpack_from("IIIHHHH", extra[0][2])
        print("tag", tci if status & 16 else None, flush=True)
"""
"""Prints the tag of each frame of the test's type that comes, as the stack sees it."""

SEND = f"""
import socket, time
mouth = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
mouth.bind(("w", 0))
frame = b"\\xff" * 6 + mouth.getsockname()[4] + bytes.fromhex("8100{VID:04x}88b5") + bytes(46)
print("ready", flush=True)
while True:
    mouth.send(frame)
    time.sleep(0.002)
"""
"""Broadcasts tagged frames until it is stopped."""


def test_tags_while_vlan_changes(guest):
    """The PF takes its time to answer, in which frames of the VLAN come."""
    vm = guest()
    start(vm)
    vf = Function(vm, "v0")
    # With its first VLAN tags are stripped.
    run_all(vm, add_vlan("v0", 6))
    machine, filters, entry = vf.machine, vf.pf + VFTA, vf.pf + VLVF + 4 * ENTRY

    def changed(command):
        """Has a VLAN added or removed, by a PF that answers when frames of the VLAN have come since it was asked."""
        machine.write(vf.pf + VMBMEM, 0)
        machine.write(vf.pf + EIMC, 1)
        try:
            change = vm.start(command)
            wait(lambda: machine.read(vf.pf + VMBMEM) & 0xFFFF == SET_VLAN)
            machine.write(filters, machine.read(filters) | 1 << VID)
            machine.write(entry, 1 << 31 | 1 << POOL | VID)
            seen = len(tags())
            wait(lambda: len(tags()) > seen or not change.running)
        finally:
            machine.write(entry, 0)
            machine.write(vf.pf + EIMS, 1)
            machine.write(vf.pf + EICS, 1)
        assert change.wait(LIMIT).ok and len(tags()) > seen

    def tags():
        return [line for line in ear.stdout.splitlines() if line.startswith("tag")]

    vm.put("/run/listen.py", LISTEN.encode())
    vm.put("/run/send.py", SEND.encode())
    ear = vm.start("exec " + within("v0", "python3 /run/listen.py"))
    ear.wait_for("ready", timeout=LIMIT)
    mouth = vm.start("exec " + within("w", "python3 /run/send.py"))
    mouth.wait_for("ready", timeout=LIMIT)
    changed(f"ip -n v0 link add link v0 name vlan{VID} type vlan id {VID}")
    changed(f"ip -n v0 link delete vlan{VID}")
    mouth.stop()
    ear.stop()
    assert tags() and set(tags()) == {f"tag {VID}"}
