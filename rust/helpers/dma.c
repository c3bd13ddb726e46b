// SPDX-License-Identifier: GPL-2.0
#include <linux/cc_platform.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "helpers.h"

/*
 * Zeroed pages, each with a reference count of its own. @last: no smaller order will be tried after
 * this one, so it is worth reclaiming and compacting for.
 * In C: the flags are macros that bindgen does not read.
 */
struct page *nic_alloc_pages(int node, unsigned int order, bool last)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;
	struct page *pages;

	pages = alloc_pages_node(node, gfp | (last ? __GFP_RETRY_MAYFAIL : __GFP_NORETRY), order);
	if (pages)
		split_page(pages, order);
	return pages;
}

/*
 * Gives up the pages at @address; one that somebody else holds is freed when they let go.
 * In C: neighbours in the array of pages are neighbours in memory, which Rust cannot know.
 */
void nic_put_pages(const void *address, unsigned int order)
{
	struct page *page = virt_to_page(address), *end = page + (1UL << order);

	for (; page < end; page++)
		put_page(page);
}

/*
 * Whether nobody but its owner holds the page at @address; what they did with it is done then.
 * In C: three inline functions in one call for each packet.
 */
bool nic_page_is_sole(const void *address)
{
	if (page_ref_count(virt_to_page(address)) != 1)
		return false;
	smp_acquire__after_ctrl_dep();
	return true;
}

void *nic_page_address(const struct page *page)
{
	return page_address(page);
}

u64 nic_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}

/* In C: the flags are macros that bindgen does not read. */
void *nic_dma_alloc(struct device *dev, size_t size, dma_addr_t *handle, bool last)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;

	return dma_alloc_coherent(dev, size, handle,
				  gfp | (last ? __GFP_RETRY_MAYFAIL : __GFP_NORETRY));
}

u64 nic_dma_mask(struct device *dev)
{
	return dma_get_mask(dev);
}

int nic_dev_to_node(struct device *dev)
{
	return dev_to_node(dev);
}

bool nic_guest_memory_encrypted(void)
{
	return cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT);
}

void nic_warn_dma_left(u64 arenas, u64 bytes)
{
	WARN(true, "%s: DMA memory left behind: %llu arenas, %llu bytes\n", THIS_MODULE->name,
	     arenas, bytes);
}

int nic_iommu_attach(struct iommu_domain *domain, struct device *dev)
{
	return iommu_attach_device(domain, dev);
}
NIC_MAY_FAIL(nic_iommu_attach);

int nic_iommu_map(struct iommu_domain *domain, u64 iova, u64 phys, size_t size, int prot)
{
	return iommu_map(domain, iova, phys, size, prot, GFP_KERNEL);
}
NIC_MAY_FAIL(nic_iommu_map);

/*
 * Bus addresses that the host bridge routes to devices: a switch may send a request for them to
 * a peer instead of the IOMMU. The last byte of a window that overlaps [@first, @last], or 0.
 * In C: the list is walked by a macro.
 */
u64 nic_pci_window_end(struct pci_dev *pdev, u64 first, u64 last)
{
	struct pci_host_bridge *bridge = pci_find_host_bridge(pdev->bus);
	struct resource_entry *window;

	resource_list_for_each_entry(window, &bridge->windows) {
		u64 start = window->res->start - window->offset;
		u64 end = window->res->end - window->offset;

		if (resource_type(window->res) == IORESOURCE_MEM && start <= last && end >= first)
			return end;
	}
	return 0;
}
