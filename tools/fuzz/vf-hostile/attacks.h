/* SPDX-License-Identifier: GPL-2.0 */
/* What a hostile VF can do besides DMA. */

#ifndef ATTACKS_H
#define ATTACKS_H

#include "mailbox.h"

/* VTCTRL */
#define VTCTRL 0x0
#define VTCTRL_RST (1u << 26)

struct rng {
	uint64_t state;
};

/* xorshift64*: the same numbers for the same seed, everywhere. */
uint32_t rng_word(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t bound);

/* Other functions' addresses, which the VF tries to take. */
struct victims {
	unsigned int count;
	uint8_t mac[16][6];
};

/* What was done, beyond messages. */
struct deeds {
	struct tally tally;
	unsigned long resets;		/* VTCTRL.RST */
	unsigned long function_resets;
	unsigned long writes;		/* other registers */
};

/* Sends count messages: proper, nearly proper and random; every few waits for the reply, now and then resets. */
void attack_messages(struct function *f, struct rng *r, const struct victims *v, unsigned long count, struct deeds *d);
/* The same messages, without ever waiting. */
void attack_storm(struct function *f, struct rng *r, const struct victims *v, unsigned long count, struct deeds *d);
/* Resets, with messages before, between and after. */
void attack_resets(struct function *f, struct rng *r, unsigned long count, struct deeds *d);
/* Function level resets with messages between. */
void attack_flr(struct function *f, struct rng *r, const struct victims *v, unsigned long count, struct deeds *d);
/* Holds on to the mailbox, or lets go in the wrong way, or acknowledges what nobody sent. */
void attack_hold(struct function *f, struct rng *r, unsigned long count, struct deeds *d);
/* Rings and keeps the mailbox, in one write, for so many milliseconds: it has something to say and does not let it be read. */
void attack_keep(struct function *f, unsigned long ms, struct deeds *d);
/* Says that it has read what nobody sent, for so many milliseconds. */
void attack_bells(struct function *f, unsigned long ms, struct deeds *d);
/* Sends RESET again and again for so many milliseconds, while a thread turns a queue on whenever it was turned off. */
void attack_running(struct function *f, unsigned long ms, struct deeds *d);
/* Asks for all there is: VLANs, MAC filters, groups. */
void attack_quota(struct function *f, const struct victims *v, struct deeds *d);
/* Writes anything to any register of the VF. Bus mastering is off meanwhile. */
void attack_registers(struct function *f, struct rng *r, unsigned long count, struct deeds *d);

#endif
