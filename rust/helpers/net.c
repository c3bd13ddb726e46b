// SPDX-License-Identifier: GPL-2.0
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/sctp.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/gro.h>
#include <net/ipv6.h>

#include "helpers.h"

struct net_device *nic_alloc_etherdev(int size, unsigned int queues)
{
	return alloc_etherdev_mqs(size, queues, queues);
}

void *nic_netdev_priv(const struct net_device *dev)
{
	return netdev_priv(dev);
}

void nic_set_netdev_dev(struct net_device *dev, struct device *parent)
{
	SET_NETDEV_DEV(dev, parent);
}

void nic_netif_napi_add(struct net_device *dev, struct napi_struct *napi,
			int (*poll)(struct napi_struct *, int), int index)
{
	netif_napi_add_config(dev, napi, poll, index);
}

void nic_netif_napi_del(struct napi_struct *napi)
{
	netif_napi_del(napi);
}

void nic_napi_schedule(struct napi_struct *napi)
{
	napi_schedule(napi);
}

void nic_napi_set_irq(struct napi_struct *napi, int irq)
{
	netif_napi_set_irq(napi, irq);
}

void nic_tx_lock_bh(struct netdev_queue *txq)
{
	__netif_tx_lock_bh(txq);
}

void nic_tx_unlock_bh(struct netdev_queue *txq)
{
	__netif_tx_unlock_bh(txq);
}

struct netdev_queue *nic_get_tx_queue(struct net_device *dev, unsigned int index)
{
	return netdev_get_tx_queue(dev, index);
}

void nic_tx_stop_queue(struct netdev_queue *txq)
{
	netif_tx_stop_queue(txq);
}

/* Stops a queue for other reasons than a full ring: the watchdog counts from here, and nothing is being transmitted. */
void nic_tx_hold_queue(struct netdev_queue *txq)
{
	__netif_tx_lock_bh(txq);
	netif_tx_stop_queue(txq);
	txq_trans_cond_update(txq);
	__netif_tx_unlock_bh(txq);
}

void nic_tx_start_queue(struct netdev_queue *txq)
{
	netif_tx_start_queue(txq);
}

bool nic_tx_queue_stopped(const struct netdev_queue *txq)
{
	return netif_tx_queue_stopped(txq);
}

/* Accounts for a packet: whether the doorbell is due (NIC_SENT_DUE), the queue stopped (NIC_SENT_STOPPED). */
unsigned int nic_tx_sent(struct netdev_queue *txq, unsigned int bytes)
{
	unsigned int sent = __netdev_tx_sent_queue(txq, bytes, netdev_xmit_more()) ?
				    NIC_SENT_DUE : 0;

	return netif_xmit_stopped(txq) ? sent | NIC_SENT_STOPPED : sent;
}

/* dql_completed() ends in BUG() over more than was sent; here it is a warning, and cut off. */
void nic_tx_completed(struct netdev_queue *txq, unsigned int pkts, unsigned int bytes)
{
#ifdef CONFIG_BQL
	unsigned int sent = READ_ONCE(txq->dql.num_queued) - txq->dql.num_completed;

	if (WARN_ON_ONCE(bytes > sent))
		bytes = sent;
#endif
	netdev_tx_completed_queue(txq, pkts, bytes);
}

void nic_tx_reset(struct netdev_queue *txq)
{
	netdev_tx_reset_queue(txq);
}

void nic_smp_mb(void)
{
	smp_mb();
}

/* What a device has to be told about a packet. Offsets are from the start of the packet. */
void nic_skb_tx_info(const struct sk_buff *skb, struct nic_tx_info *info)
{
	*info = (struct nic_tx_info){ .len = skb->len };

	if (skb_vlan_tag_present(skb)) {
		info->has_vlan = true;
		info->vlan_tci = skb_vlan_tag_get(skb);
	}
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return;

	info->l3_offset = skb_network_offset(skb);
	info->l4_offset = skb_checksum_start_offset(skb);
	info->ipv4 = vlan_get_protocol(skb) == htons(ETH_P_IP);

	switch (skb->csum_offset) {
	case offsetof(struct tcphdr, check):
		info->csum = NIC_CSUM_TCP;
		break;
	case offsetof(struct udphdr, check):
		info->csum = NIC_CSUM_UDP;
		break;
	case offsetof(struct sctphdr, checksum):
		info->csum = skb_csum_is_sctp((struct sk_buff *)skb) ? NIC_CSUM_SCTP :
								       NIC_CSUM_OTHER;
		break;
	default:
		info->csum = NIC_CSUM_OTHER;
	}

	if (skb_is_gso(skb) && info->csum == NIC_CSUM_TCP) {
		const struct tcphdr *tcp = tcp_hdr(skb);
		__sum16 check = tcp->check;

		info->gso_size = skb_shinfo(skb)->gso_size;
		info->gso_segs = skb_shinfo(skb)->gso_segs;
		info->l4_len = __tcp_hdrlen(tcp);
		/* The device adds the length of each segment to the pseudo header's sum. */
		csum_replace_by_diff(&check, (__force __wsum)htonl(skb->len - info->l4_offset));
		info->tso_check = (__force u16)check;
	}
}

int nic_skb_copy_bits(const struct sk_buff *skb, void *to, unsigned int len)
{
	if (likely(!skb_is_nonlinear(skb))) {
		if (len > skb->len)
			return -EINVAL;
		memcpy(to, skb->data, len);
		return 0;
	}
	return skb_copy_bits(skb, 0, to, len);
}

/* On error the kernel's functions look at the packet's device, which may be gone unless it is the queue's. */
int nic_skb_checksum_help(struct sk_buff *skb, const struct netdev_queue *txq)
{
	if (skb->dev != txq->dev || skb_shared(skb))
		return -EINVAL;
	return skb_csum_is_sctp(skb) ? skb_crc32c_csum_help(skb) : skb_checksum_help(skb);
}

void nic_dev_kfree_skb_any(struct sk_buff *skb)
{
	dev_kfree_skb_any(skb);
}

/* The time stamp looks at the packet's device, which may be gone unless it is the queue's. */
void nic_skb_sent(struct sk_buff *skb, const struct netdev_queue *txq)
{
	if (likely(skb->dev == txq->dev))
		skb_tx_timestamp(skb);
	dev_consume_skb_any(skb);
}

struct sk_buff *nic_napi_alloc_skb(struct napi_struct *napi, unsigned int len)
{
	return napi_alloc_skb(napi, len);
}

/* Appends a copy; false, with nothing done, when there is no room for it. */
bool nic_skb_append(struct sk_buff *skb, const void *from, unsigned int len)
{
	if (unlikely(skb_tailroom(skb) < len))
		return false;
	memcpy(__skb_put(skb, len), from, len);
	return true;
}

static void skb_set_rx_info(struct sk_buff *skb, const struct nic_rx_info *info)
{
	if (info->csum_good)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (info->has_hash)
		skb_set_hash(skb, info->hash,
			     info->hash_l4 ? PKT_HASH_TYPE_L4 : PKT_HASH_TYPE_L3);
	if (info->has_vlan)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), info->vlan_tci);
	skb_record_rx_queue(skb, info->queue);
}

/*
 * Gives a whole Ethernet frame to the stack: a copy of its headers, and references to the pages
 * of the rest. False, with nothing done, without memory or when the headers are too long.
 */
bool nic_napi_lend(struct napi_struct *napi, const void *headers, unsigned int len,
		   const struct nic_piece *pieces, unsigned int count, unsigned int truesize,
		   const struct nic_rx_info *info)
{
	struct sk_buff *skb = napi_get_frags(napi);
	unsigned int i;

	if (unlikely(!skb || skb_tailroom(skb) < len || count > MAX_SKB_FRAGS))
		return false;
	memcpy(__skb_put(skb, len), headers, len);
	for (i = 0; i < count; i++) {
		struct page *page = virt_to_page(pieces[i].at);

		get_page(page);
		skb_add_rx_frag(skb, i, page, offset_in_page(pieces[i].at), pieces[i].len,
				truesize);
	}
	/* The buffer may have been another packet's before. */
	skb_clear_hash(skb);
	skb_set_rx_info(skb, info);
	napi_gro_frags(napi);
	return true;
}

/* Gives a whole Ethernet frame to the stack; true when it went to a group address. */
bool nic_napi_receive(struct napi_struct *napi, struct sk_buff *skb,
		      const struct nic_rx_info *info)
{
	struct net_device *dev = napi->dev;
	bool group;

	skb_set_rx_info(skb, info);
	skb->protocol = eth_type_trans(skb, dev);
	group = skb->pkt_type == PACKET_MULTICAST;
	napi_gro_receive(napi, skb);
	return group;
}

netdev_features_t nic_features_check(struct sk_buff *skb, netdev_features_t features,
				     unsigned int max_l2, unsigned int max_l3)
{
	const netdev_features_t offloads = NETIF_F_HW_CSUM | NETIF_F_SCTP_CRC |
					   NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_TSO | NETIF_F_TSO6;
	unsigned int l2, l3;

	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return features;
	l2 = skb_network_offset(skb);
	l3 = skb_checksum_start_offset(skb) - l2;
	if (unlikely(l2 > max_l2 || l3 > max_l3))
		return features & ~offloads;
	/* Tunnels: the device would segment and sum the outer headers. */
	if (skb->encapsulation && skb_is_gso(skb))
		return features & ~NETIF_F_GSO_MASK;
	return features;
}

bool nic_netif_running(const struct net_device *dev)
{
	return netif_running(dev);
}

bool nic_netdev_registered(const struct net_device *dev)
{
	return dev->reg_state == NETREG_REGISTERED;
}

static int add_vlan_id(struct net_device *vlan, int vid, void *ids)
{
	u64 *word = (u64 *)ids + vid / 64;

	*word |= BIT_ULL(vid % 64);
	return 0;
}

/* Sets in @ids, NIC_VLAN_WORDS of them, the bit of each VLAN that is wanted of @dev; with RTNL. */
void nic_vlan_ids(struct net_device *dev, u64 *ids)
{
	vlan_for_each(dev, add_vlan_id, ids);
}

void nic_set_unicast_filter(struct net_device *dev)
{
	dev->priv_flags |= IFF_UNICAST_FLT;
}
