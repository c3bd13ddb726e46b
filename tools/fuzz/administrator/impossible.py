# SPDX-License-Identifier: GPL-2.0
"""Kinds of commands that cannot be carried out on these functions, and why.

All other kinds must be carried out at least once in a run. Those here are given, too, and a run says which of them it saw
carried out after all, so that the list can be put right.
"""

HARDWARE = "the device has no such thing"
OFFERED = "the drivers do not offer it"
ARGUMENT = "needs an object that nothing here makes"

_WHY = {
    HARDWARE: (
        "ethtool cable-test-act", "ethtool cable-test-tdr-act", "ethtool fec-set", "ethtool mm-set", "ethtool module-eeprom-get",
        "ethtool module-fw-flash-act", "ethtool plca-set-cfg", "ethtool pse-set", "ethtool rss-create-act", "ethtool rss-delete-act",
        "ethtool tunnel-info-get", "vf rss-query-en", "vf of a VF", "pci sriov_vf_msix_count",
        "pci power/wakeup",
        "devlink linecard-set", "devlink trap-set", "devlink trap-group-set", "devlink trap-policer-set", "devlink sb-occ-max-clear",
        "devlink sb-occ-snapshot", "devlink sb-pool-set", "devlink sb-port-pool-set", "devlink sb-tc-pool-bind-set"),
    OFFERED: (
        "ethtool wol-set", "ethtool privflags-set", "ethtool eee-set", "ethtool tsconfig-set",
        "netdev bind-tx", "rtnl carrier", "sysfs carrier", "rtnl proto down", "sysfs proto_down", "sysfs tx/tx_maxrate",
        "sysfs power/autosuspend_delay_ms", "pci power/autosuspend_delay_ms",
        "devlink dpipe-entries-get", "devlink dpipe-headers-get", "devlink dpipe-table-get", "devlink dpipe-table-counters-set",
        "devlink flash-update", "devlink health-reporter-test", "devlink param-set", "devlink port-param-set", "devlink port-new",
        "devlink port-del", "devlink port-set", "devlink port-split", "devlink port-unsplit", "devlink rate-new", "devlink rate-del",
        "devlink rate-set", "devlink region-new", "devlink region-del", "devlink region-read", "devlink reload",
        "devlink resource-set", "devlink selftests-run"),
    ARGUMENT: ("netdev bind-rx", "netdev queue-create"),
}

IMPOSSIBLE = {kind: why for why, kinds in _WHY.items() for kind in kinds}
"""Kind to reason."""

NEEDS = {"tc class": "sch_htb", "tc newtclass": "sch_htb", "tc deltclass": "sch_htb", "tc gettclass": "sch_htb"}
"""Kinds that need a module which not every kernel has."""
