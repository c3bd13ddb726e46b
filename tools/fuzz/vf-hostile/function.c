// SPDX-License-Identifier: GPL-2.0

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "function.h"

static int open_group(const char *address)
{
	char path[PATH_MAX + 16], target[PATH_MAX];
	const char *number;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", address);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		err(2, "%s", path);
	target[len] = 0;
	number = strrchr(target, '/');
	snprintf(path, sizeof(path), "/dev/vfio/%s", number ? number + 1 : target);
	fd = open(path, O_RDWR);
	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

void function_open(struct function *f, const char *address)
{
	struct vfio_region_info region = { .argsz = sizeof(region), .index = VFIO_PCI_BAR0_REGION_INDEX };

	f->container = open("/dev/vfio/vfio", O_RDWR);
	if (f->container < 0)
		err(2, "/dev/vfio/vfio");
	f->group = open_group(address);
	if (ioctl(f->group, VFIO_GROUP_SET_CONTAINER, &f->container))
		err(2, "VFIO_GROUP_SET_CONTAINER");
	if (ioctl(f->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		err(2, "VFIO_SET_IOMMU");
	f->device = ioctl(f->group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (f->device < 0)
		err(2, "VFIO_GROUP_GET_DEVICE_FD");
	if (ioctl(f->device, VFIO_DEVICE_GET_REGION_INFO, &region))
		err(2, "VFIO_DEVICE_GET_REGION_INFO");
	f->bar_size = region.size;
	f->bar = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, f->device, (off_t)region.offset);
	if (f->bar == MAP_FAILED)
		err(2, "BAR 0");
	f->arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (f->arena == MAP_FAILED)
		err(2, "arena");
	arena_map(f);
	function_master(f, true);
}

void function_master(struct function *f, bool on)
{
	struct vfio_region_info region = { .argsz = sizeof(region), .index = VFIO_PCI_CONFIG_REGION_INDEX };
	uint16_t command;
	off_t place;

	if (ioctl(f->device, VFIO_DEVICE_GET_REGION_INFO, &region))
		err(2, "configuration space");
	place = (off_t)region.offset + PCI_COMMAND;
	if (pread(f->device, &command, 2, place) != 2)
		err(2, "PCI_COMMAND");
	command |= PCI_COMMAND_MASTER;
	if (!on)
		command ^= PCI_COMMAND_MASTER;
	if (pwrite(f->device, &command, 2, place) != 2)
		err(2, "PCI_COMMAND");
}

void function_reset(struct function *f)
{
	if (ioctl(f->device, VFIO_DEVICE_RESET))
		err(2, "VFIO_DEVICE_RESET");
	function_master(f, true);
}

void arena_map(struct function *f)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)f->arena,
		.iova = ARENA_IOVA,
		.size = ARENA_SIZE,
	};

	if (ioctl(f->container, VFIO_IOMMU_MAP_DMA, &map))
		err(2, "VFIO_IOMMU_MAP_DMA");
}

void arena_unmap(struct function *f)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = ARENA_IOVA,
		.size = ARENA_SIZE,
	};

	if (ioctl(f->container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		err(2, "VFIO_IOMMU_UNMAP_DMA");
}
