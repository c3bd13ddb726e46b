/* SPDX-License-Identifier: GPL-2.0 */
/* Static inlines and macros of the kernel that Rust cannot call, one function each. */
#ifndef NIC_HELPERS_H
#define NIC_HELPERS_H

#include <linux/dim.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>
#include <net/devlink.h>

/* A kernel for tests can make these return an error: debugfs/fail_function. */
#ifdef CONFIG_FAIL_FUNCTION
#include <linux/error-injection.h>
#define NIC_MAY_FAIL(function) ALLOW_ERROR_INJECTION(function, ERRNO)
#else
#define NIC_MAY_FAIL(function)
#endif

/* debugfs.c */
struct nic_debugfs_file {
	/* Called with the entry itself in seq_file.private. */
	int (*show)(struct seq_file *seq, void *unused);
};
struct dentry *nic_debugfs_create_dir(const char *module, const char *name,
				      struct nic_debugfs_file *ledger);
void nic_debugfs_remove_dir(struct dentry *dir);
void nic_debugfs_create_file(const char *name, struct dentry *dir,
			     struct nic_debugfs_file *entry);

/* devlink.c */
struct devlink *nic_devlink_alloc(const struct devlink_ops *ops, struct device *dev, void *context);
void *nic_devlink_context(struct devlink *devlink);

/* dim.c */
void nic_dim_init(struct dim *dim, work_func_t func);
void nic_dim_sample(struct dim *dim, u16 events, u64 packets, u64 bytes);
u32 nic_dim_usecs(const struct dim *dim);
void nic_dim_applied(struct dim *dim);

/* dma.c */
struct page *nic_alloc_pages(int node, unsigned int order, bool last);
void nic_put_pages(const void *address, unsigned int order);
bool nic_page_is_sole(const void *address);
void *nic_page_address(const struct page *page);
u64 nic_page_to_phys(struct page *page);
void *nic_dma_alloc(struct device *dev, size_t size, dma_addr_t *handle, bool last);
u64 nic_dma_mask(struct device *dev);
int nic_dev_to_node(struct device *dev);
bool nic_guest_memory_encrypted(void);
void nic_warn_dma_left(u64 arenas, u64 bytes);
int nic_iommu_attach(struct iommu_domain *domain, struct device *dev);
int nic_iommu_map(struct iommu_domain *domain, u64 iova, u64 phys, size_t size, int prot);
u64 nic_pci_window_end(struct pci_dev *pdev, u64 first, u64 last);

/* irq.c */
void nic_irq_spread(unsigned int irq, unsigned int index, struct device *dev, bool place);
void nic_irq_clear_hint(unsigned int irq);
const char *nic_irq_chip_name(unsigned int irq);
bool nic_irq_isolated(unsigned int irq);
unsigned int nic_irq_effective_cpu(unsigned int irq);
unsigned int nic_num_online_cpus(void);

/* net.c */
struct net_device *nic_alloc_etherdev(int size, unsigned int queues);
void *nic_netdev_priv(const struct net_device *dev);
void nic_set_netdev_dev(struct net_device *dev, struct device *parent);
void nic_netdev_lock(struct net_device *dev);
void nic_netdev_unlock(struct net_device *dev);
void nic_napi_add_config_locked(struct net_device *dev, struct napi_struct *napi,
				int (*poll)(struct napi_struct *, int), int index);
void nic_napi_schedule(struct napi_struct *napi);
void nic_tx_lock_bh(struct netdev_queue *txq);
void nic_tx_unlock_bh(struct netdev_queue *txq);
bool nic_tx_owned(struct netdev_queue *txq);
void nic_tx_dropped_inc(struct net_device *dev);
struct netdev_queue *nic_get_tx_queue(struct net_device *dev, unsigned int index);
void nic_tx_stop_queue(struct netdev_queue *txq);
void nic_txq_trans_cond_update(struct netdev_queue *txq);
void nic_tx_start_queue(struct netdev_queue *txq);
bool nic_tx_queue_stopped(const struct netdev_queue *txq);
unsigned int nic_tx_sent(struct netdev_queue *txq, unsigned int bytes);
void nic_tx_completed(struct netdev_queue *txq, unsigned int pkts, unsigned int bytes);
void nic_tx_reset(struct netdev_queue *txq);
void nic_smp_mb(void);
void nic_set_unicast_filter(struct net_device *dev);
bool nic_netif_running(const struct net_device *dev);
bool nic_netdev_registered(const struct net_device *dev);

enum {
	NIC_VLAN_N_VID = VLAN_N_VID,
};
int nic_vlan_for_each(struct net_device *dev,
		      int (*action)(struct net_device *vlan, int vid, void *arg), void *arg);

enum nic_sent {
	NIC_SENT_DUE = 1,
	NIC_SENT_STOPPED = 2,
};

struct nic_rx_info {
	u32 hash;
	u16 vlan_tci;
	u16 queue;
	bool has_hash;
	bool hash_l4;
	bool has_vlan;
	bool csum_good;
};

/* Some bytes of a packet. */
struct nic_piece {
	const void *at;
	u32 len;
};

int nic_skb_checksum_help(struct sk_buff *skb);
bool nic_skb_csum_is_sctp(struct sk_buff *skb);
__be16 nic_vlan_get_protocol(const struct sk_buff *skb);
int nic_skb_copy_bits(const struct sk_buff *skb, void *to, unsigned int len);
const struct net_device *nic_skb_dev(const struct sk_buff *skb);
bool nic_skb_shared(const struct sk_buff *skb);
void nic_dev_kfree_skb_any(struct sk_buff *skb);
void nic_skb_sent(struct sk_buff *skb, const struct netdev_queue *txq);
struct sk_buff *nic_napi_alloc_skb(struct napi_struct *napi, unsigned int len);
bool nic_skb_append(struct sk_buff *skb, const void *from, unsigned int len);
bool nic_napi_receive(struct napi_struct *napi, struct sk_buff *skb,
		      const struct nic_rx_info *info);
bool nic_napi_lend(struct napi_struct *napi, const void *headers, unsigned int len,
		   const struct nic_piece *pieces, unsigned int count, unsigned int truesize,
		   const struct nic_rx_info *info);

/* pci.c */
int nic_alloc_msix(struct pci_dev *pdev, unsigned int min, unsigned int max);
struct pci_dev *nic_next_vf(struct pci_dev *pf, struct pci_dev *from);
bool nic_sleep_before(struct pci_dev *first, struct pci_dev *second);
void nic_lengthen_completion_timeout(struct pci_dev *pdev);
bool nic_config_blocked(struct pci_dev *pdev);
bool nic_device_trylock(struct pci_dev *pdev);
void nic_device_unlock(struct pci_dev *pdev);

/* work.c */
void nic_init_delayed_work(struct delayed_work *work, work_func_t func);
bool nic_schedule_delayed_work(struct delayed_work *work, unsigned long delay);
bool nic_expedite_delayed_work(struct delayed_work *work);

#endif
