// SPDX-License-Identifier: GPL-2.0

//! What the device is set to.

use igb_common::{
    frame::Mtu,
    itr::Coalescing,
    layout::{
        Layout,
        MAX_RSS_QUEUES,
        MAX_VFS, //
    },
    mac::MacAddr,
    ring::RingSize,
    rss::{
        HashFields,
        Key,
        Reta,
        KEY_LEN, //
    },
    vf_bank::VfBank, //
};
use igb_hw::vf_stats::VfStats;
use kernel::prelude::*;
use nic::{
    ethtool::Messages,
    irq::online_cpus,
    net, //
};

use super::{
    queues::RunningPair,
    Adapter, //
};
use crate::hw::{
    FlowControl,
    HwStats,
    Lights,
    Link,
    LinkConfig,
    PhyLink, //
};

/// What the device is set to, and what it is known to be doing.
pub(crate) struct Config<'bound> {
    /// The VFs and the filters they share with the PF.
    pub(crate) bank: KBox<VfBank>,
    /// VFs whose message was left unread because they send too many or keep the mailbox; one bit each.
    pub(crate) unread: u8,
    /// VFs whose queues did not stop; one bit each, until it is reported.
    pub(crate) shut_out: u8,
    /// How the link is to be.
    pub(crate) link: LinkConfig,
    /// Kinds of messages that are logged.
    pub(crate) messages: Messages,
    /// How the link is.
    pub(crate) link_now: Option<Link>,
    /// What the PHY said of it when it came up: whoever asks later must not wait for the PHY, which the
    /// firmware may have for a second.
    pub(crate) phy_link: PhyLink,
    /// What the port's lights showed before they were made to blink.
    pub(crate) lights: Option<Lights>,
    /// Flow control in force.
    pub(crate) flow: FlowControl,
    /// It is not yet what the link asks for.
    pub(super) flow_due: bool,
    /// Descriptors of each receive ring.
    pub(crate) rx_size: RingSize,
    /// Descriptors of each transmit ring.
    pub(crate) tx_size: RingSize,
    /// Queue pairs to use, if the layout allows.
    pub(crate) pairs_wanted: u8,
    /// Queue pairs that run; none while the interface is down.
    pub(crate) running: KVec<RunningPair<'bound>>,
    /// They have run without a link.
    pub(super) ran_without_link: bool,
    /// The watchdog is to start the queues anew.
    pub(crate) stale_queues: bool,
    /// Milliseconds from the last failure to set up the device to the next try; 0 if it is set up.
    pub(super) retry_ms: u32,
    /// Reception beyond the PF's own addresses, as the stack wants it.
    pub(crate) rx_mode: net::RxMode,
    /// The PF's further unicast addresses.
    pub(crate) unicast: KVec<MacAddr>,
    /// They did not fit into the filters.
    pub(crate) unicast_overflow: bool,
    /// Strip VLAN tags.
    pub(crate) strip_vlan: bool,
    /// Longest packet.
    pub(crate) mtu: Mtu,
    /// Which hash goes to which queue; `None` is an even spread.
    pub(crate) rss_table: Option<Reta>,
    /// Hash key.
    pub(crate) rss_key: Key,
    /// Headers that are hashed.
    pub(crate) rss_fields: HashFields,
    /// Moderation of queue interrupts.
    pub(crate) coalescing: Coalescing,
    /// What the port counted.
    pub(crate) stats: HwStats,
    /// Packets that each of the PF's queue pairs had no descriptor for.
    pub(crate) ring_drops: [u64; MAX_RSS_QUEUES as usize],
    /// What the VFs counted.
    pub(crate) vf_stats: [VfStats; MAX_VFS as usize],
}

impl Config<'_> {
    /// What a device begins with: `bank` says what its functions have, `link` how the link is to be.
    pub(super) fn new(bank: KBox<VfBank>, link: LinkConfig) -> Self {
        let mut rss_key = [0; KEY_LEN];
        net::rss_key_fill(&mut rss_key);
        Self {
            bank,
            unread: 0,
            shut_out: 0,
            link,
            messages: Messages::DEFAULT,
            link_now: None,
            phy_link: PhyLink::default(),
            lights: None,
            flow: FlowControl::default(),
            flow_due: false,
            rx_size: RingSize::DEFAULT,
            tx_size: RingSize::DEFAULT,
            // Further processors may come; more pairs are for the user to ask for.
            pairs_wanted: u8::try_from(online_cpus()).unwrap_or(u8::MAX),
            running: KVec::new(),
            ran_without_link: false,
            stale_queues: false,
            retry_ms: 0,
            rx_mode: net::RxMode {
                promiscuous: false,
                all_multicast: false,
            },
            unicast: KVec::new(),
            unicast_overflow: false,
            strip_vlan: true,
            mtu: Mtu::DEFAULT,
            rss_table: None,
            rss_key,
            rss_fields: HashFields::default(),
            coalescing: Coalescing::DEFAULT,
            stats: HwStats::default(),
            ring_drops: Default::default(),
            vf_stats: [VfStats::default(); MAX_VFS as usize],
        }
    }

    /// Milliseconds until the next try to set up the device; `None` if it is set up.
    pub(crate) fn retry_ms(&self) -> Option<u32> {
        (self.retry_ms != 0).then_some(self.retry_ms)
    }

    /// Queue pairs in use under the layout.
    pub(crate) fn pairs(&self, adapter: &Adapter<'_>) -> u8 {
        self.pairs_under(adapter, self.bank.layout())
    }

    /// Queue pairs to use under `layout`.
    pub(crate) fn pairs_under(&self, adapter: &Adapter<'_>, layout: Layout) -> u8 {
        self.pairs_wanted.min(adapter.pairs_for(layout)).max(1)
    }

    /// Which hash goes to which queue pair: the user's table where all its pairs are in use.
    pub(crate) fn spread(&self, adapter: &Adapter<'_>) -> Reta {
        let pairs = self.pairs(adapter);
        self.rss_table
            .filter(|table| table.entries().iter().all(|pair| *pair < pairs))
            .unwrap_or_else(|| Reta::spread(pairs))
    }

    /// Whether a queue without descriptors drops packets. Otherwise they wait in the packet buffer, and all other
    /// queues' with them: for one queue's sake, or where the partner is asked to pause meanwhile.
    pub(crate) fn drops(&self, adapter: &Adapter<'_>) -> bool {
        self.bank.layout().has_vfs() || self.pairs(adapter) > 1 && !self.flow.tx
    }

    /// Speed of the link in Mb/s, 0 when it is down.
    pub(crate) fn link_mbps(&self) -> u32 {
        self.link_now.map_or(0, |link| link.speed.mbps())
    }
}
