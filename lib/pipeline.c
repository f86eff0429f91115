/* SPDX-License-Identifier: MIT */
/* pipeline.c - words as sh(1) has them, and nothing else of it. */
#include "pipeline.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX ((size_t)128 << 10)	/* bytes: execve(2) takes no longer one (MAX_ARG_STRLEN) */
#define SCRIPT "no shell is run: for that write a script, and name it here"

struct parser {
	const char *text, *p, *end;
	char *(*value)(const char *name);
	struct ks_pipeline *out;
	struct ks_pipeline_fault *fault;
	struct ks_buf word, words, stages;	/* bytes; char *; struct ks_pipeline_stage */
	bool in_word;
	const char *word_at, *bar_at;	/* where they stand in the text */
};

static int wrong(struct parser *x, const char *at, const char *fmt, ...) KS_PRINTF(3, 4);
static int wrong(struct parser *x, const char *at, const char *fmt, ...)
{
	struct ks_pipeline_fault *f = x->fault;
	const char *p;
	va_list ap;

	f->line = f->column = 1;
	for (p = x->text; p < at; p++) {
		if (*p == '\n') {
			f->line++;
			f->column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			f->column++;
		}
	}
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return EINVAL;
}

static int add(struct parser *x, const char *p, size_t n)
{
	int no = ks_buf_add(&x->word, p, n);

	return no == EMSGSIZE ? wrong(x, x->word_at, "a word is longer than %zu bytes", WORD_MAX) : no;
}

/* What is kept is in the arena, at an address that stays. */
static void *keep(struct parser *x, const void *p, size_t n)
{
	void *copy = ks_arena_get(&x->out->arena, n > 0 ? n : 1);

	if (copy != NULL && n > 0)
		memcpy(copy, p, n);
	return copy;
}

static int end_word(struct parser *x)
{
	char *word;
	int no;

	if (!x->in_word)
		return 0;
	x->in_word = false;
	if (x->words.n == 0 && x->word.n == 0)
		return wrong(x, x->word_at, "the name of a program is empty");
	no = add(x, "", 1);
	if (no != 0)
		return no;
	word = keep(x, x->word.p, x->word.n);
	x->word.n = 0;
	return word == NULL ? ENOMEM : ks_buf_add(&x->words, &word, sizeof(word));
}

static int end_stage(struct parser *x)
{
	struct ks_pipeline_stage stage = { .argc = x->words.n / sizeof(char *) };
	char *none = NULL;
	int no = ks_buf_add(&x->words, &none, sizeof(none));

	if (no != 0)
		return no;
	if (x->stages.n / sizeof(stage) == KS_STAGES_MAX)
		return wrong(x, x->p, "a pipeline has %d stages at most", KS_STAGES_MAX);
	stage.argv = keep(x, x->words.p, x->words.n);
	x->words.n = 0;
	return stage.argv == NULL ? ENOMEM : ks_buf_add(&x->stages, &stage, sizeof(stage));
}

static bool is_letter(char c)
{
	return (unsigned)((c | 0x20) - 'a') < 26 || c == '_';
}

static bool is_digit(char c)
{
	return (unsigned)(c - '0') < 10;
}

static size_t name_length(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && (is_letter(*q) || (q > p && is_digit(*q))))
		q++;
	return (size_t)(q - p);
}

/* p is at a $: its value, or the $ itself where sh takes it so, as in "^[a-z]+$". */
static int dollar(struct parser *x, bool quoted)
{
	const char *at = x->p, *p = x->p + 1, *text;
	bool braces = p < x->end && *p == '{', plain;
	size_t n = name_length(p + braces, x->end);
	char name[256];

	plain = p == x->end || (quoted && *p == '\'') || (strchr("(0123456789?@*#!$-'{", *p) == NULL && (quoted || *p != '"'));
	if (n == 0 && plain) {
		x->p++;
		return add(x, "$", 1);
	}
	if (n == 0 || (braces && (p + 1 + n == x->end || p[1 + n] != '}')))
		return wrong(x, at, "only $NAME and ${NAME} are understood; a $ that is meant stands in single quotes");
	if (n >= sizeof(name))
		return wrong(x, at, "the name of a variable has %zu bytes at most", sizeof(name) - 1);
	memcpy(name, p + braces, n);
	name[n] = '\0';
	text = x->value(name);
	if (text == NULL)
		return wrong(x, at, "$%.100s is not set; a $ that is meant stands in single quotes", name);
	x->p = p + n + 2 * braces;
	return add(x, text, strlen(text));
}

static int single_quotes(struct parser *x)
{
	const char *at = x->p++, *close = memchr(x->p, '\'', (size_t)(x->end - x->p)), *from = x->p;

	if (close == NULL)
		return wrong(x, at, "nothing closes this quote");
	x->p = close + 1;
	return add(x, from, (size_t)(close - from));
}

static int double_quotes(struct parser *x)
{
	const char *at = x->p++;
	int no = 0;

	while (no == 0 && x->p < x->end && *x->p != '"') {
		if (*x->p == '$') {
			no = dollar(x, true);
		} else if (*x->p == '`') {
			return wrong(x, x->p, "'`' is of sh; " SCRIPT);
		} else if (*x->p == '\\' && x->p + 1 < x->end && strchr("$`\"\\\n", x->p[1]) != NULL) {
			if (x->p[1] != '\n')
				no = add(x, x->p + 1, 1);
			x->p += 2;
		} else {
			no = add(x, x->p++, 1);
		}
	}
	if (no == 0 && x->p == x->end)
		return wrong(x, at, "nothing closes this quote");
	x->p++;
	return no;
}

static int backslash(struct parser *x)
{
	const char *at = x->p;

	if (at + 1 == x->end)
		return wrong(x, at, "nothing stands behind this backslash");
	x->p += 2;
	if (at[1] == '\n')
		return 0;
	if (!x->in_word)
		x->word_at = at;
	x->in_word = true;
	return add(x, at + 1, 1);
}

/* What sh would take for something else than a word where one begins. */
static int check_begin(struct parser *x)
{
	size_t n = name_length(x->p, x->end), left = (size_t)(x->end - x->p);

	if (*x->p == '~')
		return wrong(x, x->p, "'~' is not understood: write $HOME, or quote it");
	if (x->words.n > 0)
		return 0;
	if (n > 0 && n < left && x->p[n] == '=')
		return wrong(x, x->p, "a variable is set by env: env NAME=VALUE PROGRAM ...");
	if ((*x->p == '!' || *x->p == '{') && (left == 1 || strchr(" \t\n", x->p[1]) != NULL))
		return wrong(x, x->p, "'%c' is of sh; " SCRIPT, *x->p);
	return 0;
}

static int word_part(struct parser *x)
{
	char c = *x->p;
	int no = 0;

	if (c == '\\')
		return backslash(x);
	if (!x->in_word) {
		no = check_begin(x);
		x->word_at = x->p;
	}
	x->in_word = true;
	if (no != 0)
		return no;
	switch (c) {
	case '\'': return single_quotes(x);
	case '"': return double_quotes(x);
	case '$': return dollar(x, false);
	case '*': case '?': case '[':
		return wrong(x, x->p, "names are not made of '%c' here: quote it, or name each", c);
	case ';': case '&': case '<': case '>': case '(': case ')': case '`':
		return wrong(x, x->p, "'%c' is of sh; " SCRIPT, c);
	case '\r':
		return wrong(x, x->p, "a carriage return: lines end in a newline alone");
	default:
		return add(x, x->p++, 1);
	}
}

static int bar(struct parser *x)
{
	int no = end_word(x);

	if (no != 0)
		return no;
	x->bar_at = x->p;
	if (x->words.n == 0)
		return wrong(x, x->p, "no program stands before this '|'");
	if (x->p + 1 < x->end && (x->p[1] == '|' || x->p[1] == '&'))
		return wrong(x, x->p, "'|%c' is of sh; " SCRIPT, x->p[1]);
	x->p++;
	return end_stage(x);
}

/* The end of a line: of the pipeline, too, where a program stands before it. */
static int end_line(struct parser *x, bool *over)
{
	int no = end_word(x);

	*over = *over || x->words.n > 0;
	if (x->p < x->end)
		x->p++;
	return no;
}

static int parse(struct parser *x)
{
	bool over = false;
	int no = 0;

	while (no == 0 && x->p < x->end) {
		if (*x->p == ' ' || *x->p == '\t') {
			no = end_word(x);
			x->p++;
		} else if (*x->p == '\n') {
			no = end_line(x, &over);
		} else if (*x->p == '#' && !x->in_word) {
			while (x->p < x->end && *x->p != '\n')
				x->p++;
		} else if (over) {
			return wrong(x, x->p, "there is one pipeline: a line goes on where it ends in '|' or '\\'");
		} else if (*x->p == '|') {
			no = bar(x);
		} else {
			no = word_part(x);
		}
	}
	if (no == 0)
		no = end_line(x, &over);
	if (no != 0)
		return no;
	if (x->words.n == 0)
		return wrong(x, x->bar_at != NULL ? x->bar_at : x->end,
		    x->bar_at != NULL ? "no program stands behind this '|'" : "there is no program in it");
	return end_stage(x);
}

int ks_pipeline_parse(struct ks_pipeline *pipeline, struct ks_bytes text, char *(*value)(const char *name),
    struct ks_pipeline_fault *fault)
{
	struct parser x = { .value = value, .out = pipeline, .fault = fault };
	const char *zero;
	int no;

	*pipeline = (struct ks_pipeline){ .count = 0 };
	*fault = (struct ks_pipeline_fault){ .line = 1, .column = 1 };
	x.text = x.p = x.word_at = text.n > 0 ? (const char *)text.p : "";
	x.end = x.text + text.n;
	ks_buf_init(&x.word, WORD_MAX);
	ks_buf_init(&x.words, (KS_PIPELINE_MAX + 1) * sizeof(char *));
	ks_buf_init(&x.stages, KS_STAGES_MAX * sizeof(struct ks_pipeline_stage));
	zero = memchr(x.text, '\0', text.n);
	if (text.n > KS_PIPELINE_MAX)
		no = wrong(&x, x.text, "it is longer than %zu bytes", KS_PIPELINE_MAX);
	else
		no = zero != NULL ? wrong(&x, zero, "a byte is zero: this is no text") : parse(&x);
	if (no == 0) {
		pipeline->stages = keep(&x, x.stages.p, x.stages.n);
		pipeline->count = x.stages.n / sizeof(struct ks_pipeline_stage);
		no = pipeline->stages == NULL ? ENOMEM : 0;
	}
	ks_buf_release(&x.word);
	ks_buf_release(&x.words);
	ks_buf_release(&x.stages);
	return no;
}

const char *ks_pipeline_program(const struct ks_pipeline_stage *stage)
{
	const char *slash = strrchr(stage->argv[0], '/');

	return slash != NULL ? slash + 1 : stage->argv[0];
}

const char *ks_pipeline_option(const struct ks_pipeline_stage *stage, const char *name)
{
	size_t i, n = strlen(name);
	const char *word;

	if (strncmp(ks_pipeline_program(stage), "kstream-", 8) != 0)
		return NULL;
	for (i = 1; i < stage->argc; i++) {
		word = stage->argv[i];
		if (strcmp(word, "--") == 0)
			return NULL;
		if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, n) != 0)
			continue;
		if (word[2 + n] == '=')
			return word + 3 + n;
		if (word[2 + n] == '\0' && i + 1 < stage->argc)
			return stage->argv[i + 1];
	}
	return NULL;
}

void ks_pipeline_release(struct ks_pipeline *pipeline)
{
	ks_arena_release(&pipeline->arena);
	*pipeline = (struct ks_pipeline){ .count = 0 };
}
