// SPDX-License-Identifier: GPL-2.0
#include <linux/workqueue.h>

#include "helpers.h"

void nic_init_delayed_work(struct delayed_work *work, work_func_t func)
{
	INIT_DELAYED_WORK(work, func);
}

bool nic_schedule_delayed_work(struct delayed_work *work, unsigned long delay)
{
	return schedule_delayed_work(work, delay);
}

bool nic_expedite_delayed_work(struct delayed_work *work)
{
	return mod_delayed_work(system_percpu_wq, work, 0);
}
