/* SPDX-License-Identifier: MIT */
/*
 * gen - write the benchmark's input: trades as JSON lines, the same bytes
 * on every machine, 175 a line.
 *
 *	gen trades KEYS COUNT SEED >trades.jsonl
 *
 * Record i of a seed needs no earlier record, so a longer file begins with
 * the shorter one.  The Kafka Streams jobs that kstream is compared with
 * are fed by the same rule.  SHA-256 of the first 10,000 lines of 10,000
 * keys, seed 1, begins b490dfbb8da9c505; scripts/bench checks it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 175		/* bytes of a line, newline left out */
#define START_MS INT64_C(1767225600000)

static const char *const venues[] = {"XNAS", "XNYS", "XLON", "XETR"};

/* The j-th random number of record i: splitmix64, addressed directly. */
static uint64_t draw(uint64_t seed, uint64_t i, unsigned int j)
{
	uint64_t z = seed + (8 * i + j + 1) * UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

/* Writes one line without newline; returns its length, 0 if it is too long. */
static size_t trade(char *line, uint64_t seed, uint64_t i, uint64_t keys)
{
	int64_t ts = START_MS + (int64_t)i;
	uint64_t cents = draw(seed, i, 1) % 55556;
	uint64_t side = draw(seed, i, 5);
	size_t k;
	int n;

	if (draw(seed, i, 2) % 100 < 5)
		ts -= 1 + (int64_t)(draw(seed, i, 3) % 5000);
	n = snprintf(line, LINE + 1,
		     "{\"ts\":%" PRId64 ",\"symbol\":\"S%06" PRIu64 "\",\"price\":%" PRIu64 ".%02" PRIu64
		     ",\"qty\":%" PRIu64 ",\"side\":\"%s\",\"venue\":\"%s\",\"id\":\"%016" PRIx64 "\",\"note\":\"",
		     ts, draw(seed, i, 0) % keys, cents / 100, cents % 100, 1 + draw(seed, i, 4) % 1000,
		     side % 2 ? "sell" : "buy", venues[side % 8 / 2], draw(seed, i, 6));
	if (n < 0 || n > LINE - 2)
		return 0;
	for (k = 0; (size_t)n + k < LINE - 2; k++)
		line[(size_t)n + k] = (char)('a' + k % 26);
	memcpy(line + LINE - 2, "\"}", 2);
	return LINE;
}

static uint64_t number(const char *text)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-') {
		fprintf(stderr, "gen: '%s' is not a number\n", text);
		exit(64);
	}
	return n;
}

int main(int argc, char *argv[])
{
	char line[LINE + 2];
	uint64_t keys, count, seed, i;
	size_t n;

	if (argc != 5 || strcmp(argv[1], "trades")) {
		fprintf(stderr, "usage: gen trades KEYS COUNT SEED\n");
		return 64;
	}
	keys = number(argv[2]);
	count = number(argv[3]);
	seed = number(argv[4]);
	if (!keys) {
		fprintf(stderr, "gen: KEYS must be at least 1\n");
		return 64;
	}
	for (i = 0; i < count; i++) {
		n = trade(line, seed, i, keys);
		if (!n) {
			fprintf(stderr, "gen: record %" PRIu64 " does not fit in %d bytes\n", i, LINE);
			return 65;
		}
		line[n] = '\n';
		if (fwrite(line, 1, n + 1, stdout) != n + 1)
			break;
	}
	if (ferror(stdout) || fclose(stdout)) {
		fprintf(stderr, "gen: cannot write: %s\n", strerror(errno));
		return 74;
	}
	return 0;
}
