/* SPDX-License-Identifier: MIT */
/* options-table.c - the tables of getopt_long. */
#include "options-table.h"

#include "options-kafka.h"

void ks_option_table_add(struct ks_option_table *t, const struct ks_option *o)
{
	if (t->count == KS_OPTIONS_MAX)
		ks_bug("a tool has too many options");
	t->options[t->count] = o;
	t->longs[t->count++] = (struct option){
		.name = o->name, .has_arg = o->arg != NULL ? required_argument : no_argument,
		.val = 0x1000 + (int)t->count - 1,
	};
	if (o->letter != 0) {
		t->letters[t->n++] = (char)o->letter;
		if (o->arg != NULL)
			t->letters[t->n++] = ':';
	}
}

static bool is_there(const struct ks_option_table *t, const struct ks_option *o)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (strcmp(t->options[i]->name, o->name) == 0 || (o->letter != 0 && t->options[i]->letter == o->letter))
			return true;
	return false;
}

void ks_option_table_add_kafka(struct ks_option_table *t)
{
	size_t i;

	for (i = 0; ks_kafka_options[i].name != NULL; i++)
		if (ks_kafka_option_to(i) != 0 && !is_there(t, &ks_kafka_options[i]))
			ks_option_table_add(t, &ks_kafka_options[i]);
}

int ks_option_table_find(const struct ks_option_table *t, int got)
{
	size_t i;

	if (got >= 0x1000)
		return got - 0x1000;
	for (i = 0; i < t->count; i++)
		if (t->options[i]->letter == got)
			return (int)i;
	ks_bug("getopt_long returned a letter that no table has");
}
