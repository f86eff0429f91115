/* SPDX-License-Identifier: MIT */
/*
 * endpoint.h - endpoints that a tool brings itself, beside files and pipes.
 * Only kstream-cat has some (Kafka), so that no other tool links librdkafka.
 */
#ifndef KS_ENDPOINT_H
#define KS_ENDPOINT_H

#include "sink.h"
#include "source.h"

struct ks_endpoints {
	/* Before all else, where the tool's options ask an endpoint something (-L): *answered, and there is no stream. */
	int (*answer)(void *st, const struct ks_config *config, bool *answered, struct ks_err *err);
	/* st: the tool's.  *src or *sink stays NULL where its options ask for none: the frame then opens files and pipes. */
	int (*source)(void *st, const struct ks_config *config, int wake, struct ks_source **src,
	    struct ks_err *err);
	/* Called first, and may settle in config what the tool's options mean for the shared ones (-C is --to raw). */
	int (*sink)(void *st, struct ks_config *config, struct ks_sink **sink, struct ks_err *err);
};

#endif
