# SPDX-License-Identifier: GPL-2.0
"""What the guest's kernel and our drivers say about a PCI function: sysfs and debugfs, read from the host."""

import dataclasses

_FACTS = """
cd /sys/bus/pci/devices || exit 1
for address in "$@"; do
	cd $address || exit 1
	driver=$(readlink driver) netdev=$(ls net 2>/dev/null) mac=$(cat net/*/address 2>/dev/null) group=$(readlink iommu_group)
	driver=${driver##*/} group=${group##*/}
	echo $address ${driver:--} ${netdev:--} ${mac:--} ${group:--}
	cd ..
done
"""


@dataclasses.dataclass
class Vector:
    """One MSI-X vector: its number in Linux, its name, its interrupt chip, the CPU it goes to."""

    irq: int
    name: str
    chip: str
    cpu: int
    remapped: bool

    def report(self):
        """For report.json."""
        return {"irq": self.irq, "name": self.name, "chip": self.chip, "cpu": self.cpu}


@dataclasses.dataclass
class Function:
    """A PCI function with one of our drivers; `kind` is "pf" or "vf", `label` its namespace in the demo."""

    bdf: str
    kind: str
    label: str
    address: str
    driver: str = ""
    netdev: str = ""
    mac: str = ""
    iommu_group: int | None = None
    domain: str = ""
    arena_bytes: int = 0
    vectors: list = dataclasses.field(default_factory=list)
    traffic: list = dataclasses.field(default_factory=list)

    def report(self):
        """For report.json."""
        return {
            "bdf": self.bdf, "kind": self.kind, "driver": self.driver, "netdev": self.netdev, "mac": self.mac,
            "iommu_group": self.iommu_group, "domain": self.domain, "arena_bytes": self.arena_bytes,
            "vectors": [vector.report() for vector in self.vectors], "traffic": self.traffic,
        }

    def faults(self):
        """What is wrong with the function's isolation, as sentences; empty when all is as it should be."""
        if self.domain != "private":
            yield f"{self.bdf}: its domain is {self.domain or 'unknown'}, not a private one"
        if self.arena_bytes <= 0:
            yield f"{self.bdf}: nothing is mapped for it"
        if not self.vectors:
            yield f"{self.bdf}: has no vectors"
        for vector in self.vectors:
            if not vector.remapped:
                yield f"{self.bdf}: interrupt {vector.irq} ({vector.name}) is not remapped"


def find(guest, functions):
    """Fills in driver, netdev, MAC address and IOMMU group of each function."""
    script = ["bash", "-c", _FACTS, "facts", *(function.bdf for function in functions)]
    for function, line in zip(functions, guest.check(script).splitlines(), strict=True):
        driver, netdev, mac, group = ("" if word == "-" else word for word in line.split()[1:])
        function.driver, function.netdev, function.mac = driver, netdev, mac
        function.iommu_group = int(group) if group else None


def find_protection(guest, function):
    """Fills in domain, bytes mapped and vectors of a function whose netdev is up, from its driver's debugfs files."""
    folder = f"/sys/kernel/debug/{function.driver}/{function.bdf}"
    iommu = parse_iommu(guest.read(f"{folder}/iommu"))
    function.domain = iommu["domain"]
    function.arena_bytes = int(iommu["bytes"])
    function.vectors = parse_vectors(guest.read(f"{folder}/vectors"))


def parse_iommu(text):
    """The `key: value` lines of a debugfs file `iommu`; of several ranges, the last."""
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def parse_vectors(text):
    """The lines `index irq name chip remapped|direct cpu` of a debugfs file `vectors`."""
    vectors = []
    for line in text.splitlines():
        _, irq, name, chip, how, cpu = line.split()
        vectors.append(Vector(int(irq), name, chip, int(cpu), how == "remapped"))
    return vectors


def numbers(values):
    """[3, 4, 5, 9] as "3-5,9"."""
    spans = []
    for value in sorted(values):
        if spans and spans[-1][1] == value - 1:
            spans[-1][1] = value
        else:
            spans.append([value, value])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans)
