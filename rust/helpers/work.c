// SPDX-License-Identifier: GPL-2.0
#include <linux/workqueue.h>

#include "helpers.h"

/*
 * Unbound: work must not wait for the processor of the interrupt that scheduled it, where somebody may
 * be busy waiting for its result (the C igbvf does, for the answer to a message).
 */

void nic_init_delayed_work(struct delayed_work *work, work_func_t func)
{
	INIT_DELAYED_WORK(work, func);
}

/*
 * On any CPU: a VF driver on the CPU that scheduled this may be spinning until its message is answered.
 */
bool nic_schedule_delayed_work(struct delayed_work *work, unsigned long delay)
{
	return queue_delayed_work(system_dfl_wq, work, delay);
}

bool nic_expedite_delayed_work(struct delayed_work *work)
{
	return mod_delayed_work(system_dfl_wq, work, 0);
}
