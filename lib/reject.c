/* SPDX-License-Identifier: MIT */
/* reject.c - --on-error. */
#include "reject.h"

#include <stdio.h>

#include "signals.h"

const char ks_reject_bom[] = "it begins with a byte order mark (EF BB BF), which is not JSON: remove it, as tail -c +4 does";
const char ks_reject_over_long[] = "the line is longer than --max-record allows";

int ks_reject_open(struct ks_reject *r, const struct ks_config *config, struct ks_err *err)
{
	*r = (struct ks_reject){ .config = config };
	ks_letters_init(&r->out, &config->limits);
	return config->on_error == KS_POLICY_FILE ? ks_letters_to(&r->out, "--on-error", config->error_to, err) : 0;
}

int ks_reject_sync(struct ks_reject *r, struct ks_err *err)
{
	return ks_letters_sync(&r->out, err);
}

int ks_reject_finish(struct ks_reject *r, struct ks_err *err)
{
	int status = r->out.written && r->config->app != NULL ? ks_letters_sync(&r->out, err) : 0;

	return status == 0 ? ks_beside_finish(&r->out.file, err) : status;
}

void ks_reject_close(struct ks_reject *r)
{
	ks_letters_release(&r->out);
}

const char *ks_where(const struct ks_rec *rec, char *room)
{
	struct ks_bytes name = ks_rec_stream(rec);

	if (rec->topic.p != NULL)
		name = rec->topic;
	if (name.p == NULL)
		name = ks_str("?");
	snprintf(room, KS_WHERE, "%.*s/%d@%lld", (int)name.n, (const char *)name.p, rec->partition,
	    (long long)rec->offset);
	return room;
}

static int make_letter(struct ks_reject *r, const struct ks_rec *rec, const char *what, struct ks_rec *letter,
    struct ks_err *err)
{
	struct ks_letter_why why[] = {
		{ .name = "__streams.errors.message", .text = ks_str(what) },
		{ .name = "__streams.errors.topic", .text = rec->topic.p != NULL ? rec->topic : ks_str("") },
		{ .name = NULL },
		{ .name = NULL },
		{ .name = "__kstream.errors.stage", .text = ks_str(r->config->stage) },
	};

	ks_letter_number(&why[2], "__streams.errors.partition", rec->partition);
	ks_letter_number(&why[3], "__streams.errors.offset", rec->offset);
	return ks_letter_make(&r->out, rec, KS_SIDE_DEAD, why, sizeof(why) / sizeof(why[0]), "__kstream.errors.cut", letter, err);
}

int ks_reject_record(struct ks_reject *r, const struct ks_rec *rec, const char *where,
    const char *what, struct ks_rec *letter, struct ks_err *err)
{
	struct ks_rec kept;
	int status;

	letter->value = letter->frame = ks_bytes(NULL, 0);
	if (ks_is_no_memory(what) || (ks_signals_end() != 0 && ks_is_interrupted(what)))
		return ks_fail(err, KS_TEMP, "%s: %s", where, what);
	r->count++;
	if (r->config->on_error == KS_POLICY_FAIL)
		return ks_fail(err, KS_DATA, "%s: %s", where, what);
	if (r->config->on_error == KS_POLICY_SKIP)
		return 0;
	status = make_letter(r, rec, what, &kept, err);
	if (status != 0)
		return status;
	if (r->config->on_error == KS_POLICY_FILE)
		return ks_letter_write(&r->out, &kept, "a rejected record", err);
	r->letters++;
	kept.route = ks_str(r->config->error_to);
	*letter = kept;
	return 0;
}
