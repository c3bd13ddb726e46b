# SPDX-License-Identifier: GPL-2.0
"""Groups that functions share."""

from lab import qemu
from test_handover import bind, put_holder
from vfs import DEVICES, LIMIT, carrier, insmod, pings, place, reaches, run_all, stream, until

SWITCH = ["-device", "pcie-root-port,id=root,chassis=1,slot=1", "-device", "x3130-upstream,id=up,bus=root"]
"""A switch whose ports have no access control: what is below it shares a group."""
for index in range(2):
    SWITCH += [
        "-device", f"xio3130-downstream,id=down{index},bus=up,chassis={index + 2},slot={index + 2},addr=0.{index},multifunction=on",
        "-netdev", f"hubport,id=wire{index},hubid=0",
        "-device", f"igb,bus=down{index},netdev=wire{index},mac={qemu.mac(index)},romfile=",
    ]


def test_shared_group(guest):
    """Functions that could reach each other behind the IOMMU's back: no domain of their own, said so, and they work."""
    vm = guest(ports=[], qemu_args=tuple(SWITCH))
    first, second = vm.ports
    groups = vm.check(f"readlink -f {DEVICES}/{first}/iommu_group {DEVICES}/{second}/iommu_group").split()
    assert groups[0] == groups[1]
    since = vm.mark()
    run_all(vm, insmod("igb_rs") + " dma=1", f"[ ! -e {DEVICES}/{first}/net ]")
    refusals = [line for line in vm.log(since, vm.mark()) if "no private IOMMU domain" in line]
    assert len(refusals) == 2 and all("group" in line for line in refusals), refusals

    run_all(vm, "rmmod igb_rs", insmod("igb_rs"), insmod("igbvf_rs"), f"echo 1 >{DEVICES}/{first}/sriov_numvfs")
    vf = vm.check(f"basename $(readlink {DEVICES}/{first}/virtfn0)")
    run_all(vm, place(first, "pf"), place(second, "w"), place(vf, "v0"), *(until(carrier(name)) for name in ("pf", "w", "v0")),
            pings("pf", "w"), pings("v0", "w"), pings("v0", "pf"))
    stream(vm, "v0", "w")
    run_all(vm, f"echo 1 >{DEVICES}/{vf}/reset", until(carrier("v0")), reaches("v0", "w"), reaches("v0", "pf"))
    kinds = vm.check("grep -h ^domain: /sys/kernel/debug/igb*_rs/*/iommu").splitlines()
    assert len(kinds) == 3 and all(kind.split()[1] == "dma" for kind in kinds), kinds

    # Nobody gets a function whose neighbours could reach it; the neighbours do not notice that he tried.
    put_holder(vm)
    run_all(vm, bind("vfio-pci", vf))
    holder = vm.run(f"python3 /run/holder.py {vf} {groups[0].split('/')[-1]}", timeout=LIMIT)
    assert holder.rc == 1 and "Operation not permitted" in holder.stderr, holder
    run_all(vm, pings("pf", "w"), bind("igbvf_rs", vf), place(vf, "v0"), until(carrier("v0")), reaches("v0", "w"))
