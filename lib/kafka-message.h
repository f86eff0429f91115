/* SPDX-License-Identifier: MIT */
/*
 * kafka-message.h - between a message of Kafka and a record.
 *
 * null and empty stay distinct in key, value and headers; headers keep
 * their order and duplicates.
 */
#ifndef KS_KAFKA_MESSAGE_H
#define KS_KAFKA_MESSAGE_H

#include "ingest.h"
#include "key-bytes.h"
#include "sieve.h"

struct rd_kafka_message_s;
struct rd_kafka_headers_s;

struct ks_message_reader {
	const struct ks_config *config;
	struct ks_ingest ingest;
	struct ks_sieve sieve;
	uint64_t left_out;		/* by it */
	struct ks_buf text;		/* a value with KS_PAD bytes behind it */
	struct ks_buf key, headers;	/* msgpack of the record at hand */
	bool value_alone;		/* nobody will see key, headers and time */
	bool ranged;			/* --since, --until: by the broker's time, so that the value need not be read */
	uint32_t flags;			/* set in every record: KS_KEY_CHANGED where --key may move it to another partition */
};

/* config->from is KS_JSON or KS_RAW; config->key_from says how keys are read. */
int	ks_message_reader_open(struct ks_message_reader *r, const struct ks_config *config,
	    struct ks_err *err) KS_MUST_USE;
void	ks_message_reader_close(struct ks_message_reader *r);

/*
 * ks_message_read - append the frame of one message to b.
 *
 *	topic	its name
 *	made	RECORD frames appended: 1, or 0 where --on-error or --on-bad-time
 *		let it go
 *
 * KS_DATA names the record.
 */
int	ks_message_read(struct ks_message_reader *r, struct ks_bytes topic,
	    const struct rd_kafka_message_s *m, struct ks_buf *b, int *made, struct ks_err *err)
	    KS_MUST_USE;

struct ks_message_writer {
	enum ks_message_codec key_codec, value_codec;
	unsigned depth;
	struct ks_buf key, base, value;	/* scratch */
};

/* A record as Kafka takes it; slices borrow from the record or the writer. */
struct ks_message {
	struct ks_bytes key, value;	/* p == NULL: null */
	struct ks_bytes hashed;		/* what places the record: its key, or a windowed key's base key */
	int64_t time_ms;		/* 0: librdkafka takes the present */
};

void	ks_message_writer_open(struct ks_message_writer *w, const struct ks_config *config);
void	ks_message_writer_close(struct ks_message_writer *w);

/*
 * ks_message_write - the bytes of a record.
 *
 * Returns NULL, or what is wrong with it.  A time of exactly 0 or below is
 * wrong: librdkafka takes 0 for "now", and Kafka takes none below.
 */
const char *ks_message_write(struct ks_message_writer *w, const struct ks_rec *rec,
	    struct ks_message *m) KS_MUST_USE;

/*
 * ks_message_headers - librdkafka's list of a record's headers, NULL where
 * there are none.  The caller's, until a message takes it.
 */
struct rd_kafka_headers_s *ks_message_headers(struct ks_bytes headers);

/*
 * ks_message_size - the bytes of a batch that holds this record alone, not
 * compressed: what a broker compares with max.message.bytes.  headers: of
 * the record, checked.
 *
 * Source: org.apache.kafka.common.record.DefaultRecord.sizeInBytes behind
 * DefaultRecordBatch.RECORD_BATCH_OVERHEAD.
 */
size_t	ks_message_size(const struct ks_message *m, struct ks_bytes headers) KS_MUST_USE;

/* At least as much, without looking into the headers: as AbstractRecords.estimateSizeInBytesUpperBound. */
static inline size_t ks_message_bound(const struct ks_message *m, struct ks_bytes headers)
{
	/* RECORD_BATCH_OVERHEAD and MAX_RECORD_OVERHEAD; a length is at most 4 bytes longer than in msgpack. */
	return 61 + 21 + 2 * 5 + m->key.n + m->value.n + 5 * headers.n;
}

#endif
