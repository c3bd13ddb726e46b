/* SPDX-License-Identifier: GPL-2.0 */
/* What bindgen reads for the crate `nic`. */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/devlink.h>
#include <net/netdev_queues.h>

#include "helpers/helpers.h"
