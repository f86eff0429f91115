/* SPDX-License-Identifier: MIT */
/* kafka-message.c - between a message of Kafka and a record. */
#include "kafka-message.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "unwrap.h"

#define RECORD_BATCH_OVERHEAD 61u	/* DefaultRecordBatch's */

int ks_message_reader_open(struct ks_message_reader *r, const struct ks_config *config,
    struct ks_err *err)
{
	*r = (struct ks_message_reader){ .config = config };
	r->ranged = (config->has_since || config->has_until) && config->time_expr == NULL && !config->time_wall;
	ks_buf_init(&r->text, config->limits.record + KS_PAD);
	ks_buf_init(&r->key, config->limits.key);
	ks_buf_init(&r->headers, config->limits.record);
	r->value_alone = (config->to == KS_JSON || config->to == KS_RAW || config->to == KS_TSV ||
	    config->to == KS_CSV || config->to == KS_PRETTY) && config->out_topic == NULL &&
	    config->time_expr == NULL && config->key_expr == NULL && !config->has_since && !config->has_until &&
	    (config->on_error == KS_POLICY_FAIL || config->on_error == KS_POLICY_SKIP);
	/* What --time and --key make of a value may be wrong: then it is not dropped.  And --idle is told of all that comes. */
	if (config->wanted != NULL && config->from == KS_JSON && !config->unwrap && config->time_expr == NULL && config->key_expr == NULL && !config->time_wall &&
	    config->idle_ms == 0)
		ks_sieve_open(&r->sieve, config->wanted, &config->limits);
	return ks_ingest_open(&r->ingest, config, err);
}

void ks_message_reader_close(struct ks_message_reader *r)
{
	ks_ingest_close(&r->ingest);
	ks_sieve_close(&r->sieve);
	ks_buf_release(&r->text);
	ks_buf_release(&r->key);
	ks_buf_release(&r->headers);
}

/* A scanner reads past the end of what it is given, and librdkafka lends the middle of a larger buffer. */
static int pad(struct ks_message_reader *r, const void *p, size_t n)
{
	r->text.n = 0;
	if (ks_buf_reserve(&r->text, n + KS_PAD) != 0)
		return ENOMEM;
	if (n > 0)
		memcpy(r->text.p, p, n);
	memset(r->text.p + n, 0, KS_PAD);
	r->text.n = n;
	return 0;
}

/* --unwrap: a key that Connect wrapped is its payload, and any other is what it is without. */
static bool unwrap_key(struct ks_message_reader *r, const rd_kafka_message_t *m, struct ks_bytes *key, int *no)
{
	if (m->key_len == 0 || *(const char *)m->key != '{')
		return false;
	*no = pad(r, m->key, m->key_len);
	if (*no == 0 && ks_json_parse(&r->ingest.json, ks_buf_bytes(&r->text), &r->key) == KS_JSON_OK) {
		*key = ks_buf_bytes(&r->key);
		if (ks_unwrap(key, r->config->limits.depth))
			return true;
	}
	r->key.n = 0;
	return *no != 0;
}

/* NULL, or what is wrong with the key; no memory is *no. */
static const char *read_key(struct ks_message_reader *r, const rd_kafka_message_t *m,
    struct ks_bytes *key, int *no)
{
	struct ks_val v = { .type = KS_BIN, .b = ks_bytes(m->key, m->key_len) };
	enum ks_json_error e;

	*no = 0;
	if (m->key == NULL)
		return NULL;
	if (m->key_len > r->config->limits.key - KS_MP_HEADER)
		return "the key is larger than --max-key allows";
	r->key.n = 0;
	if (r->value_alone && r->config->key_from != KS_KEY_JSON)	/* of which any key is one */
		return NULL;
	if (r->config->key_from == KS_KEY_JSON) {
		*no = pad(r, m->key, m->key_len);
		if (*no != 0)
			return NULL;
		e = ks_json_parse(&r->ingest.json, ks_buf_bytes(&r->text), &r->key);
		if (e == KS_JSON_MEMORY)
			*no = ENOMEM;
		else if (e == KS_JSON_BIG)
			return "the key is larger than --max-key allows";
		else if (e != KS_JSON_OK)
			return "the key is not JSON (--key-from string takes any text)";
	} else {
		if (r->config->unwrap && !r->config->key_from_given && unwrap_key(r, m, key, no))
			return NULL;
		if (r->config->key_from == KS_KEY_STRING && ks_utf8_prefix(v.b.p, v.b.n) == v.b.n)
			v.type = KS_STR;
		*no = ks_mp_add_val(&r->key, &v);
	}
	*key = ks_buf_bytes(&r->key);
	return NULL;
}

static int add_header(struct ks_buf *b, const char *name, const void *value, size_t n)
{
	struct ks_val v = { .type = value == NULL ? KS_NIL : KS_BIN, .b = ks_bytes(value, n) };
	int no = ks_mp_add_array_head(b, 2);

	if (no == 0)
		no = ks_mp_add_str(b, ks_str(name));
	return no == 0 ? ks_mp_add_val(b, &v) : no;
}

/*
 * To be asked, librdkafka makes a list also where there is no header: a sixth
 * of the time of a record.  But it lends key and value where they lie in what
 * the broker has sent, and there the number of headers stands right behind
 * the value.  That they do lie there shows: between key and value stands the
 * length of the value, as Kafka writes it, and nothing else.  Where it does
 * not (no key, a format or a library that does otherwise), false.
 *
 * Source: Kafka protocol, RecordBatch v2: keyLength key valueLength value headersCount.
 */
static inline bool has_no_headers(const rd_kafka_message_t *m)
{
	const unsigned char *p = m->key, *value = m->payload;
	uint64_t z = (uint64_t)m->len << 1;	/* zigzag */

	if (p == NULL || value == NULL || (uintptr_t)value - (uintptr_t)p - m->key_len - 1 > 4)
		return false;
	for (p += m->key_len; z >= 0x80 && p < value; z >>= 7)
		if (*p++ != (unsigned char)(z | 0x80))
			return false;
	return p + 1 == value && *p == z && value[m->len] == 0;
}

static const char *read_headers(struct ks_message_reader *r, const rd_kafka_message_t *m,
    struct ks_bytes *headers, int *no)
{
	rd_kafka_headers_t *list;
	const char *name;
	const void *value;
	size_t i, n, count;

	*no = 0;
	if (r->value_alone || KS_LIKELY(has_no_headers(m)) || rd_kafka_message_headers(m, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return NULL;
	count = rd_kafka_header_cnt(list);
	r->headers.n = 0;
	*no = ks_mp_add_array_head(&r->headers, (uint32_t)count);
	for (i = 0; i < count && *no == 0; i++) {
		if (rd_kafka_header_get_all(list, i, &name, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR)
			break;
		if (ks_utf8_prefix((const unsigned char *)name, strlen(name)) != strlen(name))
			return "the name of a header is not UTF-8";
		*no = add_header(&r->headers, name, value, n);
	}
	if (*no == EMSGSIZE) {
		*no = 0;
		return "the record is larger than --max-record allows";
	}
	*headers = ks_buf_bytes(&r->headers);
	return NULL;
}

static void read_time(const rd_kafka_message_t *m, struct ks_rec *rec)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(m, &type);

	if (ms == -1 || type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
		return;
	rec->time_ms = ms;
	rec->flags |= type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? KS_TIME_APPEND : KS_TIME_CREATE;
}

/* Bytes as they are, straight from the message into the frame. */
static int read_raw(struct ks_message_reader *r, struct ks_rec *rec, const rd_kafka_message_t *m,
    struct ks_buf *b, int *made, struct ks_err *err)
{
	struct ks_val v = { .type = KS_BIN, .b = ks_bytes(m->payload, m->len) };
	unsigned char head[KS_MP_HEADER], *o;
	size_t n;

	if (r->ingest.set != NULL || r->config->time_wall) {
		r->text.n = 0;
		if (ks_mp_add_val(&r->text, &v) != 0)
			return ks_fail_memory(err);
		rec->value = ks_buf_bytes(&r->text);
		return ks_ingest_record(&r->ingest, rec, b, made, err);
	}
	n = (size_t)(ks_mp_put_bin_head(head, (uint32_t)m->len) - head);
	if (ks_rec_size(rec) + n + m->len > r->config->limits.record)
		return ks_ingest_reject(&r->ingest, rec, v.b,
		    "the record is larger than --max-record allows", b, made, err);
	if (r->ingest.take != NULL) {
		r->text.n = 0;
		if (ks_buf_reserve(&r->text, n + m->len) != 0)
			return ks_fail_memory(err);
		memcpy(r->text.p, head, n);
		memcpy(r->text.p + n, m->payload, m->len);
		rec->value = ks_bytes(r->text.p, n + m->len);
		*made = 1;
		return r->ingest.take(r->ingest.taker, rec);
	}
	if (ks_buf_reserve(b, ks_rec_size(rec) + n + m->len) != 0)
		return ks_fail_memory(err);
	o = ks_rec_put_head(b->p + b->n, rec, n + m->len);
	memcpy(o, head, n);
	memcpy(o + n, m->payload, m->len);
	b->n = (size_t)(o + n + m->len - b->p);
	*made = 1;
	return 0;
}

/* Nothing but its value may be wrong with it: it has a time, if one is asked for, and is never larger than --max-record. */
static bool may_leave_out(const struct ks_message_reader *r, const struct ks_rec *rec, const rd_kafka_message_t *m)
{
	return (!r->ranged || (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE) &&
	    ks_rec_size(rec) + 8 * m->len < r->config->limits.record;	/* msgpack of a text is at most 9 bytes for 4 */
}

static int read_json(struct ks_message_reader *r, struct ks_rec *rec, const rd_kafka_message_t *m,
    struct ks_buf *b, int *made, struct ks_err *err)
{
	size_t n;
	int status;

	if (pad(r, m->payload, m->len) != 0)
		return ks_fail_memory(err);
	if (r->sieve.set != NULL && may_leave_out(r, rec, m) &&
	    ks_sieve_drops(&r->sieve, ks_buf_bytes(&r->text), m->len + m->key_len)) {
		r->left_out++;
		return 0;
	}
	status = ks_ingest_json(&r->ingest, rec, ks_buf_bytes(&r->text), b, made, err);
	if (status == KS_DATA && *made == 0 && !r->config->from_given) {	/* not what became of a record of it */
		n = strlen(err->text);
		snprintf(err->text + n, sizeof(err->text) - n, " (--from raw takes any bytes)");
	}
	return status;
}

int ks_message_read(struct ks_message_reader *r, struct ks_bytes topic,
    const struct rd_kafka_message_s *m, struct ks_buf *b, int *made, struct ks_err *err)
{
	struct ks_rec rec = {
		.topic = topic, .partition = m->partition, .offset = m->offset, .key = ks_mp_nil,
		.headers = ks_no_headers, .flags = r->flags,
	};
	const char *wrong;
	int no;

	*made = 0;
	if (!r->value_alone)
		read_time(m, &rec);
	if (KS_UNLIKELY(r->ranged) && (rec.flags & KS_TIME_TYPE) != KS_TIME_NONE &&
	    !ks_config_in_range(r->config, rec.time_ms)) {
		r->ingest.reached = ks_config_stops(r->config) && rec.time_ms >= r->config->until_ms;
		r->ingest.outside += !r->ingest.reached;
		return 0;
	}
	wrong = read_key(r, m, &rec.key, &no);
	if (wrong == NULL && no == 0)
		wrong = read_headers(r, m, &rec.headers, &no);
	if (no != 0)
		return ks_fail_memory(err);
	if (wrong == NULL && m->len > r->config->limits.record)
		wrong = "the record is larger than --max-record allows";
	if (wrong != NULL)
		return ks_ingest_reject(&r->ingest, &rec, ks_bytes(m->payload, m->len), wrong, b, made, err);
	if (m->payload == NULL) {
		rec.value = ks_mp_nil;
		return ks_ingest_record(&r->ingest, &rec, b, made, err);
	}
	if (r->config->from == KS_RAW)
		return read_raw(r, &rec, m, b, made, err);
	return read_json(r, &rec, m, b, made, err);
}

void ks_message_writer_open(struct ks_message_writer *w, const struct ks_config *config)
{
	*w = (struct ks_message_writer){
		.key_codec = ks_key_to_codec(config->key_to), .depth = config->limits.depth,
		.value_codec = !config->to_given ? KS_AS_JSON_OR_BYTES :
		    config->to == KS_RAW ? KS_AS_BYTES : KS_AS_JSON,
	};
	/* A value below its limit may grow as text: "\u0001" for a byte. */
	ks_buf_init(&w->key, 16 * config->limits.key);
	ks_buf_init(&w->base, 16 * config->limits.key);
	ks_buf_init(&w->value, 16 * config->limits.record);
}

void ks_message_writer_close(struct ks_message_writer *w)
{
	ks_buf_release(&w->key);
	ks_buf_release(&w->base);
	ks_buf_release(&w->value);
}

const char *ks_message_write(struct ks_message_writer *w, const struct ks_rec *rec,
    struct ks_message *m)
{
	bool log = KS_UNLIKELY((rec->flags & KS_SIDE) == KS_SIDE_CHANGELOG);	/* whatever is asked for: bytes that are read again */
	const char *wrong = ks_as_bytes(rec->value, log ? KS_AS_BYTES : w->value_codec, w->depth, &w->value, &m->value);

	if (wrong != NULL)
		return wrong;
	wrong = ks_as_bytes(rec->key, log ? KS_AS_BYTES : w->key_codec, w->depth, &w->key, &m->key);
	if (wrong != NULL)
		return ks_is_no_memory(wrong) ? wrong : "the key cannot be written by --key-to: see kstream-cat(1)";
	m->hashed = m->key;
	if ((rec->flags & KS_KEY_KIND) != 0) {
		wrong = ks_key_placing(rec->key, rec->flags, w->key_codec, w->depth, &w->base, &m->hashed);
		if (wrong != NULL)
			return ks_is_no_memory(wrong) ? wrong : "the key is not that of a window";
	}
	m->time_ms = 0;
	if ((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE)
		return NULL;
	if (rec->time_ms <= 0)
		return "a time at or before 1970-01-01T00:00:00Z cannot be written to Kafka";
	m->time_ms = rec->time_ms;
	return NULL;
}

struct rd_kafka_headers_s *ks_message_headers(struct ks_bytes headers)
{
	const unsigned char *p, *end = headers.p + headers.n;
	struct ks_val name, value;
	rd_kafka_headers_t *list;
	struct ks_head head, pair;
	uint32_t i;

	if (KS_LIKELY(headers.n == 1) || ks_mp_head(headers.p, end, &head) != KS_MP_OK || head.type != KS_ARRAY || head.count == 0)
		return NULL;
	list = rd_kafka_headers_new(head.count);
	p = head.body;
	for (i = 0; i < head.count; i++) {
		if (ks_mp_head(p, end, &pair) != KS_MP_OK)
			ks_bug("headers were not checked");
		p = pair.body;
		if (ks_mp_read(&p, end, 0, &name) != KS_MP_OK || ks_mp_read(&p, end, 0, &value) != KS_MP_OK)
			ks_bug("headers were not checked");
		if (rd_kafka_header_add(list, (const char *)name.b.p, (ssize_t)name.b.n,
		    value.type == KS_NIL ? NULL : value.b.p,
		    value.type == KS_NIL ? 0 : (ssize_t)value.b.n) != RD_KAFKA_RESP_ERR_NO_ERROR)
			ks_bug("a header is refused");
	}
	return list;
}

/* Bytes of a length as Kafka writes it, zigzag and 7 bits a byte; null is -1. */
static size_t varint_size(int64_t x)
{
	uint64_t z = (uint64_t)x << 1 ^ (uint64_t)(x >> 63);
	size_t n = 1;

	for (; z >= 0x80; z >>= 7)
		n++;
	return n;
}

static size_t field_size(struct ks_bytes b)
{
	return b.p == NULL ? varint_size(-1) : varint_size((int64_t)b.n) + b.n;
}

size_t ks_message_size(const struct ks_message *m, struct ks_bytes headers)
{
	const unsigned char *p, *end = headers.p + headers.n;
	struct ks_val name, value;
	struct ks_head head, pair;
	uint32_t i, count = 0;
	size_t n;

	/* Attributes, and the differences to the batch's own time and offset, which are 0. */
	n = 3 + field_size(m->key) + field_size(m->value);
	if (ks_mp_head(headers.p, end, &head) == KS_MP_OK && head.type == KS_ARRAY)
		count = head.count;
	n += varint_size(count);
	for (i = 0, p = head.body; i < count; i++) {
		if (ks_mp_head(p, end, &pair) != KS_MP_OK)
			ks_bug("headers were not checked");
		p = pair.body;
		if (ks_mp_read(&p, end, 0, &name) != KS_MP_OK || ks_mp_read(&p, end, 0, &value) != KS_MP_OK)
			ks_bug("headers were not checked");
		n += field_size(name.b) + field_size(value.type == KS_NIL ? ks_bytes(NULL, 0) : value.b);
	}
	return RECORD_BATCH_OVERHEAD + varint_size((int64_t)n) + n;
}
