// SPDX-License-Identifier: GPL-2.0

//! Network devices: interface, queues, NAPI, socket buffers, statistics.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

mod address;
mod builder;
mod callbacks;
mod extack;
pub mod features;
mod interface;
mod napi;
mod offload;
mod operations;
mod pair;
mod queue;
mod registered;
mod rtnl;
mod skbuff;
mod stats;
mod vf;
mod vlan;

pub use self::{
    address::{
        rss_key_fill,
        AddressList,
        MacAddress, //
    },
    builder::Builder,
    extack::ExtAck,
    features::Features,
    interface::Interface,
    napi::{
        Pieces,
        Poll,
        RxPoll, //
    },
    offload::{
        L4Checksum,
        TransmitInfo, //
    },
    operations::{
        Operations,
        Progress,
        RxMode,
        TxOutcome, //
    },
    queue::{
        Sent,
        TxCompletions,
        TxQueue, //
    },
    registered::{
        RegisteredInterface,
        RunningInterface, //
    },
    rtnl::{
        Rtnl,
        RtnlGuard, //
    },
    skbuff::{
        ReceiveInfo,
        RxHash,
        RxSkBuff,
        SkBuff, //
    },
    stats::{
        LinkStats,
        QueueStats,
        RxStats,
        TxStats,
        Writer, //
    },
    vf::{
        PortVlan,
        VfAdmin,
        VfConfig,
        VfLinkState,
        VfStats, //
    },
    vlan::VlanIds, //
};

pub(crate) use self::{
    callbacks::{
        interface,
        rtnl, //
    },
    stats::Counter, //
};
