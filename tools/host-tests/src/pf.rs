// SPDX-License-Identifier: GPL-2.0

//! A PF without a device: the bank, and an emulation of the registers it writes.

use crate::{
    Box,
    Vec, //
};
use igb_common::{
    layout::{
        Layout,
        QUEUES, //
    },
    mac::MacAddr,
    mbx::{
        Reply,
        VfRequest,
        Words, //
    },
    multicast::MTA_REGISTERS,
    rar::RAR_ENTRIES,
    vf_bank::{
        VfBank,
        Write, //
    },
    vf_slot::{
        Counters,
        VfState, //
    },
    vlan::{
        VlanWrite,
        VFTA_REGISTERS,
        VLVF_ENTRIES, //
    },
};

/// The registers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registers {
    /// VFRE and VFTE.
    pub queues: u32,
    /// DTXSWC.
    pub spoof: u32,
    /// RAL and RAH.
    pub rar: [(u32, u32); RAR_ENTRIES],
    /// VLVF.
    pub vlvf: [u32; VLVF_ENTRIES],
    /// VFTA.
    pub vfta: [u32; VFTA_REGISTERS],
    /// MTA.
    pub mta: [u32; MTA_REGISTERS],
    /// VMOLR.
    pub vmolr: [u32; 8],
    /// VMVIR.
    pub vmvir: [u32; 8],
    /// RTTBCNRC by queue.
    pub rate: [u32; QUEUES as usize],
    /// How often queues were scrubbed.
    pub scrubs: u32,
    /// Not a register: the pools that are VFs'.
    pub vf_pools: u32,
}

impl Registers {
    /// A device with rubbish in it.
    pub fn new() -> Self {
        const RUBBISH: u32 = 0xa5a5_a5a5;
        Self {
            queues: RUBBISH,
            spoof: RUBBISH,
            rar: [(RUBBISH, RUBBISH); RAR_ENTRIES],
            vlvf: [RUBBISH; VLVF_ENTRIES],
            vfta: [RUBBISH; VFTA_REGISTERS],
            mta: [RUBBISH; MTA_REGISTERS],
            vmolr: [0; 8],
            vmvir: [0; 8],
            rate: [0; QUEUES as usize],
            scrubs: 0,
            vf_pools: 0,
        }
    }

    /// Rubbish again, but in the registers of pools that are not a VF's.
    pub fn wipe(&mut self) {
        *self = Self {
            vmolr: self.vmolr,
            vmvir: self.vmvir,
            vf_pools: self.vf_pools,
            ..Self::new()
        };
    }

    /// Does what the bank says; returns what is for a VF.
    pub fn write(&mut self, write: Write) -> Option<(u8, Reply)> {
        match write {
            Write::Queues(value) => self.queues = value,
            Write::Rar { index, ral, rah } => self.rar[usize::from(index)] = (ral, rah),
            Write::Vlan(VlanWrite::Vlvf(index, value)) => self.vlvf[usize::from(index)] = value,
            Write::Vlan(VlanWrite::Vfta(index, value)) => self.vfta[usize::from(index)] = value,
            Write::Mta { index, value } => self.mta[usize::from(index)] = value,
            Write::Vmolr { pool, value } => self.vmolr[usize::from(pool)] = value,
            Write::Vmvir { pool, value } => self.vmvir[usize::from(pool)] = value,
            Write::Spoof(value) => self.spoof = value,
            Write::Rate { queue, value } => self.rate[usize::from(queue)] = value,
            Write::Scrub { .. } => self.scrubs += 1,
            Write::Notice { vf, reply } => return Some((vf, reply)),
        }
        None
    }

    /// Whether `write`, done now, changes anything of a function other than VF `vf`. What the shared
    /// VFTA and MTA should hold is for the caller to know.
    pub fn is_foreign(&self, vf: u8, write: &Write) -> bool {
        let mine = 1u32 << vf;
        let pools = |rah: u32| (rah >> 31) * ((rah >> 18) & 0xff);
        let named = |vlvf: u32| (vlvf >> 31) * ((vlvf >> 12) & 0xff);
        match *write {
            Write::Queues(value) => (value ^ self.queues) & !mine != 0,
            Write::Rar { index, rah, .. } => {
                (pools(rah) | pools(self.rar[usize::from(index)].1)) & !mine != 0
            }
            Write::Vlan(VlanWrite::Vlvf(index, value)) => {
                let old = self.vlvf[usize::from(index)];
                // The PF's bit comes and goes with the entry.
                let others = named(old) & (self.vf_pools & !mine);
                let kept = (value ^ old) & 0xfff == 0 && named(value) & others == others;
                others != 0 && !kept || named(value) & self.vf_pools & !mine & !others != 0
            }
            Write::Vlan(VlanWrite::Vfta(..)) | Write::Mta { .. } => false,
            Write::Vmolr { pool, .. } | Write::Vmvir { pool, .. } => pool != vf,
            Write::Rate { queue, .. } => Layout::pool_of_queue(queue) != vf,
            Write::Scrub { vf: whose } => whose != vf,
            Write::Spoof(_) | Write::Notice { .. } => true,
        }
    }

    /// The station addresses of a pool, sorted.
    pub fn addresses(&self, pool: u8) -> Vec<MacAddr> {
        let mine = |rah: u32| rah >> 31 == 1 && rah & (1 << (18 + pool)) != 0;
        let mut list: Vec<_> = self
            .rar
            .iter()
            .filter(|(_, rah)| mine(*rah))
            .map(|(ral, rah)| MacAddr::from_words([*ral, *rah]))
            .collect();
        list.sort_unstable_by_key(|mac| mac.bytes());
        list
    }

    /// The pools VLVF names for a VLAN that VFTA lets in.
    pub fn vlan_pools(&self, vid: u16) -> u8 {
        if self.vfta[usize::from(vid >> 5)] & (1 << (vid & 31)) == 0 {
            return 0;
        }
        let names = |value: &u32| value >> 31 == 1 && (value & 0xfff) as u16 == vid;
        let mut named = self.vlvf.iter().copied().filter(names);
        let pools = named.next().map_or(0, |value| (value >> 12) as u8);
        assert_eq!(named.next(), None, "a VLAN is named twice");
        pools
    }
}

impl Default for Registers {
    fn default() -> Self {
        Self::new()
    }
}

/// The PF.
pub struct Pf {
    /// What is tested; in the kernel a case with several PFs has not enough stack for them.
    pub bank: Box<VfBank>,
    /// What it wrote.
    pub hw: Registers,
    /// Milliseconds.
    pub now: u64,
    /// Mbit/s.
    pub link: u32,
}

impl Pf {
    /// Before anything happened.
    pub fn new() -> Self {
        Self {
            bank: Box::new(VfBank::new()),
            hw: Registers::new(),
            now: 0,
            link: 1000,
        }
    }

    /// Writes what has to be written and returns the notices.
    pub fn flush(&mut self) -> Vec<(u8, Reply)> {
        self.hw.vf_pools = (1 << self.bank.layout().vfs()) - 1;
        let mut notices = Vec::new();
        self.bank.flush(self.link, |write| {
            notices.extend(self.hw.write(write));
            true
        });
        notices
    }

    /// A VF's message arrives and is dealt with; returns the reply.
    pub fn send(&mut self, vf: u8, words: &Words) -> Option<Reply> {
        let outcome = self.bank.message(vf, words, self.now)?;
        self.bank.flush(self.link, |write| {
            assert!(
                !self.hw.is_foreign(vf, &write),
                "a message concerns nobody else: {write:?}"
            );
            self.hw.write(write);
            true
        });
        outcome.reply
    }

    /// The same with a proper request.
    pub fn ask(&mut self, vf: u8, request: VfRequest) -> Option<Reply> {
        self.send(vf, request.encode().words())
    }

    /// A VF is reset, which is served if it has a token.
    pub fn reset(&mut self, vf: u8) {
        let _ = self.bank.function_reset(vf, self.now);
    }

    /// How far a VF is.
    pub fn state(&self, vf: u8) -> VfState {
        self.bank
            .slot(vf)
            .map_or(VfState::Inactive, |slot| slot.state())
    }

    /// What became of a VF's messages.
    pub fn counters(&self, vf: u8) -> Counters {
        self.bank
            .slot(vf)
            .map_or_else(Counters::default, |slot| *slot.counters())
    }
}

impl Default for Pf {
    fn default() -> Self {
        Self::new()
    }
}
