/* SPDX-License-Identifier: MIT */
/*
 * reject.h - what becomes of a record that cannot be processed: --on-error.
 *
 * A dead letter is the record as it came, with headers that say why
 * (KIP-1034's names): __streams.errors.message, .topic, .partition, .offset,
 * and __kstream.errors.stage.  A value that letter.h has cut was as long as
 * __kstream.errors.cut says.
 */
#ifndef KS_REJECT_H
#define KS_REJECT_H

#include "letter.h"

struct ks_reject {
	const struct ks_config *config;
	struct ks_letters out;
	uint64_t count, letters;	/* rejected; of them sent on as dead letters */
};

int	ks_reject_open(struct ks_reject *r, const struct ks_config *config, struct ks_err *err)
	    KS_MUST_USE;
/* What was rejected so far survives a crash: before a position is committed. */
int	ks_reject_sync(struct ks_reject *r, struct ks_err *err) KS_MUST_USE;
/* No more will be rejected; what was is written, or this fails. */
int	ks_reject_finish(struct ks_reject *r, struct ks_err *err) KS_MUST_USE;
void	ks_reject_close(struct ks_reject *r);

/*
 * ks_reject_record - apply the policy to rec.
 *
 *	where	coordinates for the message
 *	letter	out: with dlq the dead letter to be sent on (it borrows from r and
 *		rec); letter->frame.p and letter->value.p are NULL where nothing is to be sent
 *
 * Returns 0, KS_DATA where the policy is fail, KS_IO where the file cannot be
 * written; KS_TEMP where what is ks_no_memory or ks_interrupted, which is not the record's fault.
 */
int	ks_reject_record(struct ks_reject *r, const struct ks_rec *rec, const char *where,
	    const char *what, struct ks_rec *letter, struct ks_err *err) KS_MUST_USE;

/* What is wrong with a line of JSON that ks_bytes_bom is true for. */
extern const char ks_reject_bom[];

/* Of a line or message past --max-record so much is kept for the dead letter. */
#define KS_REJECT_KEPT ((size_t)4096)
extern const char ks_reject_over_long[];	/* a line */

/* "orders/3@1042" for messages; room of KS_WHERE. */
#define KS_WHERE (KS_NAME_MAX + 40)
const char *ks_where(const struct ks_rec *rec, char *room);

#endif
