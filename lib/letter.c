/* SPDX-License-Identifier: MIT */
/* letter.c - records that leave beside the results. */
#include "letter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "envelope.h"
#include "fdio.h"

void ks_letters_init(struct ks_letters *l, const struct ks_limits *limits)
{
	*l = (struct ks_letters){ .file.fd = -1, .limits = *limits };
	ks_headers_init(&l->headers, 8 * limits->record);
	ks_buf_init(&l->value, 2 * limits->record);
	ks_buf_init(&l->line, 8 * limits->record);
}

void ks_letters_release(struct ks_letters *l)
{
	ks_beside_close(&l->file);
	ks_headers_release(&l->headers);
	ks_buf_release(&l->value);
	ks_buf_release(&l->line);
}

int ks_letters_to(struct ks_letters *l, const char *option, const char *path, struct ks_err *err)
{
	return ks_beside_open(&l->file, option, path, O_APPEND, err);
}

void ks_letter_number(struct ks_letter_why *why, const char *name, int64_t x)
{
	int n = snprintf(why->room, sizeof(why->room), "%lld", (long long)x);

	why->name = name;
	why->text = ks_bytes(why->room, (size_t)n);
}

static int add_headers(struct ks_letters *l, struct ks_bytes own, const struct ks_letter_why *why, size_t count,
    const struct ks_letter_why *cut, struct ks_bytes *headers)
{
	const char *wrong = ks_headers_begin(&l->headers, own, NULL, NULL);
	size_t i;
	int no = 0;

	if (wrong != NULL)
		return ks_is_no_memory(wrong) ? ENOMEM : EMSGSIZE;
	for (i = 0; i < count && no == 0; i++) {
		if (cut != NULL && i == count - 1)
			no = ks_headers_add(&l->headers, ks_str(cut->name), cut->text);
		if (no == 0)
			no = ks_headers_add(&l->headers, ks_str(why[i].name), why[i].text);
	}
	return no != 0 ? no : ks_headers_end(&l->headers, headers);
}

/* A value that is at fault itself, or too long, travels as bytes: whoever is downstream can take the letter. */
static int wrap_value(struct ks_letters *l, struct ks_rec *letter, size_t max)
{
	struct ks_val raw = { .type = KS_BIN, .b = letter->value };
	const unsigned char *p = letter->value.p;
	struct ks_val v;
	int no;

	if (letter->value.n <= max && ks_mp_check(letter->value, l->limits.depth) == KS_MP_OK)
		return 0;
	if (ks_mp_read(&p, p + letter->value.n, 0, &v) == KS_MP_OK && v.type == KS_BIN)
		raw = v;
	raw.b.n = raw.b.n < max ? raw.b.n : max;
	l->value.n = 0;
	no = ks_mp_add_val(&l->value, &raw);
	letter->value = ks_buf_bytes(&l->value);
	return no;
}

int ks_letter_make(struct ks_letters *l, const struct ks_rec *rec, uint32_t side, const struct ks_letter_why *why,
    size_t count, const char *cut, struct ks_rec *letter, struct ks_err *err)
{
	size_t limit = l->limits.record;
	struct ks_letter_why was;
	int attempt, no = 0;

	ks_letter_number(&was, cut, (int64_t)rec->value.n);
	for (attempt = 0; attempt < 3 && no != ENOMEM; attempt++) {
		*letter = *rec;
		letter->flags = (rec->flags & ~(uint32_t)KS_SIDE) | side;
		letter->frame = ks_bytes(NULL, 0);
		if (attempt == 2)
			letter->key = ks_mp_nil;
		no = add_headers(l, attempt < 2 ? rec->headers : ks_no_headers, why, count,
		    attempt > 0 && rec->value.n > limit / 2 ? &was : NULL, &letter->headers);
		if (no == 0)
			no = wrap_value(l, letter, attempt == 0 ? SIZE_MAX : limit / 2);
		if (no == 0 && ks_rec_size(letter) + KS_NAME_MAX <= limit)
			return 0;
	}
	if (no == 0)
		return 0;
	return no == ENOMEM ? ks_fail(err, KS_TEMP, "no memory for a record beside the results") :
	    ks_fail(err, KS_DATA, "a record beside the results has headers that are none");
}

int ks_letter_write(struct ks_letters *l, const struct ks_rec *letter, const char *what, struct ks_err *err)
{
	const char *wrong;

	l->line.n = 0;
	wrong = ks_envelope_print(&l->line, letter, l->limits.depth);
	if (wrong == NULL && ks_buf_add(&l->line, "\n", 1) != 0)
		wrong = ks_no_memory;
	if (wrong != NULL)
		return ks_fail(err, ks_is_no_memory(wrong) ? KS_TEMP : KS_IO, "cannot write %s to '%s': %s", what, l->file.path, wrong);
	l->written = true;
	return ks_beside_wrote(&l->file, ks_write_all(l->file.fd, ks_buf_bytes(&l->line)), err);
}

int ks_letters_sync(struct ks_letters *l, struct ks_err *err)
{
	int status = l->written ? ks_beside_sync(&l->file, err) : 0;

	if (status == 0)
		l->written = false;
	return status;
}
