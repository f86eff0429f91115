/* SPDX-License-Identifier: MIT */
/*
 * options-table.h - the tables of getopt_long: shared options first, the
 * tool's behind them, then what it hands on to a kstream-cat (options-kafka.h).
 */
#ifndef KS_OPTIONS_TABLE_H
#define KS_OPTIONS_TABLE_H

#include <getopt.h>

#include "options.h"

#define KS_OPTIONS_MAX 128

struct ks_option_table {
	const struct ks_option *options[KS_OPTIONS_MAX];
	struct option longs[KS_OPTIONS_MAX + 1];
	char letters[2 + 2 * KS_OPTIONS_MAX];	/* begins with ":", n 1 */
	size_t count, n;
};

void	ks_option_table_add(struct ks_option_table *t, const struct ks_option *o);

/* Those of ks_kafka_options that are handed on, but for what the tool itself calls so. */
void	ks_option_table_add_kafka(struct ks_option_table *t);

/* The index in the tables of what getopt_long returned. */
int	ks_option_table_find(const struct ks_option_table *t, int got);

#endif
