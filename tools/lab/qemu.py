# SPDX-License-Identifier: GPL-2.0
"""QEMU's command line for a guest: of the lab's machine, and of a VM inside such a guest."""

MODES = {
    "strict": "intel_iommu=on iommu.strict=1",
    "lazy": "intel_iommu=on iommu.strict=0",
    "passthrough": "intel_iommu=on iommu=pt",
    "none": "intel_iommu=off",
    "amd": "iommu.strict=1",
}
"""IOMMU modes and what the kernel is told for each: "none" is a machine without an IOMMU, "amd" one with AMD's,
the others have Intel's."""

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
    if mode == "amd":
        args += ["-device", "amd-iommu,intremap=on,xtsup=on,dma-remap=on"]
    elif mode != "none":
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


def sleepable(args):
    """The arguments with the agent's port and the shared folders on devices that keep their state in a sleep.

    QEMU's virtio devices forget everything when they are suspended, and Linux's 9p does not know of it, unless they
    are below a root port and say otherwise. The buses of the igb ports keep their numbers.
    """
    ports = iter(range(0x18, 0x1f))

    def port():
        slot = next(ports)
        return (["-device", f"pcie-root-port,id=keep{slot},chassis={slot},slot={slot},addr={slot:#x}"],
                f"bus=keep{slot},disable-legacy=on,x-pcie-pm-no-soft-reset=on")

    kept = []
    for arg in args:
        if kept and kept[-1] == "-virtfs":
            fields = dict(field.split("=", 1) for field in arg.split(",")[1:])
            tag = fields.pop("mount_tag")
            device, where = port()
            kept[-1:] = ["-fsdev", f"local,id={tag}," + ",".join(f"{key}={value}" for key, value in fields.items()), *device,
                         "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag},{where}"]
        elif arg == "virtio-serial-pci":
            device, where = port()
            kept[-1:] = [*device, "-device", f"{arg},{where}"]
        else:
            kept.append(arg)
    return kept


def mac(index):
    """MAC address of port `index`, as its NVM has it."""
    return f"52:54:00:82:57:{index:02x}"
