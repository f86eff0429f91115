/* SPDX-License-Identifier: MIT */
/*
 * join-unmatched.c - what becomes of records of an inner join for which no
 * pair was found: --unmatched.
 *
 * Each is the record as it came, with headers that say why it is here:
 *
 *	__kstream.unmatched.reason	"the window has closed"
 *	__kstream.unmatched.with	the name of the other side
 *	__kstream.unmatched.cut		bytes of the value, where letter.h has cut it
 *	__kstream.unmatched.stage	--stage of the tool
 */
#include "join.h"

#include <stdlib.h>

#include "hello.h"
#include "letter.h"

int ks_join_unmatched_open(struct ks_join *j)
{
	if (j->spec.unmatched == NULL)
		return 0;
	j->letters = malloc(sizeof(*j->letters));
	if (j->letters == NULL)
		return ks_join_no_memory(j);
	ks_letters_init(j->letters, j->run->limits);
	return 0;
}

int ks_join_unmatched_forward(struct ks_join *j, struct ks_bytes payload, struct ks_buf *b)
{
	if (j->spec.unmatched == NULL)
		return 0;
	return ks_hello_add_side(b, payload, j->spec.unmatched) == 0 ? 0 : ks_join_no_memory(j);
}

int ks_join_unmatched(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, const char *reason)
{
	struct ks_letter_why why[] = {
		{ .name = "__kstream.unmatched.reason", .text = ks_str(reason) },
		{ .name = "__kstream.unmatched.with", .text = ks_str(j->spec.inputs[!side].name) },
		{ .name = "__kstream.unmatched.stage", .text = ks_str(j->run->stage) },
	};
	struct ks_rec letter;
	int status;

	if (j->letters == NULL)
		return 0;
	status = ks_letter_make(j->letters, rec, KS_SIDE_LATE, why, sizeof(why) / sizeof(why[0]), "__kstream.unmatched.cut",
	    &letter, j->run->err);
	if (status != 0)
		return status;
	letter.route = ks_str(j->spec.unmatched);
	return ks_emit(j->run, &letter);
}

int ks_join_no_match(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, const char *reason)
{
	ks_drop(j->run, "no match");
	return ks_join_unmatched(j, side, rec, reason);
}

void ks_join_unmatched_close(struct ks_join *j)
{
	if (j->letters == NULL)
		return;
	ks_letters_release(j->letters);
	free(j->letters);
	j->letters = NULL;
}
