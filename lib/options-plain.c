/* SPDX-License-Identifier: MIT */
/* options-plain.c - options of a tool that say enough by their names. */
#include <stdio.h>

#include "options.h"

bool ks_options_empty(const struct ks_options *o, const struct ks_option *own)
{
	return own->letter != 0 && o->may_be_empty != NULL && strchr(o->may_be_empty, own->letter) != NULL;
}

void ks_options_plain(const struct ks_option *own)
{
	char text[80];
	int at = 0, n;

	for (; own != NULL && own->name != NULL; own++) {
		if (own->help != NULL)
			continue;
		n = own->letter != 0 ? snprintf(text, sizeof(text), "-%c, --%s", own->letter, own->name) :
		    snprintf(text, sizeof(text), "--%s", own->name);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s", own->arg != NULL ? " " : "",
		    own->arg != NULL ? own->arg : "");
		if (at == 0)
			at = printf("\nalso    %s", text) - 1;
		else if (at + n + 2 < 80)
			at += printf("  %s", text);
		else
			at = printf("\n        %s", text) - 1;
	}
	if (at > 0)
		putchar('\n');
}
