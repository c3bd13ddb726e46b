// SPDX-License-Identifier: GPL-2.0
/*
 * What libFuzzer calls. It copies the input, so that the Rust side needs no pointer.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_INPUT 1024

struct input {
	size_t len;
	uint8_t bytes[MAX_INPUT];
};

void igb_fuzz_mailbox(const struct input *input);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input input;

	input.len = size < MAX_INPUT ? size : MAX_INPUT;
	memcpy(input.bytes, data, input.len);
	igb_fuzz_mailbox(&input);
	return 0;
}
