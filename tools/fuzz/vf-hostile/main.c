// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver of a virtual function of the Intel 82576, in user space. See ../README.md.
 */

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dma.h"

static const char usage[] =
	"usage: vf-hostile [options] DDDD:BB:DD.F ATTACK...\n"
	"The function is bound to vfio-pci. Attacks, one after the other:\n"
	"  messages   count messages: proper, nearly proper, random; some replies are waited for\n"
	"  storm      count messages, as fast as they can be written\n"
	"  quota      more VLANs, addresses and groups than a VF may have\n"
	"  hold       holds on to the mailbox, rings without it, changes messages while they are read\n"
	"  keep       rings and keeps the mailbox, for count milliseconds\n"
	"  bells      acknowledges what nobody sent, for count milliseconds\n"
	"  running    RESET while a queue is turned on again and again, for count milliseconds\n"
	"  resets     VTCTRL.RST amid messages, writes to RSTI and RSTD\n"
	"  flr        function level resets amid messages (count / 100 of them)\n"
	"  registers  anything into any register, bus mastering off\n"
	"  dma        reads and writes at each address given with -a\n"
	"  unmap      sends and receives in memory that was just taken from it\n"
	"  works      sends itself a frame: does the function work, and was it let in?\n"
	"  dirt       leaves something in every register a next owner should not see\n"
	"  look       prints what those registers hold\n"
	"  pause      does nothing for a second\n"
	"options:\n"
	"  -s SEED    of what is random; printed, and taken from the clock without this\n"
	"  -n COUNT   how many; 1000\n"
	"  -m MAC     another function's address, to be taken; up to 16\n"
	"  -a ADDRESS outside the function's memory; up to 16\n"
	"Prints one line of JSON.\n";

static struct victims victims;
static uint64_t addresses[16];
static unsigned int address_count;

static void add_mac(const char *text)
{
	uint8_t *m = victims.mac[victims.count];

	if (victims.count == 16 || sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6)
		errx(2, "-m %s: no address, or too many", text);
	victims.count++;
}

static void add_address(const char *text)
{
	char *end;

	if (address_count == 16)
		errx(2, "-a: too many");
	addresses[address_count++] = strtoull(text, &end, 0);
	if (*end)
		errx(2, "-a %s: not a number", text);
}

static void attack(struct function *f, struct rng *r, const char *what, unsigned long count, struct deeds *d)
{
	if (!strcmp(what, "messages")) {
		attack_messages(f, r, &victims, count, d);
	} else if (!strcmp(what, "storm")) {
		attack_storm(f, r, &victims, count, d);
	} else if (!strcmp(what, "quota")) {
		attack_quota(f, &victims, d);
	} else if (!strcmp(what, "hold")) {
		attack_hold(f, r, count, d);
	} else if (!strcmp(what, "keep")) {
		attack_keep(f, count, d);
	} else if (!strcmp(what, "bells")) {
		attack_bells(f, count, d);
	} else if (!strcmp(what, "running")) {
		attack_running(f, count, d);
	} else if (!strcmp(what, "resets")) {
		attack_resets(f, r, count, d);
	} else if (!strcmp(what, "flr")) {
		attack_flr(f, r, &victims, 1 + count / 100, d);
	} else if (!strcmp(what, "registers")) {
		attack_registers(f, r, count, d);
	} else if (!strcmp(what, "dma")) {
		for (unsigned int i = 0; i < address_count; i++)
			dma_attack(f, addresses[i], d);
	} else if (!strcmp(what, "unmap")) {
		printf("\"after_unmap\": %u, ", dma_after_unmap(f, d));
	} else if (!strcmp(what, "works")) {
		printf("\"works\": %s, ", dma_works(f, d) ? "true" : "false");
	} else if (!strcmp(what, "dirt")) {
		dirt_leave(f, d);
	} else if (!strcmp(what, "look")) {
		dirt_print(f);
	} else if (!strcmp(what, "pause")) {
		sleep(1);
	} else {
		errx(2, "%s: no such attack", what);
	}
}

int main(int argc, char **argv)
{
	struct rng r = { now_us() | 1 };
	unsigned long count = 1000;
	struct deeds d = { 0 };
	struct function f;
	uint64_t seed, start;
	int option;

	while ((option = getopt(argc, argv, "s:n:m:a:")) != -1) {
		switch (option) {
		case 's':
			r.state = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			count = strtoul(optarg, NULL, 0);
			break;
		case 'm':
			add_mac(optarg);
			break;
		case 'a':
			add_address(optarg);
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (argc - optind < 2) {
		fputs(usage, stderr);
		return 2;
	}
	seed = r.state;
	r.state = r.state * 2 + 1;
	fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
	function_open(&f, argv[optind++]);
	start = now_us();
	printf("{\"seed\": %llu, ", (unsigned long long)seed);
	for (; optind < argc; optind++)
		attack(&f, &r, argv[optind], count, &d);
	printf("\"ms\": %llu, \"sent\": %lu, \"read\": %lu, \"accepted\": %lu, \"refused\": %lu, \"other\": %lu, "
	       "\"unanswered\": %lu, \"leaks\": %lu, \"leaked\": %u, \"resets\": %lu, \"function_resets\": %lu, \"writes\": %lu}\n",
	       (unsigned long long)(now_us() - start) / 1000, d.tally.sent, d.tally.read, d.tally.accepted, d.tally.refused,
	       d.tally.other, d.tally.unanswered, d.tally.leaks, d.tally.leaked, d.resets, d.function_resets, d.writes);
	return 0;
}
