/* SPDX-License-Identifier: MIT */
/* store-about.h - whose a state on disk is, and how far it has come, without opening it as a store. */
#ifndef KS_STORE_ABOUT_H
#define KS_STORE_ABOUT_H

#include "sys.h"

struct ks_store_about {
	char app[KS_NAME_MAX + 1];
	char changelog[KS_NAME_MAX + 1];	/* the topic that has its changes; "": none */
	int64_t epoch, run;
	bool empty;		/* nothing was ever kept there: all else is unset */
};

/*
 * ks_store_about - home is the directory of a state (kstream-state(5), STAGE/db),
 * whose LOCK the caller has.  KS_CONFIG: it is damaged, or another version's.
 */
int	ks_store_about(const char *home, struct ks_store_about *a, struct ks_err *err) KS_MUST_USE;

#endif
