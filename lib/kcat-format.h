/* SPDX-License-Identifier: MIT */
/*
 * kcat-format.h - a record as kcat 1.7.1 prints it: -f, -K, -D, -Z, -J.
 *
 * Where kcat cannot be what its manual says, the manual wins: \xff is a
 * byte, \x takes two digits at most, a NUL is written, and % in a delimiter
 * is a percent sign.  kstream-cat(1), KCAT, lists it.
 */
#ifndef KS_KCAT_FORMAT_H
#define KS_KCAT_FORMAT_H

#include "config.h"
#include "json.h"

struct ks_kcat_token {
	char kind;	/* the letter behind %, 0: text */
	size_t at, n;	/* of text */
};

struct ks_kcat_format {
	struct ks_kcat_token *tokens;
	size_t count;
	struct ks_buf text;
	bool nulls;		/* -Z: what is null or empty is printed as NULL */
	bool unbuffered;	/* -u: each record goes out at once */
	/* -J: the broker that a record came from, -1: not known.  NULL: nobody knows. */
	int32_t (*broker)(void *arg, struct ks_bytes topic, int32_t partition);
	void *arg;
};

/* All zero bytes are a format that prints nothing. */
void	ks_kcat_format_release(struct ks_kcat_format *f);

/* A -f FORMAT, appended.  NULL, or what is wrong with it. */
const char *ks_kcat_format_parse(struct ks_kcat_format *f, const char *format) KS_MUST_USE;

/* Text as it stands, or the token of a letter, appended.  0, ENOMEM, EMSGSIZE. */
int	ks_kcat_format_text(struct ks_kcat_format *f, struct ks_bytes text) KS_MUST_USE;
int	ks_kcat_format_token(struct ks_kcat_format *f, char kind) KS_MUST_USE;

/* The bytes that text with \n \r \t \xNN \NNN stands for, appended to out.  0, ENOMEM, EMSGSIZE. */
int	ks_kcat_unescape(struct ks_bytes text, struct ks_buf *out) KS_MUST_USE;

/*
 * Append a record in f to out.  A key or value that is neither text nor
 * bytes stands as its JSON, with a length of that.  KS_MP_OK, what is wrong
 * with the record, or with *no set ENOMEM or EMSGSIZE.
 */
enum ks_mp_error ks_kcat_print(const struct ks_kcat_format *f, const struct ks_rec *rec,
    unsigned depth, struct ks_buf *out, int *no) KS_MUST_USE;

/* The object of -J, without what ends it.  f may be NULL. */
enum ks_mp_error ks_kcat_print_json(const struct ks_kcat_format *f, const struct ks_rec *rec,
    unsigned depth, struct ks_buf *out, int *no) KS_MUST_USE;

/* A string between quotes as kcat escapes it: bytes that are not UTF-8 stay what they are.  0, ENOMEM, EMSGSIZE. */
int	ks_kcat_add_string(struct ks_buf *out, struct ks_bytes text) KS_MUST_USE;

#endif
