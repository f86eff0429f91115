/* SPDX-License-Identifier: MIT */
/* kafka-txn.c - transactions of a producer. */
#include "kafka-txn.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "drill.h"
#include "fdio.h"
#include "signals.h"

#define SLICE_MS 250	/* of a wait that a signal or an error of the client may end */

void ks_txn_id(const char *app, const char *owner, char room[KS_TXN_ID])
{
	snprintf(room, KS_TXN_ID, "%.*s.%.*s", (int)KS_NAME_MAX, app, (int)KS_OWNER_MAX, owner);
}

/* Who is fenced learns it as one of these (broker 2). */
static bool is_fenced(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
	    code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED;
}

/* Whom the group has let go learns it as one of these (broker 4). */
static bool is_let_go(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
	    code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

/* Which right is missing, of what; 0: it is not that. */
static int denied(const struct ks_kafka *k, rd_kafka_resp_err_t code, const char *group, struct ks_err *err)
{
	char id[KS_TXN_ID];

	if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED && group != NULL)
		return ks_fail(err, KS_DENIED, "no right to commit the offsets of group '%s': READ on the group is missing", group);
	if (code != RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
		return 0;
	ks_kafka_conf_text(rd_kafka_conf(k->rk), "transactional.id", id, sizeof(id));
	return ks_fail(err, KS_DENIED, "no right to use the transactional id '%s': WRITE on it is missing", id);
}

/* Takes e. */
static int failed(struct ks_kafka *k, rd_kafka_error_t *e, const char *group, bool starting, const char *what, struct ks_err *err)
{
	rd_kafka_resp_err_t code = rd_kafka_error_code(e);
	char why[300];

	if (!rd_kafka_error_is_retriable(e) && ks_kafka_is_refusal((int)code))
		k->refusal = (int)code;
	snprintf(why, sizeof(why), "%s", rd_kafka_error_string(e));
	rd_kafka_error_destroy(e);
	if (denied(k, code, group, err) != 0)
		return err->status;
	k->fenced = is_fenced(code);
	if (k->fenced)
		return ks_fail(err, KS_TEMP, "%s: another run of this app has taken over", what);
	if (is_let_go(code))
		return ks_fail(err, KS_TEMP, "%s: the group has given the partitions to others", what);
	if (code == RD_KAFKA_RESP_ERR__TIMED_OUT && k->refused.status == 0 && k->failed.status == 0)
		return ks_fail(err, starting ? KS_UNAVAILABLE : KS_TEMP, "%s: no answer from %s", what, k->brokers);
	if (code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT)
		return ks_fail(err, KS_CONFIG, "%s: %s does not allow transactions of %d s (its transaction.max.timeout.ms)", what,
		    k->brokers, KS_TXN_MS / 1000);
	if (ks_kafka_status((int)code, false) == KS_TEMP && k->refused.status == 0 && k->failed.status == 0)
		return ks_fail(err, starting ? KS_UNAVAILABLE : KS_TEMP, "%s: %s", what, why);
	return ks_kafka_fail(k, (int)code, starting, err, "%s", what);
}

int ks_txn_open(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app, const char *owner, struct ks_err *err)
{
	char id[KS_TXN_ID], ms[16], wait[24];
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-cat" },
		KS_KAFKA_CONNECT,
		{ "transactional.id", id },
		{ "transaction.timeout.ms", ms },
		{ "socket.timeout.ms", wait },
		{ "socket.nagle.disable", "true" },
		{ NULL, NULL },
	};
	struct rd_kafka_conf_s *conf;
	int status;

	ks_txn_id(app, owner, id);
	snprintf(ms, sizeof(ms), "%d", KS_TXN_MS);
	snprintf(wait, sizeof(wait), "%lld", (long long)(options->timeout_ms < KS_TXN_MS ? options->timeout_ms : KS_TXN_MS));
	status = ks_kafka_conf(options, ours, &conf, err);
	if (status == 0)
		status = ks_kafka_open(k, options, true, conf, err);
	return status == 0 && ks_keeps("claim") ? ks_txn_init(k, err) : status;
}

/* librdkafka goes on with what it has begun when it is asked again (2.1). */
int ks_txn_init(struct ks_kafka *k, struct ks_err *err)
{
	int64_t now, deadline = ks_clock_ms() + ks_kafka_move_ms(k);
	rd_kafka_error_t *e;
	int status;

	for (;;) {
		e = rd_kafka_init_transactions(k->rk, SLICE_MS);
		ks_point("transactions-begun");
		if (e == NULL)
			return 0;
		status = denied(k, rd_kafka_error_code(e), NULL, err);
		if (status == 0)
			status = ks_kafka_check(k, err);
		if (status != 0) {
			rd_kafka_error_destroy(e);
			return status;
		}
		now = ks_clock_ms();
		if (!rd_kafka_error_is_retriable(e) || now >= deadline || ks_signals_end() != 0 ||
		    (k->down_since != 0 && now - k->down_since > KS_KAFKA_REFUSED_MS))
			return failed(k, e, NULL, true, "cannot begin a run", err);
		rd_kafka_error_destroy(e);
	}
}

int ks_txn_begin(struct ks_kafka *k, struct ks_err *err)
{
	rd_kafka_error_t *e = rd_kafka_begin_transaction(k->rk);

	return e == NULL ? 0 : failed(k, e, NULL, false, "cannot begin a transaction", err);
}

static int wait_of(const struct ks_kafka *k)
{
	return k->timeout_ms < KS_TXN_MS ? (int)k->timeout_ms : KS_TXN_MS;
}

int ks_txn_offsets(struct ks_kafka *k, const char *group, const struct rd_kafka_consumer_group_metadata_s *member,
    struct rd_kafka_topic_partition_list_s *list, struct ks_err *err)
{
	rd_kafka_consumer_group_metadata_t *nobody = member == NULL ? rd_kafka_consumer_group_metadata_new(group) : NULL;
	rd_kafka_error_t *e;

	if (member == NULL && nobody == NULL)
		return ks_fail_memory(err);
	e = rd_kafka_send_offsets_to_transaction(k->rk, list, member != NULL ? member : nobody, wait_of(k));
	if (nobody != NULL)
		rd_kafka_consumer_group_metadata_destroy(nobody);
	ks_point("offsets-sent");
	/* Whatever it says: what is committed without its offsets would come again. */
	return e == NULL ? 0 : failed(k, e, group, false, "cannot commit offsets", err);
}

int ks_txn_commit(struct ks_kafka *k, struct ks_err *err)
{
	rd_kafka_error_t *e = rd_kafka_commit_transaction(k->rk, wait_of(k));

	ks_point("committed");
	return e == NULL ? 0 : failed(k, e, NULL, false, "cannot commit a transaction", err);
}

void ks_txn_abort(struct ks_kafka *k)
{
	rd_kafka_error_t *e = rd_kafka_abort_transaction(k->rk, wait_of(k));

	if (e != NULL)
		rd_kafka_error_destroy(e);
}
