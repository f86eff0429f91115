/* SPDX-License-Identifier: MIT */
/*
 * pipeline.c - any text as a pipeline: it is refused with a place in it, or
 * has programs and words that, put in quotes, are read again as the same.
 */
#include "lib/pipeline.h"

#include <errno.h>
#include <string.h>

#include "tests/fuzz/must.h"

static char *value(const char *name)
{
	static char text[] = "a b'\"|$x";

	return strlen(name) < 3 ? text : NULL;
}

static void add(struct ks_buf *b, const char *p, size_t n)
{
	MUST(ks_buf_add(b, p, n) == 0);
}

static void quote(struct ks_buf *b, const char *word)
{
	for (add(b, "'", 1); *word != '\0'; word++)
		add(b, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
	add(b, "' ", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ks_pipeline_fault fault;
	struct ks_pipeline once, twice;
	struct ks_buf b;
	size_t i, k;
	int no = ks_pipeline_parse(&once, ks_bytes(p, n), value, &fault);

	MUST(no == 0 || no == EINVAL);
	MUST(no == 0 || (fault.line >= 1 && fault.line <= n + 1 && fault.column >= 1 && fault.column <= n + 1 && fault.text[0] != '\0'));
	ks_buf_init(&b, KS_PIPELINE_MAX * 8);
	for (i = 0; no == 0 && i < once.count; i++) {
		MUST(once.stages[i].argc >= 1 && once.stages[i].argv[0][0] != '\0' && once.stages[i].argv[once.stages[i].argc] == NULL);
		add(&b, "|", i > 0);
		for (k = 0; k < once.stages[i].argc; k++)
			quote(&b, once.stages[i].argv[k]);
	}
	if (no == 0 && b.n <= KS_PIPELINE_MAX) {
		MUST(ks_pipeline_parse(&twice, ks_buf_bytes(&b), value, &fault) == 0);
		MUST(twice.count == once.count);
		for (i = 0; i < once.count; i++) {
			MUST(twice.stages[i].argc == once.stages[i].argc);
			for (k = 0; k < once.stages[i].argc; k++)
				MUST(strcmp(twice.stages[i].argv[k], once.stages[i].argv[k]) == 0);
		}
		ks_pipeline_release(&twice);
	}
	ks_pipeline_release(&once);
	ks_buf_release(&b);
	return 0;
}
