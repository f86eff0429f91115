/* SPDX-License-Identifier: MIT */
/* options-plain.c - what --help prints; options that say enough by their names. */
#include <stdio.h>

#include "options.h"

bool ks_options_empty(const struct ks_options *o, const struct ks_option *own)
{
	return own->letter != 0 && o->may_be_empty != NULL && strchr(o->may_be_empty, own->letter) != NULL;
}

/* "usage: NAME SYNOPSIS", broken at blanks to fit 80 columns; what stands in brackets stays together. */
static void print_usage(const struct ks_options *o)
{
	int indent = printf("usage: %s", o->name), at = indent;
	const char *p = o->synopsis, *end;
	int open;

	while (*p != '\0') {
		for (end = p, open = 0; *end != '\0' && (*end != ' ' || open > 0); end++)
			open += (*end == '[') - (*end == ']');
		if (at + (int)(end - p) >= 79)
			at = printf("\n%*s", indent, "") - 1;
		at += printf(" %.*s", (int)(end - p), p);
		p = end + (*end == ' ');
	}
	putchar('\n');
}

/* gap: blanks between words, as few as are needed to tell them apart. */
static void print_word(int *at, const char *head, const char *word, int gap)
{
	int n = (int)strlen(word);

	if (*at == 0)
		*at = printf("%-8s%s", head, word);
	else if (*at + n + gap <= 80)
		*at += printf("%*s%s", gap, "", word);
	else
		*at = printf("\n        %s", word) - 1;
}

/* Names of those that have no line of their own; true if there are any. */
static bool print_own(const struct ks_option *own)
{
	char text[80];
	int at = 0;

	for (; own != NULL && own->name != NULL; own++) {
		if (own->help != NULL)
			continue;
		if (at == 0)
			putchar('\n');
		if (own->letter != 0)
			snprintf(text, sizeof(text), "-%c, --%s", own->letter, own->name);
		else
			snprintf(text, sizeof(text), "--%s", own->name);
		print_word(&at, "also", text, 2);
	}
	if (at > 0)
		putchar('\n');
	return at > 0;
}

static void print_shared(const struct ks_option *shared, size_t count, const char *name)
{
	char text[80];
	int at = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (shared[i].letter != 0)
			snprintf(text, sizeof(text), "-%c", shared[i].letter);
		else
			snprintf(text, sizeof(text), "--%s", shared[i].name);
		print_word(&at, "shared", text, 1);
	}
	snprintf(text, sizeof(text), "(man 7 kstream, man %s)\n", name);
	print_word(&at, "shared", text, 1);
}

void ks_options_print(const struct ks_options *o, const struct ks_option *shared, size_t count, const char *text)
{
	const struct ks_option *own;
	char left[40];

	print_usage(o);
	printf("%s\n\n", o->purpose);
	for (own = o->own; own != NULL && own->name != NULL; own++) {
		if (own->help == NULL)
			continue;
		snprintf(left, sizeof(left), "%c%c%s--%s %s", own->letter != 0 ? '-' : ' ',
		    own->letter != 0 ? own->letter : ' ', own->letter != 0 ? ", " : "  ", own->name,
		    own->arg != NULL ? own->arg : "");
		printf("  %-29s %s\n", left, own->help);
	}
	if (print_own(o->own)) {
		putchar('\n');
		print_shared(shared, count, o->name);
	} else {
		printf("\n%sShared options: man 7 kstream.  This tool: man %s.\n", text, o->name);
	}
}
