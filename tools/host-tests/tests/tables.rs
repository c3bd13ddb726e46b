// SPDX-License-Identifier: GPL-2.0

//! Receive addresses and VLAN filters, against models and an emulation of their registers.

use host_tests::{
    station as mac,
    times,
    Rng,
    Vec, //
};
use igb_common::{
    layout::Layout,
    mac::MacAddr,
    rar::*,
    vlan::*, //
};

/// The pool that RAL and RAH of the table name for an address, as a bit.
fn receiver(registers: &[(u32, u32); RAR_ENTRIES], mac: MacAddr) -> Option<u32> {
    let mut found = None;
    for (ral, rah) in registers.iter().filter(|(_, rah)| rah >> 31 != 0) {
        let pools = (rah >> 18) & 0xff;
        assert_eq!(pools.count_ones(), 1);
        assert_eq!(rah & 0x7c03_0000, 0);
        if MacAddr::from_words([*ral, *rah]) == mac {
            let old = found.replace(pools);
            assert_eq!(old, None, "an address is in the table twice");
        }
    }
    found
}

#[test]
fn receive_addresses() {
    let mut table = RarTable::new();
    table.set_pf_mac(mac(1)).unwrap();
    table.set_layout(Layout::new(7).unwrap());
    table.set_vf_mac(0, mac(2)).unwrap();
    let mut registers = [(!0, !0); RAR_ENTRIES];
    table.flush(|index, ral, rah| registers[usize::from(index)] = (ral, rah));
    // Entry 0: the PF in pool 7; entry 23: VF 0 in pool 0.
    assert_eq!(registers[0], (0x0000_0002, 0x8200_0100));
    assert_eq!(registers[23], (0x0000_0002, 0x8004_0200));
    assert!(registers[1..23].iter().all(|entry| *entry == (0, 0)));

    assert_eq!(
        table.set_vf_mac(1, mac(1)),
        Err(RarError::InUse(RarOwner::Pf))
    );
    assert_eq!(
        table.set_vf_mac(1, mac(2)),
        Err(RarError::InUse(RarOwner::VfMac(0)))
    );
    assert_eq!(table.set_vf_mac(7, mac(3)), Err(RarError::Invalid));
    assert_eq!(table.set_vf_mac(1, MacAddr::ZERO), Err(RarError::Invalid));
    assert_eq!(
        table.add_vf_filter(1, mac(2)),
        Err(RarError::InUse(RarOwner::VfMac(0)))
    );
    table.flush(|_, _, _| panic!("a refusal changed something"));

    // 16 shared entries with 7 VFs.
    for n in 0..16 {
        table.add_vf_filter((n % 7) as u8, mac(100 + n)).unwrap();
    }
    assert_eq!(table.add_vf_filter(0, mac(200)), Err(RarError::Full));
    assert_eq!(table.add_vf_filter(0, mac(100)), Ok(()));
    assert_eq!(table.vf_filters(0), 3);
    table.clear_vf_filters(0);
    assert_eq!((table.vf_filters(0), table.vf_filters(1)), (0, 3));
    assert_eq!(table.vf_mac(0), Some(mac(2)));
    assert_eq!(table.evict_vf(mac(2)), Some(RarOwner::VfMac(0)));
    assert_eq!(table.evict_vf(mac(1)), None);
    assert_eq!(table.pf_mac(), Some(mac(1)));
}

#[test]
fn unicast_list_of_the_pf() {
    let mut table = RarTable::new();
    table.set_pf_mac(mac(1)).unwrap();
    // The PF's own address and nonsense in the list need no entry.
    let list: Vec<_> = (1..24).map(mac).chain([MacAddr::ZERO]).collect();
    assert_eq!(table.set_pf_unicast(list.iter().copied()), Ok(()));
    let long: Vec<_> = (1..30).map(mac).collect();
    assert_eq!(
        table.set_pf_unicast(long.iter().copied()),
        Err(RarError::Full)
    );
    // Entries 17 to 23 go to VFs: what fitted before does not.
    table.set_layout(Layout::new(7).unwrap());
    assert_eq!(table.owner_of(mac(2)), None);
    assert_eq!(
        table.set_pf_unicast(list.iter().copied()),
        Err(RarError::Full)
    );
    assert_eq!(table.owner_of(mac(2)), Some(RarOwner::PfUnicast));
    // And fits again when they are gone.
    table.set_layout(Layout::WITHOUT_VFS);
    assert_eq!(table.set_pf_unicast(list.iter().copied()), Ok(()));
    table.set_layout(Layout::new(7).unwrap());
    let short: Vec<_> = (2..10).map(mac).collect();
    assert_eq!(table.set_pf_unicast(short.iter().copied()), Ok(()));
    assert_eq!(table.owner_of(mac(17)), None);
    // An address of the list becomes the PF's own.
    table.set_pf_mac(mac(5)).unwrap();
    assert_eq!(table.owner_of(mac(5)), Some(RarOwner::Pf));
    assert_eq!(table.owner_of(mac(1)), None);
    table.set_layout(Layout::WITHOUT_VFS);
    assert_eq!(table.pf_mac(), Some(mac(5)));
    assert_eq!(table.owner_of(mac(9)), None);
}

#[test]
fn receive_addresses_under_random_use() {
    let mut rng = Rng::new(21);
    let mut table = RarTable::new();
    table.set_pf_mac(mac(1000)).unwrap();
    let mut layout = Layout::WITHOUT_VFS;
    let mut registers = [(!0, !0); RAR_ENTRIES];
    for _ in 0..times(50_000) {
        let vf = rng.below(8) as u8;
        // Few addresses, so that they collide.
        let some = mac(rng.below(40));
        let before = table.owner_of(some);
        match rng.below(100) {
            0 => {
                layout = Layout::new(rng.below(8) as u16).unwrap();
                table.set_layout(layout);
            }
            1 => {
                table.invalidate();
                registers = [(rng.word(), rng.word()); RAR_ENTRIES];
            }
            2..=20 => {
                let result = table.set_vf_mac(vf, some);
                if result.is_ok() {
                    assert_eq!(table.vf_mac(vf), Some(some));
                    assert!(vf < layout.vfs());
                    assert!(before.is_none_or(|owner| owner.vf() == Some(vf)));
                }
            }
            21..=60 => {
                let result = table.add_vf_filter(vf, some);
                if result.is_ok() {
                    assert!(before.is_none_or(|owner| owner.vf() == Some(vf)));
                }
            }
            61..=65 => table.clear_vf_filters(vf),
            66..=70 => table.clear_vf_mac(vf),
            71..=80 => {
                let list: Vec<_> = (0..rng.below(30)).map(|_| mac(rng.below(60))).collect();
                let _ = table.set_pf_unicast(list.iter().copied());
            }
            81..=85 => {
                let _ = table.set_pf_mac(some);
            }
            _ => {
                let evicted = table.evict_vf(some);
                assert_eq!(evicted.is_some(), before.is_some_and(|o| o.vf().is_some()));
            }
        }
        table.flush(|index, ral, rah| registers[usize::from(index)] = (ral, rah));
        for n in (0..60).chain([1000]) {
            let pools = table.owner_of(mac(n)).map(|owner| {
                let pool = owner.vf().unwrap_or(layout.pf_pool());
                assert!(pool <= layout.pf_pool());
                1 << pool
            });
            assert_eq!(receiver(&registers, mac(n)), pools);
        }
        // Where the C driver and the datasheet look for them.
        for vf in 0..7 {
            let (ral, rah) = registers[23 - usize::from(vf)];
            if let Some(own) = table.vf_mac(vf) {
                assert_eq!(MacAddr::from_words([ral, rah]), own);
                assert_eq!(rah >> 31, 1);
            }
        }
    }
}

/// VLVF and VFTA, and who receives a VLAN's frames.
struct VlanRegisters {
    vlvf: [u32; VLVF_ENTRIES],
    vfta: [u32; VFTA_REGISTERS],
}

impl VlanRegisters {
    fn write(&mut self, write: VlanWrite) {
        match write {
            VlanWrite::Vlvf(index, value) => self.vlvf[usize::from(index)] = value,
            VlanWrite::Vfta(index, value) => self.vfta[usize::from(index)] = value,
        }
    }

    fn pools(&self, vid: u16, default: u8) -> u8 {
        if self.vfta[usize::from(vid >> 5)] & (1 << (vid & 31)) == 0 {
            return 0;
        }
        let mut named = self
            .vlvf
            .iter()
            .filter(|value| *value >> 31 == 1 && (*value & 0xfff) as u16 == vid)
            .map(|value| (value >> 12) as u8)
            .peekable();
        match named.peek() {
            None => 1 << default,
            // While a VLAN moves, two may name it for an instant, with VFTA clear.
            Some(_) => named.fold(0, |all, pools| all | pools),
        }
    }
}

#[test]
fn vlans_under_random_use() {
    const VIDS: u16 = 60;
    let mut rng = Rng::new(22);
    for vfs in 1..=7 {
        let layout = Layout::new(vfs).unwrap();
        let pf = layout.pf_pool();
        let mut table = VlanTable::new();
        table.set_layout(layout);
        let mut registers = VlanRegisters {
            vlvf: [0; VLVF_ENTRIES],
            vfta: [0; VFTA_REGISTERS],
        };
        table.flush(|write| registers.write(write));
        // Who receives what, by pool and VLAN: the model.
        let mut model = [[false; VIDS as usize]; 8];
        let receives = |model: &[[bool; VIDS as usize]; 8], pool: u8, vid: u16| {
            model[usize::from(pool)][usize::from(vid)]
        };
        model[usize::from(pf)][0] = true;
        let mut pf_all = false;
        for _ in 0..times(4_000) {
            let before = model;
            let before_all = pf_all;
            // Several changes in one flush.
            for _ in 0..1 + rng.below(4) {
                let vf = rng.below(vfs.into()) as u8;
                let vid = rng.below(VIDS.into()) as u16;
                let (row, column) = (usize::from(vf), usize::from(vid));
                match rng.below(20) {
                    0 => {
                        pf_all = !pf_all;
                        table.set_pf_all(pf_all);
                    }
                    1 => {
                        let keep = rng.one_in(2).then_some(vid);
                        table.retain(vf, keep);
                        let kept = keep.is_some() && model[row][column];
                        model[row] = [false; VIDS as usize];
                        model[row][column] = kept;
                    }
                    2 => {
                        let first = rng.below(VIDS.into()) as u16;
                        table.retain_pf(|vid| vid >= first);
                        model[usize::from(pf)][1..usize::from(first).max(1)].fill(false);
                    }
                    3..=5 => {
                        let receive = rng.one_in(2);
                        table.set_pf(vid, receive);
                        model[usize::from(pf)][column] = receive;
                    }
                    6..=11 => {
                        table.remove(vf, vid);
                        model[row][column] = false;
                    }
                    _ => {
                        let of_vfs = |v| (0..pf).any(|pool| receives(&model, pool, v));
                        let used = (1..VIDS).filter(|v| of_vfs(*v)).count();
                        let fits = vid == 0 || of_vfs(vid) || used < 31;
                        let result = table.add(vf, vid);
                        assert_eq!(result, if fits { Ok(()) } else { Err(VlanError::Full) });
                        if fits {
                            model[row][column] = true;
                        }
                    }
                }
            }
            if rng.one_in(500) {
                table.invalidate();
                registers.vlvf = [0; VLVF_ENTRIES];
                registers.vfta = [0; VFTA_REGISTERS];
            }
            table.flush(|write| {
                registers.write(write);
                // Nobody gets, even for an instant, what it may have neither before nor after.
                for vid in 0..VIDS {
                    let pools = registers.pools(vid, pf);
                    for pool in (0..8).filter(|pool| pools & (1 << pool) != 0) {
                        let all = pool == pf && (pf_all || before_all);
                        let may = receives(&model, pool, vid) || receives(&before, pool, vid);
                        assert!(all || may, "pool {pool} vlan {vid}");
                    }
                }
            });
            table.flush(|_| panic!("nothing changed"));
            for vid in 0..VIDS {
                let mut pools = 0;
                for pool in 0..=pf {
                    if receives(&model, pool, vid) || (pool == pf && pf_all) {
                        pools |= 1 << pool;
                    }
                    if pool != pf {
                        assert_eq!(table.contains(pool, vid), receives(&model, pool, vid));
                    }
                }
                assert_eq!(registers.pools(vid, pf), pools, "vlan {vid}");
            }
        }
    }
}

#[test]
fn vlan_bounds() {
    let mut table = VlanTable::new();
    assert_eq!(table.add(0, 5), Err(VlanError::Invalid));
    table.set_layout(Layout::new(2).unwrap());
    assert_eq!(table.add(2, 5), Err(VlanError::Invalid));
    assert_eq!(table.add(0, 4096), Err(VlanError::Invalid));
    assert_eq!(table.add(0, 4095), Ok(()));
    assert!(table.of_vf(0).eq([4095]));
    table.set_pf(4096, true);
    assert!(!table.pf_contains(4096) && table.pf_contains(0));
    table.remove(200, 5);
    table.remove(0, 60_000);
    table.retain(200, None);
    assert!(table.contains(0, 4095));
    let share = |vfs| VlanTable::fair_share(Layout::new(vfs).unwrap());
    assert_eq!((share(0), share(1), share(2), share(7)), (0, 30, 15, 4));
}
