/* SPDX-License-Identifier: GPL-2.0 */
/* A VF's side of the mailbox (82576 datasheet 7.10.2.9), polite or not. */

#ifndef MAILBOX_H
#define MAILBOX_H

#include "function.h"

#define WORDS 16

/* V2PMAILBOX */
#define V2P 0xc40
#define V2P_REQ (1u << 0)
#define V2P_ACK (1u << 1)
#define V2P_VFU (1u << 2)
#define V2P_PFSTS (1u << 4)
#define V2P_PFACK (1u << 5)
#define V2P_RSTI (1u << 6)
#define V2P_RSTD (1u << 7)
/* VMBMEM */
#define VMBMEM 0x800

/* First dword of a message. */
#define MSG_ACK (1u << 31)
#define MSG_NACK (1u << 30)
#define MSG_CTS (1u << 29)

enum {
	MSG_RESET = 1,
	MSG_SET_MAC,
	MSG_SET_MULTICAST,
	MSG_SET_VLAN,
	MSG_SET_LPE,
	MSG_SET_PROMISC,
	MSG_PF_CONTROL = 0x100,
};

/* What became of messages. */
struct tally {
	unsigned long sent;		/* doorbells rung */
	unsigned long read;		/* acknowledged by the PF while we looked */
	unsigned long accepted;		/* replies with ACK */
	unsigned long refused;		/* replies with NACK */
	unsigned long other;		/* other messages of the PF */
	unsigned long unanswered;	/* waited for in vain */
	unsigned long leaks;		/* words in a reply that are neither zero nor ours */
	uint32_t leaked;		/* the newest of them */
};

/* Microseconds of a clock that does not go back. */
uint64_t now_us(void);

/* Writes a message and rings, taking the buffer before (polite) or not. */
void mailbox_post(struct function *f, const uint32_t words[WORDS], bool polite, struct tally *t);

/* Waits for the reply to words up to that long, reads and judges it. True if there was one. */
bool mailbox_reply(struct function *f, const uint32_t words[WORDS], uint32_t reply[WORDS], unsigned int us, struct tally *t);

/* Sends and waits, up to some seconds as a polite driver would. True if the PF carried it out. */
bool mailbox_ask(struct function *f, uint32_t header, uint32_t first, uint32_t second, uint32_t reply[WORDS], struct tally *t);

#endif
