// SPDX-License-Identifier: GPL-2.0
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <net/gro.h>

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

void nic_netdev_lock(struct net_device *dev)
{
	netdev_lock(dev);
}

void nic_netdev_unlock(struct net_device *dev)
{
	netdev_unlock(dev);
}

void nic_napi_add_config_locked(struct net_device *dev, struct napi_struct *napi,
				int (*poll)(struct napi_struct *, int), int index)
{
	netif_napi_add_config_locked(dev, napi, poll, index);
}

void nic_napi_schedule(struct napi_struct *napi)
{
	napi_schedule(napi);
}

void nic_tx_lock_bh(struct netdev_queue *txq)
{
	__netif_tx_lock_bh(txq);
}

void nic_tx_unlock_bh(struct netdev_queue *txq)
{
	__netif_tx_unlock_bh(txq);
}

bool nic_tx_owned(struct netdev_queue *txq)
{
	return netif_tx_owned(txq, smp_processor_id());
}

void nic_tx_dropped_inc(struct net_device *dev)
{
	dev_core_stats_tx_dropped_inc(dev);
}

struct netdev_queue *nic_get_tx_queue(struct net_device *dev, unsigned int index)
{
	return netdev_get_tx_queue(dev, index);
}

void nic_tx_stop_queue(struct netdev_queue *txq)
{
	netif_tx_stop_queue(txq);
}

void nic_txq_trans_cond_update(struct netdev_queue *txq)
{
	txq_trans_cond_update(txq);
}

void nic_tx_start_queue(struct netdev_queue *txq)
{
	netif_tx_start_queue(txq);
}

bool nic_tx_queue_stopped(const struct netdev_queue *txq)
{
	return netif_tx_queue_stopped(txq);
}

/*
 * Accounts for a packet: whether the doorbell is due (NIC_SENT_DUE), the queue stopped (NIC_SENT_STOPPED).
 * In C: three inline functions in one call for each packet.
 */
unsigned int nic_tx_sent(struct netdev_queue *txq, unsigned int bytes)
{
	unsigned int sent = __netdev_tx_sent_queue(txq, bytes, netdev_xmit_more()) ?
				    NIC_SENT_DUE : 0;

	return netif_xmit_stopped(txq) ? sent | NIC_SENT_STOPPED : sent;
}

/*
 * dql_completed() ends in BUG() over more than was sent; here it is a warning, and cut off.
 * In C: the fields exist only with CONFIG_BQL, and their rules are the kernel's own.
 */
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

/* In C: the function for SCTP is there only where something uses it, as the condition knows. */
int nic_skb_checksum_help(struct sk_buff *skb)
{
	return skb_csum_is_sctp(skb) ? skb_crc32c_csum_help(skb) : skb_checksum_help(skb);
}

bool nic_skb_csum_is_sctp(struct sk_buff *skb)
{
	return skb_csum_is_sctp(skb);
}

__be16 nic_vlan_get_protocol(const struct sk_buff *skb)
{
	return vlan_get_protocol(skb);
}

/* In C: a packet in one piece, which most are, costs one call and a copy. */
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

const struct net_device *nic_skb_dev(const struct sk_buff *skb)
{
	return skb->dev;
}

bool nic_skb_shared(const struct sk_buff *skb)
{
	return skb_shared(skb);
}

void nic_dev_kfree_skb_any(struct sk_buff *skb)
{
	dev_kfree_skb_any(skb);
}

/*
 * The time stamp looks at the packet's device, which may be gone unless it is the queue's.
 * In C: two inline functions in one call for each packet.
 */
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

/*
 * Appends a copy; false, with nothing done, when there is no room for it.
 * In C: two inline functions and the copy in one call for each piece.
 */
bool nic_skb_append(struct sk_buff *skb, const void *from, unsigned int len)
{
	if (unlikely(skb_tailroom(skb) < len))
		return false;
	memcpy(__skb_put(skb, len), from, len);
	return true;
}

/* In C: inline functions, of which each packet needs some. */
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
 * In C: a dozen inline functions in one call for each packet.
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

/*
 * Gives a whole Ethernet frame to the stack; true when it went to a group address.
 * In C: several inline functions in one call for each packet.
 */
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

bool nic_netif_running(const struct net_device *dev)
{
	return netif_running(dev);
}

bool nic_netdev_registered(const struct net_device *dev)
{
	return dev->reg_state == NETREG_REGISTERED;
}

int nic_vlan_for_each(struct net_device *dev,
		      int (*action)(struct net_device *vlan, int vid, void *arg), void *arg)
{
	return vlan_for_each(dev, action, arg);
}

void nic_set_unicast_filter(struct net_device *dev)
{
	dev->priv_flags |= IFF_UNICAST_FLT;
}
