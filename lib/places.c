/* SPDX-License-Identifier: MIT */
/* places.c - the files that a source of text reads, and where each stands. */
#include "places.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "input.h"

/* A file that is not there is told when its turn comes, under the name it was given. */
static char *real_name(const char *name, bool kept)
{
	char *path;

	if (strcmp(name, "-") == 0)
		return strdup("stdin");
	path = kept ? realpath(name, NULL) : NULL;
	/* What is wrong with a file, opening it says. */
	return path != NULL || (kept && errno == ENOMEM) ? path : strdup(name);
}

/* A ledger keeps one position a name, in a line of text. */
static int check_name(const struct ks_places *p, const struct ks_place *x, struct ks_err *err)
{
	size_t n = strlen(x->real);
	const struct ks_place *y;

	if (strchr(x->real, '\n') != NULL)
		return ks_fail(err, KS_CONFIG, "--app cannot keep the position of '%s': its name has a newline", x->real);
	if (ks_utf8_prefix((const unsigned char *)x->real, n) != n)
		return ks_fail(err, KS_NOINPUT, "the file name '%s' is not UTF-8: --app cannot keep its position", x->real);
	for (y = p->at; y < x; y++)
		if (strcmp(x->real, y->real) == 0)
			return ks_fail(err, KS_USAGE, "--app keeps one position a file, and '%s' is named twice", x->name);
	return 0;
}

/* What came from a ledger of version 1 goes by the name that was given, and has no check. */
static bool is_at(const struct ks_position *at, const struct ks_place *x)
{
	return ks_bytes_is(at->input, x->real) || (at->check.n == 0 && ks_bytes_is(at->input, x->name));
}

static bool find(const struct ks_ledger *l, const struct ks_place *x, struct ks_position *at)
{
	return ks_ledger_find(l, x->real, 0, at) || (ks_ledger_find(l, x->name, 0, at) && is_at(at, x));
}

int ks_places_open(struct ks_places *p, const char *const *names, size_t count,
    const struct ks_ledger *ledger, struct ks_err *err)
{
	static const char *const only_stdin[] = { "-" };
	struct ks_position at;
	struct ks_place *x;
	int status;
	size_t i;

	if (count == 0) {
		names = only_stdin;
		count = 1;
	}
	ks_buf_init(&p->positions, KS_CONTROL_MAX);
	p->ledger = ledger;
	p->at = calloc(count, sizeof(*p->at));
	if (p->at == NULL)
		return ks_fail_memory(err);
	p->count = count;
	for (i = 0; i < count; i++) {
		x = &p->at[i];
		x->name = strcmp(names[i], "-") == 0 ? "stdin" : names[i];
		x->real = real_name(names[i], ledger != NULL);
		x->checked = -1;
		if (x->real == NULL)
			return ks_fail_memory(err);
		if (ledger == NULL)
			continue;
		status = check_name(p, x, err);
		if (status != 0)
			return status;
		if (!find(ledger, x, &at))
			continue;
		x->offset = at.offset;
		if (at.check.n > 0) {
			memcpy(x->check, at.check.p, at.check.n);
			x->checked = at.offset;
		}
	}
	return 0;
}

static int replaced(const struct ks_places *p, const struct ks_place *x, const char *what, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "'%s' %s byte %lld, where it was read to: it was cut or replaced; "
	    "to read it from its start, remove its line from '%s/ledger'",
	    x->name, what, (long long)x->offset, p->ledger->path);
}

static const char other[] = "has other bytes before";

/* Whether the bytes before checked are those they were. */
static int verify(const struct ks_places *p, const struct ks_place *x, int fd, struct ks_err *err)
{
	char check[KS_INPUT_CHECK + 1];
	int no;

	if (x->checked < 0)
		return 0;
	no = ks_input_check(fd, x->checked, check);
	if (no == ENODATA || (no == 0 && strcmp(check, x->check) != 0))
		return replaced(p, x, other, err);
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot read '%s'", x->name);
}

int ks_places_seek(const struct ks_places *p, struct ks_place *x, int fd, int64_t size, struct ks_err *err)
{
	bool all = x->checked >= 0 && x->offset == size;	/* its last line may have no newline: --end complete */
	int status;
	char last;

	if (p->ledger == NULL)
		return 0;
	if (size < 0)
		return ks_fail(err, KS_CONFIG, "--app needs files that can be read again: '%s' is not one", x->name);
	if (x->offset > size)
		return replaced(p, x, "is shorter than", err);
	status = verify(p, x, fd, err);
	if (status != 0)
		return status;
	/* Without a check (version 1, or a hand that wrote it) this much can be seen. */
	if (x->offset > 0 && !all && (pread(fd, &last, 1, x->offset - 1) != 1 || last != '\n'))
		return replaced(p, x, "has no line that begins at", err);
	if (lseek(fd, x->offset, SEEK_SET) < 0)
		return ks_fail_errno(err, KS_IO, errno, "cannot seek in '%s'", x->name);
	return 0;
}

/* A check that is made of the file says nothing of what was read, unless the one is the other. */
static bool is_read(int fd, int64_t offset, struct ks_bytes read)
{
	unsigned char there[KS_PLACES_TAIL];
	size_t n = read.n < sizeof(there) ? read.n : sizeof(there);

	return n == 0 || (pread(fd, there, n, offset - (int64_t)n) == (ssize_t)n &&
	    memcmp(there, read.p + read.n - n, n) == 0);
}

int ks_places_check(const struct ks_places *p, struct ks_place *x, int fd, struct ks_bytes read,
    struct ks_err *err)
{
	int no, status;

	if (p->ledger == NULL || fd < 0)
		return 0;
	status = verify(p, x, fd, err);
	if (status != 0 || x->checked == x->offset)
		return status;
	no = ks_input_check(fd, x->offset, x->check);
	if (no == ENODATA)
		return replaced(p, x, "is shorter than", err);
	if (no != 0)
		return ks_fail_errno(err, KS_IO, no, "cannot read '%s'", x->name);
	if (!is_read(fd, x->offset, read))
		return replaced(p, x, other, err);
	x->checked = x->offset;
	return 0;
}

static bool is_ours(const struct ks_places *p, const struct ks_position *at)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (is_at(at, &p->at[i]))
			return true;
	return false;
}

/* Files that the ledger knows and this run was not given keep their place: b gets them, *count how many. */
static int add_others(const struct ks_places *p, struct ks_buf *b, uint32_t *count)
{
	const struct ks_buf *known = &p->ledger->positions;
	const unsigned char *end = known->p + known->n;
	struct ks_position x;
	struct ks_head list;
	uint32_t i;
	int no = 0;

	if (known->n == 0 || ks_mp_head(known->p, end, &list) != KS_MP_OK)
		return 0;
	for (i = 0; i < list.count && no == 0; i++) {
		if (!ks_position_next(&list.body, end, &x))
			ks_bug("positions of a ledger were not checked");
		if (is_ours(p, &x))
			continue;
		++*count;
		no = ks_position_add(b, &x);
	}
	return no;
}

int ks_places_list(struct ks_places *p, struct ks_bytes *positions, struct ks_err *err)
{
	struct ks_buf others;
	uint32_t count = 0;
	size_t i;
	int no = 0;

	ks_buf_init(&others, KS_CONTROL_MAX);
	p->positions.n = 0;
	if (p->ledger != NULL)
		no = add_others(p, &others, &count);
	if (no == 0)
		no = ks_mp_add_array_head(&p->positions, (uint32_t)p->count + count);
	for (i = 0; i < p->count && no == 0; i++) {
		const struct ks_place *x = &p->at[i];

		no = ks_position_add(&p->positions, &(struct ks_position){
			.input = ks_str(x->real), .offset = x->offset,
			.check = x->checked == x->offset ? ks_str(x->check) : ks_bytes(NULL, 0),
		});
	}
	if (no == 0)
		no = ks_buf_add(&p->positions, others.p, others.n);
	ks_buf_release(&others);
	*positions = ks_buf_bytes(&p->positions);
	if (no == EMSGSIZE)
		return ks_fail(err, KS_CONFIG, "the positions of all files do not fit a barrier: name fewer files");
	return no == 0 ? 0 : ks_fail_memory(err);
}

void ks_places_close(struct ks_places *p)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		free(p->at[i].real);
	free(p->at);
	ks_buf_release(&p->positions);
	*p = (struct ks_places){ .count = 0 };
}
