/* SPDX-License-Identifier: MIT */
/*
 * refuse.c - a library for LD_PRELOAD by which a broker seems to refuse to
 * commit a transaction: REFUSE=CODE, an error code of librdkafka.  The broker
 * itself has the transaction aborted.
 */
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *rk, int timeout_ms)
{
	const char *code = getenv("REFUSE");
	rd_kafka_error_t *(*commit)(rd_kafka_t *, int) = NULL, *e;

	*(void **)&commit = dlsym(RTLD_NEXT, "rd_kafka_commit_transaction");
	if (code == NULL)
		return commit(rk, timeout_ms);
	e = rd_kafka_abort_transaction(rk, timeout_ms);
	if (e != NULL)
		rd_kafka_error_destroy(e);
	return rd_kafka_error_new(atoi(code), "refused by a test");
}
