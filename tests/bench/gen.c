/* SPDX-License-Identifier: MIT */
/*
 * gen - write the benchmark's input as JSON lines, the same bytes on every
 * machine, 175 a line.
 *
 *	gen KIND KEYS COUNT SEED >trades.jsonl
 *
 * KIND is trades; or orders and payments, which have an order in common, most
 * of them within 10 s; or clicks, each of one of KEYS users, and profiles,
 * one a user.  Record i of a seed needs no earlier record, so a longer file
 * begins with the shorter one.  The Kafka Streams jobs that kstream is
 * compared with are fed by the same rule.  scripts/bench checks the SHA-256
 * of the first 10,000 lines.
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

enum kind { TRADES, ORDERS, PAYMENTS, CLICKS, PROFILES, KINDS };

static const struct {
	const char *name, *field;
	char letter;
	int digits;
} kinds[KINDS] = {
	[TRADES] = {"trades", "symbol", 'S', 6}, [ORDERS] = {"orders", "order", 'O', 9}, [PAYMENTS] = {"payments", "order", 'O', 9},
	[CLICKS] = {"clicks", "user", 'U', 6}, [PROFILES] = {"profiles", "user", 'U', 6},
};

static uint64_t key(enum kind kind, uint64_t seed, uint64_t i, uint64_t keys)
{
	uint64_t behind = draw(seed, i, 7) % 12000;

	switch (kind) {
	case ORDERS:
	case PROFILES:
		return i;
	case PAYMENTS:
		return i > behind ? i - behind : 0;
	default:
		return draw(seed, i, 0) % keys;
	}
}

/* Writes one line without newline; returns its length, 0 if it is too long. */
static size_t record(char *line, enum kind kind, uint64_t seed, uint64_t i, uint64_t keys)
{
	int64_t ts = START_MS + (int64_t)i;
	uint64_t cents = draw(seed, i, 1) % 55556;
	uint64_t side = draw(seed, i, 5);
	size_t k;
	int n;

	if (kind == PROFILES)
		ts -= 1000000;		/* all of them before the first click */
	else if (draw(seed, i, 2) % 100 < 5)
		ts -= 1 + (int64_t)(draw(seed, i, 3) % 5000);
	n = snprintf(line, LINE + 1,
		     "{\"ts\":%" PRId64 ",\"%s\":\"%c%0*" PRIu64 "\",\"price\":%" PRIu64 ".%02" PRIu64
		     ",\"qty\":%" PRIu64 ",\"side\":\"%s\",\"venue\":\"%s\",\"id\":\"%016" PRIx64 "\",\"note\":\"",
		     ts, kinds[kind].field, kinds[kind].letter, kinds[kind].digits, key(kind, seed, i, keys), cents / 100, cents % 100,
		     1 + draw(seed, i, 4) % 1000, side % 2 ? "sell" : "buy", venues[side % 8 / 2], draw(seed, i, 6));
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
	enum kind kind = TRADES;
	size_t n;

	while (argc == 5 && kind < KINDS && strcmp(argv[1], kinds[kind].name))
		kind++;
	if (argc != 5 || kind == KINDS) {
		fprintf(stderr, "usage: gen trades|orders|payments|clicks|profiles KEYS COUNT SEED\n");
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
		n = record(line, kind, seed, i, keys);
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
