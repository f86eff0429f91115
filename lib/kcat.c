/* SPDX-License-Identifier: MIT */
/* kcat.c - the letters of kcat 1.7.1 that kstream-cat takes over. */
#include "kcat.h"

#include <stdlib.h>

#include "kafka-list.h"

#define DELIM_MAX ((size_t)64 << 10)
#define HEADERS_MAX ((size_t)1 << 20)

/* The broker that last sent something of each partition of a topic. */
struct ks_kcat_fetched {
	const char *topic;	/* the source's */
	int32_t *brokers;
	int32_t count;
};

/* --- letters --- */

static int set_delim(struct ks_buf *b, const char *value, struct ks_err *err)
{
	ks_buf_release(b);
	ks_buf_init(b, DELIM_MAX);
	if (ks_buf_reserve(b, 1) != 0 || ks_kcat_unescape(ks_str(value), b) != 0)
		return ks_fail_memory(err);
	return 0;
}

/* NAME=VALUE, or NAME for one whose value is null. */
static int add_header(struct ks_kcat *k, const char *value, struct ks_err *err)
{
	const char *eq = strchr(value, '=');
	size_t n = eq != NULL ? (size_t)(eq - value) : strlen(value);
	const struct ks_val v = { .type = eq != NULL ? KS_BIN : KS_NIL, .b = ks_str(eq != NULL ? eq + 1 : NULL) };
	int no;

	if (n == 0 || ks_utf8_prefix((const unsigned char *)value, n) != n)
		return ks_fail(err, KS_USAGE, "--header '%s' is not NAME=VALUE, or NAME for a null value", value);
	if (k->headers.max == 0)
		ks_buf_init(&k->headers, HEADERS_MAX);
	no = ks_mp_add_array_head(&k->headers, 2);
	if (no == 0)
		no = ks_mp_add_str(&k->headers, ks_bytes(value, n));
	if (no == 0)
		no = ks_mp_add_val(&k->headers, &v);
	k->header_count++;
	return no == 0 ? 0 : ks_fail_memory(err);
}

/* How messages are printed. */
static int output_option(struct ks_kcat *k, int letter, const char *value, struct ks_err *err)
{
	switch (letter) {
	case 'f':
		k->form = value;
		return 0;
	case 'D':
		k->delimited = true;
		return set_delim(&k->delim, value, err);
	case 'K':
		return set_delim(&k->key_delim, value, err);
	case 'Z':
		k->input.nulls = true;
		return 0;
	default:
		k->unbuffered = true;
		return 0;
	}
}

int ks_kcat_option(struct ks_kcat *k, int letter, const char *value, struct ks_err *err)
{
	if (strchr("kHlT", letter) != NULL)
		k->of_input = (char)letter;
	switch (letter) {
	case 'C': k->consumer = true; return 0;
	case 'L': k->list = true; return 0;
	case 'Q': k->query = true; return 0;
	case 'k': k->input.key = ks_str(value); return 0;
	case 'H': return add_header(k, value, err);
	case 'l': k->input.lines = true; return 0;
	case 'T': k->input.tee = true; return 0;
	default: return output_option(k, letter, value, err);
	}
}

const char *ks_kcat_refuse(int letter)
{
	switch (letter) {
	case 's': case 'r':
		return "deserializers, Avro's and the others, are not there: --from raw has the bytes as they are";
	case 'O':
		return "kcat 1.7.1 takes it and prints no offset: -f '%o %s\\n' does";
	case 'M':
		return "a mock cluster is not there";
	case 'U':
		return "unit tests of kcat itself are not there";
	default:
		return NULL;
	}
}

void ks_kcat_release(struct ks_kcat *k)
{
	size_t i;

	ks_buf_release(&k->delim);
	ks_buf_release(&k->key_delim);
	ks_buf_release(&k->headers);
	ks_kcat_format_release(&k->format);
	for (i = 0; i < k->fetched_count; i++)
		free(k->fetched[i].brokers);
	free(k->fetched);
}

/* --- what is asked --- */

static int check_list(const struct ks_kcat *k, const struct ks_config *config, struct ks_err *err)
{
	if (config->in_count > 0)
		return ks_fail(err, KS_USAGE, "-%c asks Kafka, and reads no file", k->list ? 'L' : 'Q');
	if (config->to_given && config->to != KS_KCAT)
		return ks_fail(err, KS_USAGE, "-%c prints text, or with -J an object", k->list ? 'L' : 'Q');
	if (config->out != NULL || config->out_topic != NULL)
		return ks_fail(err, KS_USAGE, "-%c prints to stdout, not to --out", k->list ? 'L' : 'Q');
	if (k->query && config->topic_count == 0)
		return ks_fail(err, KS_USAGE, "-Q of what? give -t TOPIC:PARTITION:TIME");
	if (k->list && (k->offsets || k->group != NULL) && config->topic_count == 0)
		return ks_fail(err, KS_USAGE, "offsets of which topic? give -t TOPIC");
	if (k->list && !k->offsets && k->group == NULL && config->topic_count > 1)
		return ks_fail(err, KS_USAGE, "-L lists one topic of -t, or all; with --offsets several");
	return 0;
}

int ks_kcat_answer(const struct ks_kcat *k, const struct ks_kafka_options *options,
    const struct ks_config *config, bool *answered, struct ks_err *err)
{
	bool json = config->to_given && config->to == KS_KCAT;
	int status;

	*answered = true;
	if (k->properties)
		ks_kafka_list_properties(stdout);
	else if (k->dump)
		return ks_kafka_list_configuration(options, stdout, err);
	else if (!k->list && !k->query)
		*answered = false;
	if (k->properties || !*answered) {
		if (*answered || !k->offsets)
			return 0;
		return ks_fail(err, KS_USAGE, "--offsets is for -L");
	}
	status = check_list(k, config, err);
	if (status != 0)
		return status;
	if (k->query)
		return ks_kafka_list_times(options, config->topics, config->topic_count, json, stdout, err);
	if (k->offsets || k->group != NULL)
		return ks_kafka_list_offsets(options, config, k->group, json, stdout, err);
	return ks_kafka_list(options, config->topic_count > 0 ? config->topics[0] : NULL, json, stdout, err);
}

/* --- what is printed --- */

/* A record has come from a broker: -J tells of it. */
static void fetched(void *arg, const char *topic, int32_t partition, int32_t broker)
{
	struct ks_kcat *k = arg;
	struct ks_kcat_fetched *f = k->fetched;
	int32_t *grown;
	size_t i;

	for (i = 0; i < k->fetched_count && f[i].topic != topic; i++)
		;
	if (i == k->fetched_count) {
		f = realloc(f, (i + 1) * sizeof(*f));
		if (f == NULL)
			return;		/* the member is left out */
		k->fetched = f;
		f[k->fetched_count++] = (struct ks_kcat_fetched){ .topic = topic };
	}
	f += i;
	if (partition >= f->count) {
		grown = realloc(f->brokers, ((size_t)partition + 1) * sizeof(*grown));
		if (grown == NULL)
			return;
		f->brokers = grown;
		while (f->count <= partition)
			grown[f->count++] = -1;
	}
	f->brokers[partition] = broker;
}

static int32_t broker_of(void *arg, struct ks_bytes topic, int32_t partition)
{
	const struct ks_kcat *k = arg;
	const struct ks_kcat_fetched *f;

	for (f = k->fetched; f < k->fetched + k->fetched_count; f++)
		if (ks_bytes_is(topic, f->topic))
			return partition >= 0 && partition < f->count ? f->brokers[partition] : -1;
	return -1;
}

/* What -K and -D make: "%kK%sD", without -K "%sD", with -J what stands behind the object. */
static int make_format(struct ks_kcat *k, bool json)
{
	struct ks_kcat_format *f = &k->format;
	int no = 0;

	if (k->key_delim.max > 0 && !json) {
		no = ks_kcat_format_token(f, 'k');
		if (no == 0)
			no = ks_kcat_format_text(f, ks_buf_bytes(&k->key_delim));
	}
	if (no == 0 && !json)
		no = ks_kcat_format_token(f, 's');
	if (no == 0)
		no = ks_kcat_format_text(f, k->delimited ? ks_buf_bytes(&k->delim) : ks_str("\n"));
	return no;
}

int ks_kcat_settle_output(struct ks_kcat *k, struct ks_config *config, bool kafka, struct ks_err *err)
{
	bool json = config->to_given && config->to == KS_KCAT;
	bool plain = k->delimited || k->key_delim.max > 0 || k->input.nulls;
	const char *wrong;

	if (k->of_input != 0)
		return ks_fail(err, KS_USAGE, "-%c is about what -P writes", k->of_input);
	if ((plain || k->form != NULL) && config->to_given && (!json || k->form != NULL))
		return ks_fail(err, KS_USAGE, "%s: give a format of --to, or -J, or one of -f, -D, -K and -Z",
		    k->form != NULL ? "-f is a format of its own" : "-D, -K and -Z are not about --to");
	k->format.nulls = k->input.nulls;
	k->format.unbuffered = k->unbuffered;
	if (k->form != NULL) {
		wrong = ks_kcat_format_parse(&k->format, k->form);
		if (wrong != NULL)
			return ks_fail(err, KS_USAGE, "--format '%s': %s", k->form, wrong);
	} else if ((plain || json) && make_format(k, json) != 0) {
		return ks_fail_memory(err);
	}
	if (k->form != NULL || (plain && !json)) {
		config->to = KS_FORMAT;
		config->to_given = true;
	}
	if (k->form != NULL || plain || json || k->unbuffered)
		config->kcat = &k->format;
	if (json && kafka) {
		k->format.broker = broker_of;
		k->format.arg = k;
		k->watch.message = fetched;
	}
	k->watch.arg = k;
	return 0;
}

/* --- what is sent --- */

static bool has_letter(const struct ks_kcat *k)
{
	return k->of_input != 0 || k->delimited || k->key_delim.max > 0 || k->input.nulls;
}

int ks_kcat_settle_input(struct ks_kcat *k, const struct ks_config *config, struct ks_err *err)
{
	if (k->form != NULL)
		return ks_fail(err, KS_USAGE, "-f is about what is printed, and -P prints nothing");
	if (k->delimited && k->delim.n == 0)
		return ks_fail(err, KS_USAGE, "-D '' with -P: messages end at something");
	if (k->key_delim.max > 0 && k->key_delim.n == 0)
		return ks_fail(err, KS_USAGE, "-K '' with -P: a key ends at something");
	if (!has_letter(k))
		return 0;
	if (config->from_given)
		return ks_fail(err, KS_USAGE, "-D, -K, -Z, -k, -H, -l and -T are for messages as kcat reads them: leave out --from");
	if (config->key_expr != NULL || config->time_expr != NULL)
		return ks_fail(err, KS_USAGE, "--key and --time look into a value: add --from json, and leave out kcat's letters");
	return 0;
}

int ks_kcat_source(struct ks_kcat *k, const struct ks_config *config, int wake,
    struct ks_source **source, struct ks_err *err)
{
	bool stream = false;
	int status;

	if (config->from_given)
		return 0;
	if (!has_letter(k)) {
		status = ks_kcat_is_stream(config, wake, &stream, err);
		if (status != 0 || stream)
			return status;
	}
	if (config->key_expr != NULL || config->time_expr != NULL)
		return ks_fail(err, KS_USAGE, "--key and --time look into a value, and text is sent as it is: add --from json");
	if (k->key_delim.max > 0)
		k->input.key_delim = ks_buf_bytes(&k->key_delim);
	k->input.delim = k->delimited ? ks_buf_bytes(&k->delim) : ks_str("\n");
	k->input.headers = ks_no_headers;
	if (k->header_count > 0) {
		struct ks_buf list = k->headers;

		ks_buf_init(&k->headers, HEADERS_MAX + KS_MP_HEADER);
		status = ks_mp_add_array_head(&k->headers, k->header_count);
		if (status == 0)
			status = ks_buf_add(&k->headers, list.p, list.n);
		ks_buf_release(&list);
		if (status != 0)
			return ks_fail_memory(err);
		k->input.headers = ks_buf_bytes(&k->headers);
	}
	return ks_source_kcat(&k->input, config, wake, source, err);
}
