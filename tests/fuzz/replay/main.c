/* SPDX-License-Identifier: MIT */
/* main.c - feeds each file named on the command line to a fuzz target, without libFuzzer. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define INPUT_MAX ((size_t)16 << 20)

/* In memory of just its size, as libFuzzer hands it over, so that ASan sees a read too many. */
static int replay(const char *path)
{
	uint8_t *room = malloc(INPUT_MAX), *exact = NULL;
	FILE *f = fopen(path, "rb");
	size_t n = 0;
	int failed = 1;

	if (room != NULL && f != NULL) {
		n = fread(room, 1, INPUT_MAX, f);
		exact = malloc(n > 0 ? n : 1);
		failed = ferror(f) || n == INPUT_MAX || exact == NULL;
	}
	if (failed) {
		fprintf(stderr, "replay: cannot read '%s': %s\n", path, strerror(errno));
	} else {
		memcpy(exact, room, n);
		LLVMFuzzerTestOneInput(exact, n);
	}
	if (f != NULL)
		fclose(f);
	free(room);
	free(exact);
	return failed;
}

int main(int argc, char *argv[])
{
	int i, failed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE ...\n", argv[0]);
		return 64;
	}
	for (i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	if (!failed)
		printf("%d inputs\n", argc - 1);
	return failed;
}
