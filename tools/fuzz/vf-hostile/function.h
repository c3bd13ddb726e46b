/* SPDX-License-Identifier: GPL-2.0 */
/* A PCI function by VFIO: its first BAR, its resets, and memory it may reach. */

#ifndef FUNCTION_H
#define FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory the function may reach, and where. */
#define ARENA_IOVA 0x40000000ull
#define ARENA_SIZE (2ul << 20)

struct function {
	int container;
	int group;
	int device;
	volatile uint8_t *bar;
	size_t bar_size;
	uint8_t *arena;
};

/* Opens the function with PCI address "0000:01:10.0", which is bound to vfio-pci. Exits if it cannot. */
void function_open(struct function *f, const char *address);

/* Sets the function's bus mastering. */
void function_master(struct function *f, bool on);

/* Function level reset. */
void function_reset(struct function *f);

/* Lets the function reach the arena, or no longer. */
void arena_map(struct function *f);
void arena_unmap(struct function *f);

static inline uint32_t reg_read(struct function *f, unsigned int offset)
{
	return *(volatile uint32_t *)(f->bar + offset);
}

static inline void reg_write(struct function *f, unsigned int offset, uint32_t value)
{
	*(volatile uint32_t *)(f->bar + offset) = value;
}

#endif
