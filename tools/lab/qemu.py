# SPDX-License-Identifier: GPL-2.0
"""QEMU's command line for a guest: of the lab's machine, and of a VM inside such a guest."""

MODES = {
    "strict": "intel_iommu=on iommu.strict=1",
    "lazy": "intel_iommu=on iommu.strict=0",
    "passthrough": "intel_iommu=on iommu=pt",
    "none": "intel_iommu=off",
}
"""IOMMU modes and what the kernel is told for each; "none" is a machine without an IOMMU."""

ACCEL = {
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    # TCG runs `rep movsb` a byte at a time; without these two the kernel copies in words.
    "tcg": ["-accel", "tcg,thread=multi", "-cpu", "max,erms=off,fsrm=off"],
}

KERNEL_CMDLINE = "console=ttyS0 loglevel=8 printk.devkmsg=on panic=-1 mitigations=off tsc=reliable no_timer_check"

QEMU = "qemu-system-x86_64"


def common(kernel, initramfs, accel, cpus, memory, cmdline, root, build, console, agent):
    """What every guest has. Paths are those of the machine QEMU runs on.

    `memory` in MiB; `root` and `build` are the folders the guest's root and build folder come from;
    `console` is a file for the kernel log; `agent` a unix socket for the agent's port.
    """
    return [
        QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", *ACCEL[accel],
        "-smp", str(cpus), "-m", f"{memory}M",
        "-kernel", str(kernel.image), "-initrd", str(initramfs),
        "-append", f"{KERNEL_CMDLINE} {cmdline}".strip(),
        "-serial", f"file:{console}",
        "-virtfs", f"local,path={root},mount_tag=lab_root,security_model=none,readonly=on,multidevs=remap",
        "-virtfs", f"local,path={build},mount_tag=lab_build,security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-serial-pci",
        "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
        "-device", "virtserialport,chardev=agent,name=lab.agent",
    ]


def machine(mode):
    """The lab's machine: PCI Express, and unless `mode` is "none" an IOMMU that remaps interrupts."""
    args = ["-M", "q35,kernel-irqchip=split"]
    if mode != "none":
        args += ["-device", "intel-iommu,intremap=on,device-iotlb=on"]
    return args


def ports(wires):
    """One igb per entry of `wires`, in order, each below a root port of its own.

    Ports with the same number in `wires` are on one wire. Device `nic0` is the first and gets bus 01, and so on.
    """
    args = []
    for index, wire in enumerate(wires):
        args += [
            "-netdev", f"hubport,id=wire{index},hubid={wire}",
            "-device", f"pcie-root-port,id=port{index},chassis={index + 1},slot={index + 1}",
            "-device", f"igb,id=nic{index},bus=port{index},netdev=wire{index},mac={mac(index)},romfile=",
        ]
    return args


def mac(index):
    """MAC address of port `index`, as its NVM has it."""
    return f"52:54:00:82:57:{index:02x}"
