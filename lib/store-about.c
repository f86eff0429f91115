/* SPDX-License-Identifier: MIT */
/* store-about.c - whose a state on disk is, by its facts alone (kstream-state(5), FORMAT). */
#include "store-about.h"

#include "num.h"
#include "store-impl.h"

#define CACHE ((size_t)1 << 20)
#define TEXT_MAX ((size_t)8 << 20)

/* What is behind word on the first line of text that begins with it; n == 0: none does. */
static struct ks_bytes line_of(struct ks_bytes text, const char *word)
{
	const unsigned char *nl, *at = text.p, *end = text.p + text.n;
	size_t n = strlen(word);

	for (; at < end && (nl = memchr(at, '\n', (size_t)(end - at))) != NULL; at = nl + 1)
		if ((size_t)(nl - at) > n && memcmp(at, word, n) == 0)
			return ks_bytes(at + n, (size_t)(nl - at) - n);
	return ks_bytes(NULL, 0);
}

static bool take_name(struct ks_bytes line, char room[KS_NAME_MAX + 1])
{
	if (line.n == 0 || line.n > KS_NAME_MAX)
		return false;
	memcpy(room, line.p, line.n);
	room[line.n] = '\0';
	return true;
}

static bool take_number(struct ks_bytes line, int64_t *x)
{
	return ks_num_parse_i64(line, x) == 0 && *x >= 0 && *x < INT64_MAX;
}

/* The text of a fact; n == 0: there is none. */
static int fact(struct ks_disk *d, char letter, struct ks_buf *text, struct ks_err *err)
{
	const unsigned char key[] = { KS_ON_DISK_META, (unsigned char)letter };
	bool found;

	return ks_disk_get(d, ks_bytes(key, sizeof(key)), text, &found, err);
}

static int damaged(const char *home, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "the state in '%s' is damaged, or of another version", home);
}

static int read_facts(struct ks_disk *d, const char *home, struct ks_buf *text, struct ks_store_about *a, struct ks_err *err)
{
	int status = fact(d, 's', text, err);
	struct ks_bytes line;

	a->empty = status == 0 && text->n == 0;
	if (status != 0 || a->empty)
		return status;
	if (!take_number(line_of(ks_buf_bytes(text), "epoch "), &a->epoch) || !take_number(line_of(ks_buf_bytes(text), "run "), &a->run))
		return damaged(home, err);
	status = fact(d, 'f', text, err);
	if (status == 0 && !take_name(line_of(ks_buf_bytes(text), "app "), a->app))
		return damaged(home, err);
	if (status == 0)
		status = fact(d, 'o', text, err);
	line = line_of(ks_buf_bytes(text), "changelog ");
	if (status == 0 && line.n > 0 && !ks_bytes_is(line, "-") && !take_name(line, a->changelog))
		return damaged(home, err);
	return status;
}

int ks_store_about(const char *home, struct ks_store_about *a, struct ks_err *err)
{
	struct ks_disk *d = NULL;
	struct ks_buf text;
	int status = ks_disk_open(&d, home, CACHE, true, err);

	*a = (struct ks_store_about){ .epoch = 0 };
	ks_buf_init(&text, TEXT_MAX);
	if (status == 0)
		status = read_facts(d, home, &text, a, err);
	ks_buf_release(&text);
	ks_disk_close(d);
	return status;
}
