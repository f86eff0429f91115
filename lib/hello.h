/* SPDX-License-Identifier: MIT */
/*
 * hello.h - HELLO, the first frame of a section: a map whose unknown keys
 * every stage forwards.  kstream-record(5) lists the keys.
 */
#ifndef KS_HELLO_H
#define KS_HELLO_H

#include "frame.h"
#include "owner.h"

/* The word of HELLO and --guarantee. */
const char *ks_guarantee_name(enum ks_guarantee g);

/* What the source reads.  Of topics Kafka can keep how far; of files the ledger does. */
enum ks_reads {
	KS_READS_UNSAID,	/* by a source that is older */
	KS_READS_FILES,
	KS_READS_TOPICS,
};

/* One named stream of a section. */
struct ks_hello_stream {
	const char *name;
	int32_t partitions;
	const char *key;	/* codec of the keys: "string", "json", "raw" */
	unsigned time_type;	/* KS_TIME_NONE ... */
};

/* Where a partition of an input stands at the start of a section. */
struct ks_hello_position {
	const char *input;	/* topic, or path of a file */
	int32_t partition;
	int64_t offset;		/* the next to read */
	int64_t epoch, run;	/* of its last commit, 0 where there is none */
	const char *owner;	/* who made that commit; NULL: nobody, or it is not kept */
	bool restore;		/* it was somebody whose state is in another directory than ours */
};

/* What a source says.  Text is borrowed; lists may be empty. */
struct ks_hello {
	const char *app;	/* NULL: no --app */
	const char *owner;	/* NULL without app */
	uint32_t instance, instances;	/* of a member of a group 0 and 0 */
	int64_t run, epoch;
	enum ks_guarantee guarantee;
	int64_t commit_ms;	/* how long an epoch may last: --commit-interval */
	enum ks_reads reads;
	bool live;
	const struct ks_hello_stream *streams;
	size_t stream_count;
	const struct ks_hello_position *positions;
	size_t position_count;
	bool merged;		/* its records come by time over all partitions: "order" is "global" */
	const char *side;	/* route of side records that may come, NULL: none */
	const char *hint;	/* for a human who looks at the stream */
};

/* Append the frame: 0, ENOMEM, EMSGSIZE. */
int	ks_hello_add(struct ks_buf *b, const struct ks_hello *h) KS_MUST_USE;

/* What a stage reads from a HELLO; slices borrow from the payload. */
struct ks_hello_view {
	struct ks_bytes app;	/* p == NULL: none */
	struct ks_bytes owner;	/* p == NULL: not told, see ks_hello_owner */
	uint32_t instance, instances;
	int64_t run, epoch;
	enum ks_guarantee guarantee;
	int64_t commit_ms;	/* 0: not told */
	enum ks_reads reads;
	bool live, merged;
	struct ks_bytes sides;	/* msgpack array of names */
	struct ks_bytes streams;	/* msgpack array, of whatever; p == NULL: none */
	struct ks_bytes payload;	/* all of it: for ks_hello_positions */
};

/*
 * ks_hello_parse - what this version knows, strictly typed; keys it does not
 * know are passed over.  NULL, or what is wrong.
 */
const char *ks_hello_parse(struct ks_bytes payload, unsigned depth, struct ks_hello_view *v)
    KS_MUST_USE;

/*
 * Where the positions of the stream are kept: true, in Kafka, with what is
 * written there; false: in the ledger.
 */
bool	ks_hello_in_kafka(const struct ks_hello_view *v);

/*
 * Whether an output that can be written in transactions is.  From files it is also
 * where at least once is promised, as it costs little there, unless the output
 * itself was told that this is enough.
 */
bool	ks_hello_transacts(const struct ks_hello_view *v, bool told);

/* Whose the stream is, for messages and directories: the owner, or the instance that it tells of. */
void	ks_hello_owner(const struct ks_hello_view *v, char room[KS_OWNER_ROOM]);

/* What is told of a stream. */
struct ks_hello_facts {
	int32_t partitions;	/* 0: not told */
	struct ks_bytes key;	/* the codec of its keys; p == NULL: not told */
};

/* That of the stream of that name; false: there is none. */
bool	ks_hello_stream(const struct ks_hello_view *v, struct ks_bytes name, struct ks_hello_facts *facts) KS_MUST_USE;

/* Each that has a name; what take returns, if it is not 0, ends it, and is returned. */
int	ks_hello_each(const struct ks_hello_view *v, int (*take)(void *arg, struct ks_bytes name, const struct ks_hello_facts *facts),
	    void *arg) KS_MUST_USE;

/* Whether name is one of the streams; and all names, for a message: "'a', 'b'". */
bool	ks_hello_has_stream(const struct ks_hello_view *v, struct ks_bytes name);
void	ks_hello_streams(const struct ks_hello_view *v, char *room, size_t size);

/* Copy a HELLO to b that says merged (of equal keys the last one counts): 0, ENOMEM, EMSGSIZE.  The payload has been parsed. */
int	ks_hello_add_merged(struct ks_buf *b, struct ks_bytes payload) KS_MUST_USE;

/* Copy a HELLO to b with side added to its "sides" (once): 0, ENOMEM, EMSGSIZE.  The payload has been parsed. */
int	ks_hello_add_side(struct ks_buf *b, struct ks_bytes payload, const char *side) KS_MUST_USE;

#endif
