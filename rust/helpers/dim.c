// SPDX-License-Identifier: GPL-2.0
#include <linux/dim.h>

#include "helpers.h"

/* In C: work is initialised by a macro. */
void nic_dim_init(struct dim *dim, work_func_t func)
{
	memset(dim, 0, sizeof(*dim));
	dim->mode = DIM_CQ_PERIOD_MODE_START_FROM_EQE;
	dim->profile_ix = NET_DIM_DEF_PROFILE_EQE;
	INIT_WORK(&dim->work, func);
}

/* In C: the sample is filled in by an inline function. */
void nic_dim_sample(struct dim *dim, u16 events, u64 packets, u64 bytes)
{
	struct dim_sample sample = {};

	dim_update_sample(events, packets, bytes, &sample);
	net_dim(dim, &sample);
}

/* The interval chosen last, in microseconds. */
u32 nic_dim_usecs(const struct dim *dim)
{
	return net_dim_get_rx_moderation(dim->mode, READ_ONCE(dim->profile_ix)).usec;
}

/* The interval chosen last is in force: measure again. */
void nic_dim_applied(struct dim *dim)
{
	WRITE_ONCE(dim->state, DIM_START_MEASURE);
}
