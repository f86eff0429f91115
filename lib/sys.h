/* SPDX-License-Identifier: MIT */
/*
 * sys.h - the ground: exit statuses, limits, errors, attributes.
 *
 * Statuses are those of sysexits.h; a supervisor decides from the number
 * alone (kstream(7), EXIT STATUS).
 */
#ifndef KS_SYS_H
#define KS_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KS_VERSION "0.1.0"

enum ks_status {
	KS_OK = 0,
	KS_NO = 1,		/* asked, and the answer is no */
	KS_USAGE = 64,		/* the command line is wrong */
	KS_DATA = 65,		/* the input is wrong */
	KS_NOINPUT = 66,	/* an input cannot be opened */
	KS_UNAVAILABLE = 69,	/* a broker is unreachable at start; a library is missing */
	KS_BUG = 70,		/* a broken invariant of ours */
	KS_CANTCREAT = 73,	/* an output cannot be created */
	KS_IO = 74,		/* reading or writing failed */
	KS_TEMP = 75,		/* restart me: upstream died, broker lost, no memory */
	KS_DENIED = 77,		/* denied: credentials, rights */
	KS_CONFIG = 78,		/* do not restart: configuration, state mismatch */
};

#define KS_MUST_USE __attribute__((warn_unused_result))
#define KS_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define KS_LIKELY(x) __builtin_expect(!!(x), 1)
#define KS_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Every maximum that has a default stands here (DESIGN section 4; protocol limits). */
#define KS_RECORD_MAX ((size_t)8 << 20)	/* bytes of one frame, --max-record */
#define KS_CONTROL_MAX ((size_t)1 << 20)	/* bytes that HELLO and barriers may always have: 10,000 partitions */
#define KS_KEY_MAX ((size_t)64 << 10)	/* bytes of one key, --max-key */
#define KS_DEPTH_MAX 128u		/* nested arrays and maps, --max-depth */
#define KS_DEPTH_CEILING 10000u		/* what --max-depth may ask for: the walk recurses */
#define KS_NAME_MAX 249u		/* a topic, route or stage name: Kafka's own limit */
#define KS_IO_SIZE ((size_t)256 << 10)	/* one read or write: 64 KiB to 1 MiB measured alike */
#define KS_FUTURE_MS (INT64_C(60) * 60 * 1000)	/* how far ahead of the clock a time of live input is believed, --max-future */
#define KS_PIPELINE_MAX ((size_t)64 << 10)	/* bytes of a pipeline as text (pipeline.h) */
#define KS_STAGES_MAX 100		/* programs in one: a slip of the pen has more */
#define KS_PAD 64			/* zero bytes that follow text given to a scanner */

struct ks_limits {
	size_t record;
	size_t key;
	unsigned depth;
	uint64_t steps;		/* of work for the expressions on one record; 0: the default of expr.h */
	size_t memory;		/* likewise, bytes */
	int (*stop)(void);	/* whether an end was asked for: looked at in the middle of a long record; NULL: nobody does */
};

/*
 * struct ks_err - why something failed, for one line on stderr.
 * status is a ks_status; text has no newline, no program name, no full stop.
 */
struct ks_err {
	int status;
	char text[600];
};

/*
 * ks_fail - fill err and return status, so that a caller writes
 * `return ks_fail(err, KS_IO, "cannot read '%s': %s", ...)`.
 * Control characters of the text are replaced by '?'.
 */
int	ks_fail(struct ks_err *err, int status, const char *fmt, ...) KS_PRINTF(3, 4);

/* As ks_fail, for want of memory: KS_TEMP, ks_no_memory. */
int	ks_fail_memory(struct ks_err *err);

/* As ks_fail, for an errno: appends ": " and what strerror says.  ENOMEM is KS_TEMP, whatever status is. */
int	ks_fail_errno(struct ks_err *err, int status, int no, const char *fmt, ...) KS_PRINTF(4, 5);

/*
 * What a text that says what is wrong with a record says when it is not the
 * record: it is not rejected for that (KS_TEMP).  Whoever puts something before
 * such a text asks first.
 */
extern const char ks_no_memory[];
bool	ks_is_no_memory(const char *text);

/*
 * Likewise of a record in whose middle a signal asked for an end: nothing is
 * wrong with it.  Words may stand before it; a program may have it of its own.
 */
extern const char ks_interrupted[];
bool	ks_is_interrupted(const char *text);

/* A broken invariant: names the place on stderr and aborts, to keep the core. */
#define ks_bug(text) ks_bug_at(__FILE__, __LINE__, (text))
_Noreturn void ks_bug_at(const char *file, int line, const char *text);

#endif
