// SPDX-License-Identifier: GPL-2.0
#include <linux/device.h>
#include <linux/pci.h>

#include "helpers.h"

/* The number of vectors, or an error. */
int nic_alloc_msix(struct pci_dev *pdev, unsigned int min, unsigned int max)
{
	return pci_alloc_irq_vectors(pdev, min, max, PCI_IRQ_MSIX);
}
NIC_MAY_FAIL(nic_alloc_msix);

/*
 * The VF of @pf after @from, whose reference is dropped, or its first; NULL after the last. Takes a
 * reference.
 * In C: whose a function is says a bit field and an inline function.
 */
struct pci_dev *nic_next_vf(struct pci_dev *pf, struct pci_dev *from)
{
	do
		from = pci_get_device(pf->vendor, PCI_ANY_ID, from);
	while (from && !(from->is_virtfn && pci_physfn(from) == pf));
	return from;
}

/* Sleeping, waking and shutting down in order; removed with the first of the two devices. */
bool nic_sleep_before(struct pci_dev *first, struct pci_dev *second)
{
	return device_link_add(&first->dev, &second->dev, DL_FLAG_STATELESS);
}

/*
 * Ranges of 10 to 250 ms are bit 1 of the supported ones, and 16 to 55 ms is value 5.
 * In C: the last of the functions is inline.
 */
void nic_lengthen_completion_timeout(struct pci_dev *pdev)
{
	u32 ranges = 0;
	u16 control = 0;

	pcie_capability_read_dword(pdev, PCI_EXP_DEVCAP2, &ranges);
	pcie_capability_read_word(pdev, PCI_EXP_DEVCTL2, &control);
	if ((ranges & 0x2) && !(control & PCI_EXP_DEVCTL2_COMP_TIMEOUT))
		pcie_capability_set_word(pdev, PCI_EXP_DEVCTL2, 0x5);
}

/* Whether a reset of @pdev, alone or with others, is under way. */
bool nic_config_blocked(struct pci_dev *pdev)
{
	return pdev->block_cfg_access;
}

bool nic_device_trylock(struct pci_dev *pdev)
{
	return device_trylock(&pdev->dev);
}

void nic_device_unlock(struct pci_dev *pdev)
{
	device_unlock(&pdev->dev);
}
