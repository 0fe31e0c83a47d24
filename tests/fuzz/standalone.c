/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target over files, without a fuzzer: its corpus as an ordinary test. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *name)
{
	FILE *file = fopen(name, "rb");
	uint8_t *data = NULL;
	size_t size = 0;

	if (!file) {
		perror(name);
		return 1;
	}
	for (;;) {
		uint8_t *grown = realloc(data, size + 65536);
		size_t n;

		if (!grown)
			abort();
		data = grown;
		n = fread(data + size, 1, 65536, file);
		size += n;
		if (n == 0)
			break;
	}
	(void)fclose(file);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	return failed;
}
