/* SPDX-License-Identifier: MIT */
/*
 * kafka-source-section.c - the sections of a stream from Kafka: HELLO,
 * barriers, END, and what happens between two of them.
 *
 * What is read is fixed within a section.  Where a group moves partitions, or
 * topics come and go, it ends, paused, and another one begins behind it.
 */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <time.h>

#include "fdio.h"
#include "drill.h"
#include "kafka-names.h"
#include "kafka-source-impl.h"

#define LOOK_MS 1000	/* how long the question for new topics may take */
#define ANSWER_MS 200	/* likewise, that for what is committed */
#define LAST_MS 500	/* for the last epoch to be committed, and the group to be told, of which nothing depends */
#define STILL_MS 30000	/* with --app, how long a barrier waits for a record: an offset of a group expires after days (protocol 2.2) */
#define EPOCH_BYTES ((uint64_t)32 << 20)	/* of records, after which an epoch is closed before its time: a stage keeps what it changes */
#define EPOCHS_OUT 3	/* on their way at once: what a stage must be able to undo is bounded by it (protocol 3.2) */

/*
 * A broker holds a fetch of idle partitions for fetch.wait.max.ms, and the
 * others wait behind it.  So they are assigned when those with something to
 * read are under way: librdkafka fetches what it has as soon as it has some,
 * and the first fetch would now and then be of idle ones alone.
 */
static rd_kafka_resp_err_t assign_busy_first(struct ks_kafka_source *s)
{
	rd_kafka_topic_partition_list_t *busy = ks_kafka_parts_list(&s->parts, KS_PARTS_BUSY);
	rd_kafka_topic_partition_list_t *idle = ks_kafka_parts_list(&s->parts, KS_PARTS_IDLE);
	rd_kafka_resp_err_t e = RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_error_t *why;

	if (busy->cnt == 0 || idle->cnt == 0) {
		if (busy->cnt + idle->cnt > 0 || s->open)
			e = rd_kafka_assign(s->client.rk, busy->cnt > 0 ? busy : idle);
	} else {
		e = rd_kafka_assign(s->client.rk, busy);
		why = e == RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_incremental_assign(s->client.rk, idle) : NULL;
		if (why != NULL) {
			e = rd_kafka_error_code(why);
			rd_kafka_error_destroy(why);
		}
	}
	rd_kafka_topic_partition_list_destroy(busy);
	rd_kafka_topic_partition_list_destroy(idle);
	return e;
}

static int assign(struct ks_kafka_source *s, struct ks_err *err)
{
	rd_kafka_resp_err_t e;
	int status = 0;

	/* Before anything is assigned: what comes at once would go another way. */
	if (s->ordered)
		status = ks_kafka_order_open(&s->order, &s->client, &s->parts, s->config, s->options->max_idle_ms,
		    s->ready, err);
	if (status != 0)
		return status;
	e = assign_busy_first(s);
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	return ks_kafka_fail(&s->client, (int)e, !s->own.begun, err, "cannot read from %s", s->client.brokers);
}

static int claim(void *source, int64_t *run, int64_t *epoch, struct ks_err *err)
{
	const struct ks_kafka_source *s = source;

	(void)err;
	*run = s->claim.stand.run;
	*epoch = s->claim.stand.epoch;
	return 0;
}

int ks_kafka_section_learn(struct ks_kafka_source *s, int64_t *epoch, struct ks_err *err)
{
	int status = ks_claim_learn(&s->claim, ANSWER_MS, err);

	*epoch = s->claim.stand.epoch;
	return status;
}

static int learn(void *source, int64_t *epoch, struct ks_err *err)
{
	return ks_kafka_section_learn(source, epoch, err);
}

const struct ks_section_keeper *ks_kafka_section_keeper(struct ks_kafka_source *s)
{
	s->keeper = (struct ks_section_keeper){ .claim = claim, .learn = learn, .arg = s };
	return ks_kafka_claims(s) ? &s->keeper : NULL;
}

int ks_kafka_section_window(struct ks_kafka_source *s, struct ks_err *err)
{
	struct ks_section *x = &s->own.section;
	int status = 0;

	x->full = s->options->book != NULL && x->epoch - x->committed >= EPOCHS_OUT;
	if (x->full) {
		status = ks_section_learn(x, err);
		x->full = x->epoch - x->committed >= EPOCHS_OUT;
	}
	if (s->options->book != NULL && s->own.source.stats.bytes - s->closed_bytes >= EPOCH_BYTES)
		x->barrier_due = ks_clock_ms();
	return status;
}

/* With a ledger: where this run begins stands there before a record of it is read, also where -o has said it. */
static int enter_starts(struct ks_kafka_source *s, struct ks_err *err)
{
	if (s->options->ledger == NULL)
		return 0;
	if (s->parts.count == 0)
		return ks_fail(err, KS_CONFIG, "--instance %u/%u has nothing to read: there are fewer partitions than instances",
		    s->options->instance, s->options->instances);
	s->own.section.starts = &s->positions;
	return ks_kafka_ledger_positions(s->options->ledger, &s->parts, &s->positions, err);
}

int ks_kafka_section_begin(struct ks_kafka_source *s, struct ks_err *err)
{
	static const char *const codecs[] = { "string", "json", "raw" };
	const struct ks_kafka_parts *x = &s->parts;
	struct ks_hello_stream *streams = calloc(x->topic_count + 1, sizeof(*streams));
	struct ks_hello_position *positions = calloc(x->count + 1, sizeof(*positions));
	struct ks_hello h = {
		.reads = KS_READS_TOPICS, .live = !s->options->bounded, .streams = streams, .stream_count = x->topic_count,
		.positions = positions, .position_count = x->count, .merged = s->config->order == KS_ORDER_GLOBAL,
	};
	int status, wait_ms = (int)ks_kafka_move_ms(&s->client);	/* for the group of an app to be told that it goes by a ledger */
	size_t i;

	if (streams == NULL || positions == NULL) {
		free(streams);
		free(positions);
		return ks_fail_memory(err);
	}
	for (i = 0; i < x->topic_count; i++)
		streams[i] = (struct ks_hello_stream){
			.name = x->topics[i].name, .partitions = x->topics[i].partitions,
			.key = codecs[s->config->key_from], .time_type = x->topics[i].append ? KS_TIME_APPEND : KS_TIME_CREATE,
		};
	/* The run goes up before HELLO, which tells what the claim has found. */
	status = !ks_kafka_claims(s) ? enter_starts(s, err) : x->count > 0 || s->options->group == NULL ? ks_claim_take(&s->claim, x, err) :
	    ks_claim_nothing(&s->claim, err);
	for (i = 0; i < x->count && status == 0; i++) {
		positions[i] = (struct ks_hello_position){
			.input = x->parts[i].topic->name, .partition = x->parts[i].partition,
			.offset = x->parts[i].next, .epoch = s->own.section.ledger.epoch, .run = s->own.section.ledger.run,
		};
		if (ks_kafka_claims(s))
			ks_claim_position(&s->claim, i, &positions[i]);
	}
	ks_idle_begin(&s->own.idle, ks_clock_ms());
	for (i = 0; i < x->count && status == 0 && s->config->idle_ms > 0; i++)
		status = ks_idle_partition(&s->own.idle, x->parts[i].partition, err);
	if (status == 0)
		status = ks_section_begin(&s->own.section, &h, &s->own.frames, err);
	if (status == 0 && s->options->ledger != NULL) {
		status = ks_kafka_ledger_tell(&s->group_told, &s->client, s->options, x, wait_ms, err);
		s->own.frames.n = status == 0 ? s->own.frames.n : 0;	/* nobody has seen HELLO yet */
	}
	free(streams);
	free(positions);
	s->open = s->began = true;
	if (s->options->book != NULL && s->config->idle_ms == 0)
		s->own.section.still_ms = STILL_MS;
	s->look_due = ks_clock_ms() + s->refresh_ms;
	return status;
}

int ks_kafka_section_positions(struct ks_own *own, struct ks_bytes *positions, struct ks_err *err)
{
	struct ks_kafka_source *s = (struct ks_kafka_source *)own;

	if (s->options->ledger != NULL) {
		if (ks_kafka_ledger_positions(s->options->ledger, &s->parts, &s->positions, err) != 0)
			return err->status;
	} else if (ks_kafka_parts_positions(&s->parts, &s->positions) != 0) {
		return ks_fail_memory(err);
	}
	s->told = true;
	s->closed_bytes = s->own.source.stats.bytes;
	*positions = ks_buf_bytes(&s->positions);
	return 0;
}

/* Behind the last barrier it is waited for a little that it is committed; whoever was to do that may be gone. */
static int tell_group(struct ks_kafka_source *s, struct ks_err *err)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct ks_section *x = &s->own.section;
	int64_t end = ks_clock_ms() + LAST_MS;
	int status = 0;

	while (x->done && status == 0 && x->committed < x->epoch && ks_clock_ms() < end) {
		nanosleep(&pause, NULL);
		status = ks_section_learn(x, err);
	}
	if (status != 0 || x->committed <= s->group_told.epoch)
		return status;
	status = ks_kafka_ledger_tell(&s->group_told, &s->client, s->options, &s->parts, x->done ? LAST_MS : 0, err);
	return x->done ? 0 : status;	/* it only watches, and hears it from the next run */
}

int ks_kafka_section_passed(struct ks_own *own, struct ks_err *err)
{
	struct ks_kafka_source *s = (struct ks_kafka_source *)own;
	int status = 0;

	if (!s->told)
		return 0;
	s->told = false;
	ks_point("barrier-left");
	if (s->options->ledger != NULL)
		status = tell_group(s, err);
	if (status == 0 && s->options->group != NULL)
		status = ks_kafka_group_passed(s, err);
	if (s->own.again) {
		s->own.section.done = s->open = s->own.again = false;
		s->parts.last = NULL;
	}
	return status;
}

int ks_kafka_section_reopen(struct ks_kafka_source *s, const struct rd_kafka_topic_partition_list_s *given,
    const struct ks_kafka_parts *before, struct ks_err *err)
{
	struct ks_kafka_parts parts;
	int status = ks_kafka_parts_choose(&parts, &s->client, s->options, s->config, given, before == NULL && !s->client.answered, err);

	/* As at the start: what other owners have left open would hold up the answer. */
	if (status == 0 && ks_kafka_claims(s))
		status = ks_claim_gather(&s->claim, &parts, err);
	if (status == 0)
		status = ks_kafka_parts_settle(&parts, &s->client, before, err);
	if (status != 0) {
		ks_kafka_parts_close(&parts);
		return status;
	}
	ks_kafka_order_close(&s->order);
	ks_kafka_parts_close(&s->parts);
	s->parts = parts;
	return 0;
}

void ks_kafka_drop_batch(struct ks_kafka_source *s)
{
	while (s->batch_at < s->batch_count)
		rd_kafka_message_destroy(s->batch[s->batch_at++]);
}

int ks_kafka_section_next(struct ks_kafka_source *s, struct ks_err *err)
{
	int status = 0;

	if (s->own.stop >= 0 && s->began) {
		s->own.section.done = true;
		return 0;
	}
	if (s->own.stop >= 0) {		/* before the group gave anything: a stream of nothing */
		status = ks_kafka_section_begin(s, err);
		return status == 0 ? ks_own_end(&s->own, (enum ks_kind)s->own.stop, err) : status;
	}
	if (s->options->group != NULL)
		return ks_kafka_group_await(s, err);
	if (s->began)
		status = ks_kafka_section_reopen(s, NULL, &s->parts, err);
	if (status == 0)
		status = assign(s, err);
	return status == 0 ? ks_kafka_section_begin(s, err) : status;
}

static int end_for_another(struct ks_kafka_source *s, bool *ended, struct ks_err *err)
{
	*ended = true;
	s->own.again = true;
	return ks_own_end(&s->own, KS_PAUSED, err);
}

int ks_kafka_section_look(struct ks_kafka_source *s, bool *ended, struct ks_err *err)
{
	char gone[300];
	bool changed;
	int status;

	*ended = false;
	if (s->options->group != NULL)
		return s->group.news == KS_GROUP_QUIET ? 0 : ks_kafka_group_is_lost(s) ? ks_kafka_group_lost(s, err) : end_for_another(s, ended, err);
	if (s->refresh_ms == 0 || ks_clock_ms() < s->look_due)
		return 0;
	status = ks_kafka_parts_look(&s->parts, &s->client, LOOK_MS, &changed, gone, err);
	s->look_due = ks_clock_ms() + s->refresh_ms;
	if (status == 0 && gone[0] != '\0')
		ks_kafka_warn(s->config, "%s", gone);
	return status == 0 && changed ? end_for_another(s, ended, err) : status;
}
