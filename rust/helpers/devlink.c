// SPDX-License-Identifier: GPL-2.0
#include <net/devlink.h>

#include "helpers.h"

/* In C: the private area is found by an inline function. */
struct devlink *nic_devlink_alloc(const struct devlink_ops *ops, struct device *dev, void *context)
{
	struct devlink *devlink = devlink_alloc(ops, sizeof(context), dev);

	if (devlink)
		*(void **)devlink_priv(devlink) = context;
	return devlink;
}

void *nic_devlink_context(struct devlink *devlink)
{
	return *(void **)devlink_priv(devlink);
}
