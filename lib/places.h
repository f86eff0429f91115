/* SPDX-License-Identifier: MIT */
/*
 * places.h - the files that a source of text reads, and where each stands.
 *
 * With a ledger a file goes by its real path, so that ./a and a are one, and
 * stdin by "stdin".  A file that was cut or replaced since its position was
 * kept, or while it is read, is refused: whatever its name, inode and size
 * are, the bytes before the position are not those that were read.
 */
#ifndef KS_PLACES_H
#define KS_PLACES_H

#include "ledger.h"

struct ks_place {
	const char *name;	/* as it was given, for opening and messages */
	char *real;		/* its name in the ledger */
	int64_t offset;		/* of the next line */
	int64_t checked;	/* what check is for; -1: none is known */
	char check[KS_CHECK_MAX + 1];
};

#define KS_PLACES_TAIL ((size_t)4096)	/* so much of what was read is compared with the file */

struct ks_places {
	struct ks_place *at;
	size_t count;
	const struct ks_ledger *ledger;	/* NULL: nothing is kept */
	struct ks_buf positions;
};

/* names: of files, "-" is stdin, and so is none at all; borrowed.  ledger: has been read, or NULL. */
int	ks_places_open(struct ks_places *p, const char *const *names, size_t count,
	    const struct ks_ledger *ledger, struct ks_err *err) KS_MUST_USE;

/* The file of x has been opened, and has size bytes (-1: no file): go to where the ledger says it stands. */
int	ks_places_seek(const struct ks_places *p, struct ks_place *x, int fd, int64_t size, struct ks_err *err)
	    KS_MUST_USE;

/*
 * Before fd is closed, and before a barrier: what was read is still there,
 * and is known by its check from now on.
 *
 *	read	bytes as they were read that end at the position; may be empty
 */
int	ks_places_check(const struct ks_places *p, struct ks_place *x, int fd, struct ks_bytes read,
	    struct ks_err *err) KS_MUST_USE;

/* The positions of a barrier, of all files and of those that the ledger knows beside them; dies at the next call. */
int	ks_places_list(struct ks_places *p, struct ks_bytes *positions, struct ks_err *err) KS_MUST_USE;

void	ks_places_close(struct ks_places *p);

#endif
