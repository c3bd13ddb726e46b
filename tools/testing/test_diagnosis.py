# SPDX-License-Identifier: GPL-2.0
"""What helps a person who looks for a fault: the self-test, the blinking light."""

import re

import ports
import vfs
from ports import LIMIT, pings, run_all, within
from test_bad_device import counter, poke

PVFGPRLBC = 0x10040
"""In the PF's BAR 0: packets that came to the first VF by loopback; it sees the register at 0xf40 of its own."""

LIGHTS = "ethtool -d pf raw on | od -An -tx4 -w4 -v | sed -n 4p"
"""Shell command: LEDCTL, which is the fourth word of a register dump."""


def self_test(vm, how):
    """`ethtool -t`: whether all is well, and what each test found."""
    result = vm.run(within("pf", f"ethtool -t pf {how}"), timeout=LIMIT)
    found = {name.strip(): int(value) for name, value in re.findall(r"^(.*\S)\s+(\d+)$", result.stdout, re.MULTILINE)}
    assert [name.split(" ")[0] for name in found] == ["Register", "Eeprom", "Interrupt", "Link"]
    return "PASS" in result.stdout, list(found.values())


def test_self_test(guest):
    """All is well with the interface up and down, and traffic goes on; without a cable the link is what fails."""
    vm = guest()
    ports.start(vm)
    assert self_test(vm, "online") == (True, [0, 0, 0, 0])
    with ports.Endless(vm) as stream:
        assert self_test(vm, "offline") == (True, [0, 0, 0, 0])
        stream.flows()
    vm.check("ip -n pf link set pf down")
    assert self_test(vm, "offline") == (True, [0, 0, 0, 0])
    vm.check(f"ip -n pf link set pf up; {ports.until(ports.carrier('pf'))}", timeout=LIMIT)
    run_all(vm, pings("w", "pf", count=5))
    vm.set_link(0, False)
    try:
        assert self_test(vm, "offline") == (False, [0, 0, 0, 1])
    finally:
        vm.set_link(0, True)


def test_vf(guest):
    """A VF's self-test tells of its link; its counters of what passes between functions are shown."""
    vm = guest()
    vfs.start(vm)
    test = within("v0", "ethtool -t v0")
    assert re.search(r"PASS(.|\n)*Link test .*\s0$", vm.check(test))
    vm.check("ip -n pf link set pf vf 0 state disable")
    vm.check(ports.until(vfs.no_carrier("v0")), timeout=LIMIT)
    failed = vm.run(test)
    assert re.search(r"FAIL(.|\n)*Link test .*\s1$", failed.out), failed.describe()
    vm.check(f"ip -n pf link set pf vf 0 state auto; {ports.until(ports.carrier('v0'))}", timeout=LIMIT)
    # QEMU does not count it.
    assert ports.statistics(vm, "v0")["rx_loopback_packets"] == 0
    poke(vm, counter(vm, vm.macs[0], PVFGPRLBC), (9).to_bytes(4, "little"))
    assert ports.statistics(vm, "v0")["rx_loopback_packets"] == 9


def test_identify(guest):
    """The lights blink while asked for, and then show what they did."""
    vm = guest()
    ports.start(vm)
    before = vm.check(within("pf", f"sh -c '{LIGHTS}'")).strip()
    blinking = vm.start(within("pf", "ethtool -p pf"))
    vm.wait_until(within("pf", f"sh -c '[ $({LIGHTS}) = 8e8e8e8e ]'"), timeout=LIMIT)
    blinking.signal(2)
    blinking.wait(timeout=LIMIT)
    assert before != "8e8e8e8e"
    vm.wait_until(within("pf", f"sh -c '[ $({LIGHTS}) = {before} ]'"), timeout=LIMIT)
