/* SPDX-License-Identifier: MIT */
/* run-changelog.c - changes of a tool's state go downstream. */
#include "run-changelog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "hash.h"
#include "headers.h"
#include "hello.h"
#include "hello-parts.h"
#include "loop.h"

#define SEAL 8	/* bytes behind a value */

struct ks_changelog {
	int32_t partitions;	/* that the topic is to have */
	struct ks_buf key, value;
	struct ks_headers headers;
};

int ks_changelog_option(struct ks_run *run, const char *value)
{
	if (value[0] == '\0' || strlen(value) > KS_NAME_MAX)
		return ks_fail(run->err, KS_USAGE, "--changelog '%.64s' cannot be the name of a topic", value);
	run->changelog = value;
	run->asks_kafka = true;
	return 0;
}

bool ks_changelog_key(struct ks_bytes key, int32_t *partition, bool *begins, int64_t *segment, struct ks_bytes *rest)
{
	if (key.n != 4 && key.n < KS_CHANGELOG_HEAD)
		return false;
	*partition = (int32_t)(ks_get32(key.p) ^ 0x80000000u);
	*begins = key.n == 4;
	if (*begins)
		return true;
	*segment = (int64_t)(ks_get64(key.p + 4) ^ 0x8000000000000000u);
	*rest = ks_bytes(key.p + KS_CHANGELOG_HEAD, key.n - KS_CHANGELOG_HEAD);
	return true;
}

static const struct ks_bytes commit_key = { (const unsigned char *)KS_CHANGELOG_COMMIT, sizeof(KS_CHANGELOG_COMMIT) - 1 };

bool ks_changelog_is_commit(int64_t segment, struct ks_bytes rest, struct ks_bytes value, int64_t *run, int64_t *epoch)
{
	if (segment != KS_STORE_META || !ks_bytes_eq(rest, commit_key) || value.n != 16)
		return false;
	*run = (int64_t)ks_get64(value.p);
	*epoch = (int64_t)ks_get64(value.p + 8);
	return true;
}

static uint64_t seal_of(struct ks_bytes key, struct ks_bytes value)
{
	return ks_hash(value, ks_hash(key, 0));
}

bool ks_changelog_unseal(struct ks_bytes key, struct ks_bytes *value)
{
	if (value->n < SEAL)
		return false;
	value->n -= SEAL;
	return ks_get64(value->p + value->n) == seal_of(key, *value);
}

/* --- what goes --- */

/* The head of a key of n bytes; the caller adds the rest. */
static int begin_key(struct ks_changelog *log, int32_t partition, size_t n)
{
	unsigned char *o;

	log->key.n = 0;
	if (ks_buf_reserve(&log->key, KS_MP_HEADER + n) != 0)
		return ENOMEM;
	o = ks_mp_put_bin_head(log->key.p, (uint32_t)n);
	ks_put32(o, (uint32_t)partition ^ 0x80000000u);
	log->key.n = (size_t)(o + 4 - log->key.p);
	return 0;
}

/* sealed: with the bytes of its seal, which is yet to be put there. */
static int set_value(struct ks_changelog *log, struct ks_bytes value, size_t sealed)
{
	unsigned char *o;

	log->value.n = 0;
	if (ks_buf_reserve(&log->value, KS_MP_HEADER + value.n + sealed) != 0)
		return ENOMEM;
	o = ks_mp_put_bin_head(log->value.p, (uint32_t)(value.n + sealed));
	if (value.n > 0)
		memcpy(o, value.p, value.n);
	log->value.n = (size_t)(o + value.n + sealed - log->value.p);
	return 0;
}

static int send(struct ks_run *run, int32_t partition, struct ks_bytes headers, struct ks_bytes value, struct ks_err *err)
{
	struct ks_changelog *log = run->log;
	struct ks_rec rec = { .offset = -1, .partition = ks_changelog_place(partition), .flags = KS_SIDE_CHANGELOG, .route = ks_str(run->changelog),
		.key = ks_buf_bytes(&log->key), .headers = headers, .value = value };
	struct ks_sink *sink = run->loop->sink;

	if (log->key.n > run->limits->key || ks_rec_size(&rec) > run->limits->record)
		return ks_fail(err, KS_DATA, "--changelog: the state of a key of partition %d has %zu bytes of key and %zu of value, more than --max-key or --max-record allows",
		    (int)partition, log->key.n, value.n);
	return sink->record(sink, &rec, err);
}

static int log_begin(void *arg, int32_t partition, struct ks_bytes fingerprint, struct ks_err *err)
{
	struct ks_run *run = arg;
	struct ks_changelog *log = run->log;
	struct ks_bytes headers;
	char count[16];
	int n = snprintf(count, sizeof(count), "%d", (int)log->partitions), no;

	if (ks_headers_begin(&log->headers, ks_no_headers, NULL, NULL) != NULL)
		return ks_fail_memory(err);
	no = ks_headers_add(&log->headers, ks_str("__kstream.partitions"), ks_bytes(count, (size_t)n));
	if (no == 0)
		no = ks_headers_end(&log->headers, &headers);
	if (no != 0 || begin_key(log, partition, 4) != 0 || set_value(log, fingerprint, 0) != 0)
		return ks_fail_memory(err);
	return send(run, partition, headers, ks_buf_bytes(&log->value), err);
}

static int log_change(void *arg, int32_t partition, int64_t segment, struct ks_bytes key, const struct ks_bytes *value, struct ks_err *err)
{
	struct ks_run *run = arg;
	struct ks_changelog *log = run->log;
	unsigned char *o;

	if (begin_key(log, partition, KS_CHANGELOG_HEAD + key.n) != 0 || (value != NULL && set_value(log, *value, SEAL) != 0))
		return ks_fail_memory(err);
	o = log->key.p + log->key.n;
	ks_put64(o, (uint64_t)segment ^ 0x8000000000000000u);
	if (key.n > 0)
		memcpy(o + 8, key.p, key.n);
	log->key.n += 8 + key.n;
	if (value != NULL) {
		key = ks_bytes(o - 4, KS_CHANGELOG_HEAD + key.n);
		ks_put64(log->value.p + log->value.n - SEAL, seal_of(key, *value));
	}
	return send(run, partition, ks_no_headers, value != NULL ? ks_buf_bytes(&log->value) : ks_mp_nil, err);
}

static int log_commit(void *arg, int32_t partition, int64_t run, int64_t epoch, struct ks_err *err)
{
	unsigned char at[16];
	struct ks_bytes value = ks_bytes(at, sizeof(at));

	ks_put64(at, (uint64_t)run);
	ks_put64(at + 8, (uint64_t)epoch);
	return log_change(arg, partition, KS_STORE_META, commit_key, &value, err);
}

/* --- as HELLO says --- */

struct told {
	struct ks_run *run;
	struct ks_store_word *words;
	size_t count;
	int32_t partitions;
};

static int add_word(struct told *t, const struct ks_store_word *word)
{
	struct ks_store_word *wider;

	if ((t->count & (t->count - 1)) == 0) {
		wider = reallocarray(t->words, t->count == 0 ? 1 : 2 * t->count, sizeof(*wider));
		if (wider == NULL)
			return ks_fail_memory(t->run->err);
		t->words = wider;
	}
	t->words[t->count++] = *word;
	return 0;
}

static int take_position(void *arg, const struct ks_position *x)
{
	struct told *t = arg;
	const struct ks_store_word word = { .input = x->input, .partition = x->partition, .epoch = x->epoch, .run = x->run, .owner = x->owner, .ours = !x->restore };
	struct ks_hello_facts facts;

	if (x->input.p != NULL && ks_hello_stream(t->run->hello, x->input, &facts) && facts.partitions > t->partitions)
		t->partitions = facts.partitions;
	return add_word(t, &word);
}

static int by_partition(const void *a, const void *b)
{
	const struct ks_store_word *x = a, *y = b;

	if (x->partition != y->partition)
		return x->partition < y->partition ? -1 : 1;
	return x->epoch > y->epoch ? -1 : x->epoch < y->epoch;
}

/* Of several topics the partitions of one number are read together; one that is new has no commit. */
static void merge_words(struct told *t)
{
	size_t i, kept = 0;

	if (t->count > 0)
		qsort(t->words, t->count, sizeof(*t->words), by_partition);
	for (i = 0; i < t->count; i++)
		if (kept == 0 || t->words[kept - 1].partition != t->words[i].partition)
			t->words[kept++] = t->words[i];
	t->count = kept;
}

/* What stands together is as far as the whole: only one instance has it. */
static int add_whole(struct told *t)
{
	struct ks_store_word whole = { .partition = -1, .ours = true };
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->words[i].epoch > whole.epoch) {
			whole = t->words[i];
			whole.partition = -1;
		}
	for (i = 0; i < t->count; i++)
		whole.ours = whole.ours && t->words[i].ours;
	return add_word(t, &whole);
}

static int check(const struct told *t)
{
	const struct ks_run *run = t->run;
	const struct ks_hello_view *h = run->hello;
	struct ks_hello_facts facts;

	if (run->changelog == NULL)
		return 0;
	if (h->guarantee != KS_EXACTLY_ONCE || t->words == NULL)
		return ks_fail(run->err, KS_CONFIG, "--changelog needs a stream that is exactly-once, from a topic: this one is not");
	if (ks_hello_stream(h, ks_str(run->changelog), &facts))
		return ks_fail(run->err, KS_CONFIG, "--changelog '%s' is a topic that is read, too: give it one of its own", run->changelog);
	if (t->partitions == 0)
		return ks_fail(run->err, KS_CONFIG, "--changelog: the stream does not tell how many partitions its topics have");
	return 0;
}

static int open_log(struct ks_run *run)
{
	run->log = calloc(1, sizeof(*run->log));
	if (run->log == NULL)
		return ks_fail_memory(run->err);
	ks_buf_init(&run->log->key, UINT32_MAX);
	ks_buf_init(&run->log->value, UINT32_MAX);
	ks_headers_init(&run->log->headers, KS_RECORD_MAX);
	return 0;
}

int ks_changelog_words(struct ks_run *run, struct ks_store_word **words, size_t *count)
{
	struct told t = { .run = run };
	bool nothing;	/* a member of a group, and this is a section without partitions */
	int64_t epoch = 0;
	size_t i;
	int status = run->changelog != NULL && run->log == NULL ? open_log(run) : 0;

	if (status == 0 && run->hello->app.p != NULL && run->hello->guarantee == KS_EXACTLY_ONCE)
		status = ks_hello_positions(run->hello->payload, take_position, &t);
	if (status == 0 && run->one_state && t.count > 0)
		status = add_whole(&t);
	if (status == 0)
		merge_words(&t);
	nothing = status == 0 && t.count == 0 && run->hello->instances == 0 && run->hello->guarantee == KS_EXACTLY_ONCE;
	for (i = 0; i < t.count; i++)
		epoch = t.words[i].epoch > epoch ? t.words[i].epoch : epoch;
	if (status != 0 || epoch != run->hello->epoch) {	/* it is kept elsewhere, not by partition */
		free(t.words);
		t.words = NULL;
		t.count = 0;
	}
	*words = t.words;
	*count = t.count;
	if (status == 0 && run->log != NULL)
		run->log->partitions = t.partitions;
	return status == 0 && !nothing ? check(&t) : status;
}

void ks_changelog_begin(struct ks_run *run, struct ks_store *s)
{
	const struct ks_store_log hooks = { .begin = log_begin, .change = log_change, .commit = log_commit, .arg = run };

	if (run->changelog != NULL && run->loop->sink != NULL)
		ks_store_log(s, &hooks);
}

void ks_changelog_close(struct ks_run *run)
{
	struct ks_changelog *log = run->log;

	if (log == NULL)
		return;
	ks_buf_release(&log->key);
	ks_buf_release(&log->value);
	ks_headers_release(&log->headers);
	free(log);
	run->log = NULL;
}
