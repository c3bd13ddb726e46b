# SPDX-License-Identifier: GPL-2.0
"""Attributes in sysfs of the PCI functions and their IOMMU groups: resets, VFs that come and go, drivers that are bound anew.

All of it is one worker's. With two that reset, Linux 7.3 locks itself up (Documentation/design/testing.rst, "Fights").
"""

from kinds import Kind, write

DEVICES = "/sys/bus/pci/devices"
DRIVERS = "/sys/bus/pci/drivers"

GOOD = {
    "broken_parity_status": ("0", "1"), "msi_bus": ("1",), "d3cold_allowed": ("0", "1"), "power/control": ("on", "auto"),
    "power/autosuspend_delay_ms": ("0", "1000"), "power/async": ("enabled", "disabled"), "reset_method": ("flr", "default"),
    "link/l0s_aspm": ("0", "1"), "sriov_drivers_autoprobe": ("1",), "driver_override": ("\n",), "uevent": ("change",),
    "aer/correctable_ratelimit_burst": ("10",), "sriov_vf_msix_count": ("1", "3"), "power/wakeup": ("disabled",),
}
"""Attributes, with values that leave the function working."""

BAD = ("", "-1", "2", "8", "255", "65535", "4294967295", "18446744073709551616", "x", "x" * 4095, "\x00", "flr,bus,x", "igb_rs" * 100)


def kinds(world):
    """The kinds of commands to functions."""
    addresses = world.functions
    pf, vfs = addresses["pf"], [addresses["v0"], addresses["v1"]]
    again = [["place", "pf"], write(f"{DEVICES}/{pf}/sriov_numvfs", "2"), ["place", "v0"], ["place", "v1"]]

    def reset_pf(rng, hostile):
        return [write(f"{DEVICES}/{pf}/reset", rng.choice(("0", "2", "x", "")) if hostile else "1")]

    def reset_vf(rng, hostile):
        return [write(f"{DEVICES}/{rng.choice(vfs)}/reset", rng.choice(("0", "2", "x", "")) if hostile else "1")]

    def numvfs(rng, hostile):
        if hostile:
            return [write(f"{DEVICES}/{pf}/sriov_numvfs", rng.choice(("1", "3", "8", "256", "65535", "-1", "x", "")))]
        return [write(f"{DEVICES}/{pf}/sriov_numvfs", text) for text in ("0", rng.choice(("1", "2", "7")), "0", "2")
                ] + [["place", "v0"], ["place", "v1"]]

    def bind(driver, address, steps):
        return [write(f"{DRIVERS}/{driver}/unbind", address), write(f"{DRIVERS}/{driver}/bind", address), *steps]

    def bind_vf(rng, hostile):
        which = rng.choice(("v0", "v1"))
        if hostile:
            return [write(f"{DRIVERS}/{rng.choice(('igb_rs', 'igbvf_rs'))}/{rng.choice(('bind', 'unbind', 'new_id'))}",
                          rng.choice(("", "0000:01:11.4", "0000:ff:ff.7", "x", "8086", "\x00")))]
        return bind("igbvf_rs", addresses[which], [["place", which]])

    def bind_pf(rng, hostile):
        if hostile:
            return [write(f"{DRIVERS}/igbvf_rs/bind", pf)]
        return bind("igb_rs", pf, again)

    def iommu_type(rng, hostile):
        which = rng.choice(("v0", "v1"))
        group = f"{DEVICES}/{addresses[which]}/iommu_group/type"
        if hostile:
            # A driver has it, or it is no type.
            return [write(group, rng.choice(("identity", "DMA", "x", "", "DMA-FQ ", "x" * 4095)))]
        return [write(f"{DRIVERS}/igbvf_rs/unbind", addresses[which]), write(group, rng.choice(("identity", "DMA", "DMA-FQ", "auto"))),
                write(f"{DRIVERS}/igbvf_rs/bind", addresses[which]), ["place", which]]

    def enable(rng, hostile):
        """That is for a function without a driver."""
        which = rng.choice(("v0", "v1"))
        file = f"{DEVICES}/{addresses[which]}/enable"
        if hostile:
            return [write(file, rng.choice(BAD))]
        return [write(f"{DRIVERS}/igbvf_rs/unbind", addresses[which]), write(file, "1"), write(file, "0"),
                write(f"{DRIVERS}/igbvf_rs/bind", addresses[which]), ["place", which]]

    def rescan(rng, hostile):
        return [write(f"{DEVICES}/{pf}/{'remove' if hostile else 'rescan'}", "0" if hostile else "1")]

    def whole(rng, hostile):
        """The PF goes with its VFs and is found again."""
        if hostile:
            return [write("/sys/bus/pci/rescan", rng.choice(("0", "x", "")))]
        return [write(f"{DEVICES}/{pf}/remove", "1"), write("/sys/bus/pci/rescan", "1"), *again]

    def attribute(name):
        def make(rng, hostile):
            address = rng.choice([pf, *vfs] if not name.startswith(("sriov_d", "power/w")) else [pf])
            address = vfs[0] if name.startswith("sriov_vf") else address
            return [write(f"{DEVICES}/{address}/{name}", rng.choice(BAD) if hostile else rng.choice(GOOD[name]))]
        return make

    return [Kind("pci reset of the PF", reset_pf, 6), Kind("pci reset of a VF", reset_vf, 8), Kind("pci sriov_numvfs", numvfs),
            Kind("pci driver of a VF", bind_vf, 2), Kind("pci driver of the PF", bind_pf), Kind("iommu group type", iommu_type, 2),
            Kind("pci enable", enable), Kind("pci rescan", rescan), Kind("pci removal of the PF", whole), *(Kind(f"pci {name}", attribute(name)) for name in GOOD)]


PLACE = """
set -e
for _ in {{1..50}}; do
    names=(/sys/bus/pci/devices/{address}/net/*)
    [ -e "${{names[0]}}" ] && break
    read -rt 0.1 <>/run/lab/never || :
done
ip link set "${{names[0]##*/}}" down name {function} netns {function}
ip -n {function} addr replace {ip}/24 dev {function}
ip -n {function} link set {function} up
"""
"""Shell commands that put a new interface into its function's namespace."""
