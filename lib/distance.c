/* SPDX-License-Identifier: MIT */
/* distance.c - "optimal string alignment", of which three rows are kept. */
#include "distance.h"

#define LETTERS 15u

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

unsigned ks_distance(struct ks_bytes word, const char *name)
{
	unsigned char row[3][LETTERS + 1], c, before = 0;
	unsigned best;
	size_t n = strlen(name), i, j;

	if (word.n > LETTERS || n > LETTERS)
		return KS_DISTANCE_FAR;
	for (j = 0; j <= n; j++)
		row[0][j] = (unsigned char)j;
	for (i = 1; i <= word.n; i++, before = c) {
		c = lower(word.p[i - 1]);
		row[i % 3][0] = (unsigned char)i;
		for (j = 1; j <= n; j++) {
			best = row[(i - 1) % 3][j - 1] + (c == (unsigned char)name[j - 1] ? 0u : 1u);
			if (best > row[(i - 1) % 3][j] + 1u)
				best = row[(i - 1) % 3][j] + 1u;
			if (best > row[i % 3][j - 1] + 1u)
				best = row[i % 3][j - 1] + 1u;
			if (i > 1 && j > 1 && c == (unsigned char)name[j - 2] && before == (unsigned char)name[j - 1] &&
			    best > row[(i - 2) % 3][j - 2] + 1u)
				best = row[(i - 2) % 3][j - 2] + 1u;
			row[i % 3][j] = (unsigned char)best;
		}
	}
	return row[word.n % 3][n];
}
