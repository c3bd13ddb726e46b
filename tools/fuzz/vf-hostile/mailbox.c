// SPDX-License-Identifier: GPL-2.0

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mailbox.h"

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void mailbox_post(struct function *f, const uint32_t words[WORDS], bool polite, struct tally *t)
{
	if (polite)
		for (int tries = 0; tries < 50; tries++) {
			reg_write(f, V2P, V2P_VFU);
			if (reg_read(f, V2P) & V2P_VFU)
				break;
		}
	for (unsigned int i = 0; i < WORDS; i++)
		reg_write(f, VMBMEM + 4 * i, words[i]);
	reg_write(f, V2P, V2P_REQ);
	t->sent++;
}

/*
 * A word of a reply is zero, ours (the C PF leaves what we wrote), or the address after RESET. Anything else is
 * from elsewhere: the PF's stack, or another VF's message.
 */
static void judge(const uint32_t words[WORDS], const uint32_t reply[WORDS], struct tally *t)
{
	unsigned int first = (reply[0] & 0xffff) == MSG_RESET ? 3 : 1;

	for (unsigned int i = first; i < WORDS; i++)
		if (reply[i] && reply[i] != words[i]) {
			t->leaks++;
			t->leaked = reply[i];
		}
}

bool mailbox_reply(struct function *f, const uint32_t words[WORDS], uint32_t reply[WORDS], unsigned int us, struct tally *t)
{
	uint64_t end = now_us() + us;
	bool read = false;

	do {
		/* Reading clears what happened, so each look counts. */
		uint32_t v2p = reg_read(f, V2P);

		read |= v2p & V2P_PFACK;
		if (!(v2p & V2P_PFSTS))
			continue;
		for (unsigned int i = 0; i < WORDS; i++)
			reply[i] = reg_read(f, VMBMEM + 4 * i);
		reg_write(f, V2P, V2P_ACK);
		t->read += read;
		if (reply[0] & MSG_ACK)
			t->accepted++;
		else if (reply[0] & MSG_NACK)
			t->refused++;
		else
			t->other++;
		judge(words, reply, t);
		return true;
	} while (now_us() < end);
	t->read += read;
	t->unanswered += us != 0;
	return false;
}

bool mailbox_ask(struct function *f, uint32_t header, uint32_t first, uint32_t second, uint32_t reply[WORDS], struct tally *t)
{
	const uint32_t words[WORDS] = { header, first, second };

	for (int tries = 0; tries < 20; tries++) {
		mailbox_post(f, words, true, t);
		/* What crosses it, a ping or an old reply, is passed over. */
		for (int replies = 0; replies < 4 && mailbox_reply(f, words, reply, 500000, t); replies++) {
			if ((reply[0] & 0xffffff) == (header & 0xffffff) && (reply[0] & (MSG_ACK | MSG_NACK)))
				return (reply[0] & MSG_ACK) || (header & 0xffff) == MSG_RESET;
		}
		usleep(100000);
	}
	return false;
}
