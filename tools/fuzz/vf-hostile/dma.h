/* SPDX-License-Identifier: GPL-2.0 */
/* A VF that reads and writes where it may not. */

#ifndef DMA_H
#define DMA_H

#include "attacks.h"

/* Makes the function read and write at address by descriptor, ring and head write-back. */
void dma_attack(struct function *f, uint64_t address, struct deeds *d);
/* Sends a frame to itself within the arena. True if it came, bit for bit. */
bool dma_works(struct function *f, struct deeds *d);
/* How many of so many frames come after the arena was taken away. */
unsigned int dma_after_unmap(struct function *f, struct deeds *d);
/* Leaves a value of its own in every register of the VF's queues that it can write, and in its filters. */
void dirt_leave(struct function *f, struct deeds *d);
/* Prints as JSON members what those registers hold. */
void dirt_print(struct function *f);

#endif
