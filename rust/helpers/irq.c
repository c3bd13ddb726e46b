// SPDX-License-Identifier: GPL-2.0
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>

#include "helpers.h"

/*
 * Says where the interrupt should be, and with @place puts it there.
 * In C: masks of processors are made by macros.
 */
void nic_irq_spread(unsigned int irq, unsigned int index, struct device *dev, bool place)
{
	unsigned int cpu = cpumask_local_spread(index, dev_to_node(dev));

	if (place)
		irq_set_affinity_and_hint(irq, cpumask_of(cpu));
	else
		irq_update_affinity_hint(irq, cpumask_of(cpu));
}

void nic_irq_clear_hint(unsigned int irq)
{
	irq_update_affinity_hint(irq, NULL);
}

/* In C: what an interrupt refers to is found by inline functions. */
const char *nic_irq_chip_name(unsigned int irq)
{
	struct irq_chip *chip = irq_get_chip(irq);

	return chip ? chip->name : NULL;
}

/*
 * The interrupt passes a domain that only lets a device send the messages it was given.
 * In C: as in nic_irq_chip_name().
 */
bool nic_irq_isolated(unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);

	for (; data; data = data->parent_data)
		if (data->domain && (data->domain->flags & IRQ_DOMAIN_FLAG_ISOLATED_MSI))
			return true;
	return false;
}

/* In C: as in nic_irq_chip_name(). */
unsigned int nic_irq_effective_cpu(unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);

	return data ? cpumask_first(irq_data_get_effective_affinity_mask(data)) : 0;
}

unsigned int nic_num_online_cpus(void)
{
	return num_online_cpus();
}
