// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU TCG plugin: counts the instructions a guest executes, all in all and per block of code.
 *
 * Plugin argument `socket=PATH`; with `blocks=on` each block counts, too. Each connection to that socket sends one line and gets an answer:
 *
 *	total			"N": instructions executed since the start, on all processors
 *	clear			"ok": forget what blocks counted
 *	blocks			"ADDRESS INSTRUCTIONS RUNS" for each block that ran, in decimal; needs `blocks=on`
 *
 * Time does not enter, so neither does what else the machine is doing. Debian has no package with
 * qemu-plugin.h; the few functions used are declared here (docs/devel/tcg-plugins.rst of QEMU).
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_scoreboard;
typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} plugin_u64;
enum { INLINE_ADD_U64 = 0 };

struct plugin_info;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
						  void (*cb)(struct qemu_plugin_tb *, void *),
						  void *data);
extern void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, int op,
							      plugin_u64 entry, uint64_t imm);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
extern uint64_t qemu_plugin_u64_sum(plugin_u64 entry);

/* QEMU refuses a plugin made for another version of the interface. 7 is QEMU 11.1's. */
EXPORT int qemu_plugin_version = 7;

/* Blocks by address; a block translated again keeps its counter. Lengths share it: the sum is exact. */
struct block {
	uint64_t address;
	uint64_t seen;
	plugin_u64 runs;
	plugin_u64 instructions;
	uint64_t runs_then;
	uint64_t instructions_then;
	struct block *next;
};

enum { BUCKETS = 1 << 16 };
static struct block *buckets[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static plugin_u64 total;
static bool per_block;

static plugin_u64 counter(void)
{
	return (plugin_u64){ .score = qemu_plugin_scoreboard_new(sizeof(uint64_t)) };
}

static struct block *find(uint64_t address)
{
	struct block **bucket = &buckets[(address ^ address >> 16) % BUCKETS];
	struct block *block;

	for (block = *bucket; block; block = block->next)
		if (block->address == address)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block)
		return NULL;
	block->address = address;
	block->runs = counter();
	block->instructions = counter();
	block->next = *bucket;
	*bucket = block;
	return block;
}

static void translated(struct qemu_plugin_tb *tb, void *data)
{
	uint64_t count = qemu_plugin_tb_n_insns(tb);
	struct block *block;

	(void)data;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, INLINE_ADD_U64, total, count);
	if (!per_block)
		return;
	pthread_mutex_lock(&lock);
	block = find(qemu_plugin_tb_vaddr(tb));
	pthread_mutex_unlock(&lock);
	if (!block)
		return;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, INLINE_ADD_U64, block->runs, 1);
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, INLINE_ADD_U64, block->instructions,
							  count);
}

static void blocks(FILE *to)
{
	struct block *block;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (block = buckets[i]; block; block = block->next) {
			uint64_t runs = qemu_plugin_u64_sum(block->runs) - block->runs_then;

			if (runs)
				fprintf(to, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", block->address,
					qemu_plugin_u64_sum(block->instructions) -
						block->instructions_then,
					runs);
		}
}

static void clear(void)
{
	struct block *block;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (block = buckets[i]; block; block = block->next) {
			block->runs_then = qemu_plugin_u64_sum(block->runs);
			block->instructions_then = qemu_plugin_u64_sum(block->instructions);
		}
}

static void *serve(void *arg)
{
	int listener = (int)(intptr_t)arg;

	for (;;) {
		char line[16] = "";
		int client = accept(listener, NULL, NULL);
		FILE *stream = client < 0 ? NULL : fdopen(client, "w");

		if (!stream)
			return NULL;
		if (read(client, line, sizeof(line) - 1) > 0) {
			pthread_mutex_lock(&lock);
			if (!strcmp(line, "total\n")) {
				fprintf(stream, "%" PRIu64 "\n", qemu_plugin_u64_sum(total));
			} else if (!strcmp(line, "clear\n")) {
				clear();
				fputs("ok\n", stream);
			} else if (!strcmp(line, "blocks\n")) {
				blocks(stream);
			} else {
				fputs("unknown request\n", stream);
			}
			pthread_mutex_unlock(&lock);
		}
		fclose(stream);
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4))
		return -1;
	return fd;
}

EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv)
{
	int fd = -1, i;
	pthread_t thread;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "socket=", 7))
			fd = listen_at(argv[i] + 7);
		else if (!strcmp(argv[i], "blocks=on"))
			per_block = true;
	}
	if (fd < 0) {
		fputs("instructions: no socket to listen at (socket=PATH)\n", stderr);
		return -1;
	}
	total = counter();
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated, NULL);
	return pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd);
}
