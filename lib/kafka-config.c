/* SPDX-License-Identifier: MIT */
/*
 * kafka-config.c - properties of the Kafka client from the command line,
 * files and the environment.
 *
 * It refuses lines without '=', and secrets in files that others can read.
 */
#include "kafka-config.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTES_MAX ((size_t)64 << 10)
#define FOUND_MAX 4096			/* bytes of a path that is looked for */

/* Properties that carry a promise of ours. */
static const char *const kept[] = {
	"enable.auto.commit", "enable.auto.offset.store", "auto.commit.enable", "enable.partition.eof",
	"enable.idempotence", "transactional.id", "transaction.timeout.ms", "auto.offset.reset", "acks", "request.required.acks",
	"delivery.report.only.error", "dr_cb", "dr_msg_cb", "produce.offset.report",
	"allow.auto.create.topics", "message.timeout.ms", "delivery.timeout.ms", "partitioner",
};

/* Does the value of a property have to stay unseen? */
static bool is_secret(const char *name)
{
	static const char *const words[] = {
		"password", "passphrase", "secret", "token", "key.pem", "keystore.key", "jaas", "oauthbearer.config",
		"auth.user.info",
	};
	size_t i, n = strlen(name);

	if (n > 4 && strcmp(name + n - 4, ".url") == 0)
		return false;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(name, words[i]) != NULL)
			return true;
	return false;
}

/*
 * librdkafka keeps copies where no madvise reaches them, so it is the
 * process that must not be dumped; nor can others of the same user look
 * into it, or at its environment.
 */
static void hide_process(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Where a property was given, for messages: "-X", or FILE:LINE. */
static const char *where(const struct ks_kafka_given *g, char *room, size_t n)
{
	if (g->file == NULL)
		return "-X";
	snprintf(room, n, "%s:%u", g->file, g->line);
	return room;
}

int ks_kafka_config_fail(struct ks_err *err, const struct ks_kafka_given *g, const char *fmt, ...)
{
	char text[500], room[FOUND_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return ks_fail(err, g->file != NULL ? KS_CONFIG : KS_USAGE, "%s: %s",
	    where(g, room, sizeof(room)), text);
}

/* --- lists --- */

/* name and value become the list's; NULL, as from strdup, is no memory. */
static int add(struct ks_kafka_list *list, struct ks_kafka_given g, struct ks_err *err)
{
	struct ks_kafka_given *p = realloc(list->p, (list->n + 1) * sizeof(*p));

	if (p != NULL)
		list->p = p;
	if (p == NULL || g.name == NULL || g.value == NULL) {
		free(g.name);
		ks_kafka_forget(g.value);
		return ks_fail_memory(err);
	}
	g.secret = is_secret(g.name);
	p[list->n++] = g;
	return 0;
}

static void release(struct ks_kafka_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		free(list->p[i].name);
		ks_kafka_forget(list->p[i].value);
	}
	free(list->p);
	*list = (struct ks_kafka_list){ 0 };
}

/* kcat's "topic." before a name says nothing to librdkafka. */
static const char *bare(const char *name)
{
	bool own = strncmp(name, "topic.metadata.", 15) == 0 || strncmp(name, "topic.blacklist=", 16) == 0;

	return strncmp(name, "topic.", 6) == 0 && !own ? name + 6 : name;
}

int ks_kafka_config_arg(struct ks_kafka_config *c, const char *text, struct ks_err *err)
{
	const char *name = bare(text), *eq = strchr(name, '=');
	struct ks_kafka_given g = { 0 };
	int status;

	if (eq == NULL || eq == name)
		return ks_fail(err, KS_USAGE, "--property (-X) wants NAME=VALUE, a property of librdkafka");
	g.name = strndup(name, (size_t)(eq - name));
	g.value = strdup(eq + 1);
	status = add(&c->args, g, err);
	if (status != 0 || !c->args.p[c->args.n - 1].secret || ks_kafka_is_fetched(eq + 1))
		return status;
	c->exposed = c->args.p[c->args.n - 1].name;
	explicit_bzero((char *)(uintptr_t)(eq + 1), strlen(eq + 1));
	return 0;
}

int ks_kafka_config_brokers(struct ks_kafka_config *c, const char *brokers, struct ks_err *err)
{
	return add(&c->args, (struct ks_kafka_given){ .name = strdup("bootstrap.servers"), .value = strdup(brokers) }, err);
}

int ks_kafka_config_file(struct ks_kafka_config *c, const char *path, struct ks_err *err)
{
	const char **grown;

	if (strcmp(path, "none") == 0 || strcmp(path, "-") == 0) {
		c->no_file = true;
		return 0;
	}
	grown = realloc(c->files, (c->file_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return ks_fail_memory(err);
	c->files = grown;
	grown[c->file_count++] = path;
	return 0;
}

static int note(struct ks_kafka_config *c, const struct ks_kafka_given *g, const char *text, struct ks_err *err)
{
	char room[FOUND_MAX];

	if (c->notes.max == 0)
		ks_buf_init(&c->notes, NOTES_MAX);
	if (ks_buf_printf(&c->notes, "%s: property '%s' is left out: %s\n",
	    where(g, room, sizeof(room)), g->name, text) == ENOMEM)
		return ks_fail_memory(err);
	return 0;
}

/* --- one property --- */

static bool is_kept(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strcmp(name, kept[i]) == 0)
			return true;
	return false;
}

/* What librdkafka will make of it, tried on a configuration that is thrown away. */
static int try_property(struct ks_kafka_config *c, const struct ks_kafka_given *g, bool *take,
    struct ks_err *err)
{
	rd_kafka_conf_t *conf;
	rd_kafka_conf_res_t result;
	char why[300];

	*take = false;
	if (is_kept(g->name) && g->file != NULL)
		return note(c, g, "it is kstream's own", err);
	if (is_kept(g->name))
		return ks_kafka_config_fail(err, g, "property '%s' is kstream's own", g->name);
	conf = rd_kafka_conf_new();
	result = rd_kafka_conf_set(conf, g->name, g->value, why, sizeof(why));
	rd_kafka_conf_destroy(conf);
	*take = result == RD_KAFKA_CONF_OK;
	if (*take)
		return 0;
	if (result == RD_KAFKA_CONF_UNKNOWN && g->file != NULL && ks_kafka_java_only(g->name))
		return note(c, g, "it is for Java", err);
	if (result == RD_KAFKA_CONF_UNKNOWN)
		return ks_kafka_config_fail(err, g, "librdkafka %s knows no property '%s'",
		    rd_kafka_version_str(), g->name);
	/* Its own text may hold the value. */
	return ks_kafka_config_fail(err, g, "property '%s' does not take that value", g->name);
}

static int add_checked(struct ks_kafka_config *c, struct ks_kafka_given *g, struct ks_err *err)
{
	bool take = false;
	int status = 0;

	if (g->name == NULL || g->value == NULL)
		status = ks_fail_memory(err);
	else
		status = try_property(c, g, &take, err);
	if (status == 0 && take)
		return add(&c->all, *g, err);
	free(g->name);
	ks_kafka_forget(g->value);
	return status;
}

/* Fetch, translate, check, keep. */
static int take(struct ks_kafka_config *c, const struct ks_kafka_given *from, struct ks_err *err)
{
	struct ks_kafka_given g = {
		.name = strdup(from->name), .value = strdup(from->value), .file = from->file, .line = from->line,
	};
	struct ks_kafka_given more = { .file = g.file, .line = g.line };
	bool known = false;
	int status = g.name == NULL || g.value == NULL ? ks_fail_memory(err) : 0;

	if (status == 0) {
		g.secret = is_secret(g.name);
		if (g.secret)
			hide_process();
		status = ks_kafka_fetch(&g, err);
	}
	if (status == 0)
		status = ks_kafka_java(&g, &more, &known, err);
	if (status != 0 || (known && g.name == NULL)) {
		free(g.name);
		ks_kafka_forget(g.value);
	} else {
		status = add_checked(c, &g, err);
	}
	if (status == 0 && more.name != NULL)
		return add_checked(c, &more, err);
	free(more.name);
	ks_kafka_forget(more.value);
	return status;
}

/* --- files --- */

static char *trim(char *p, char *end)
{
	while (end > p && strchr(" \t\r\f", end[-1]) != NULL)
		end--;
	*end = '\0';
	return p + strspn(p, " \t\f");
}

/*
 * Java goes on with a line that ends with '\'; kcat does not, and a secret
 * may end with one.  So only where the property is Java's alone.
 */
static char *join_lines(char *line, char *end, char *stop, unsigned *lines)
{
	char *last;

	while (end < stop) {
		last = end > line && end[-1] == '\r' ? end - 1 : end;
		if (last == line || last[-1] != '\\')
			break;
		memset(last - 1, ' ', (size_t)(end - last) + 2);
		end += strcspn(end, "\n");
		++*lines;
	}
	return end;
}

static int take_line(struct ks_kafka_config *c, const char *path, unsigned at, char *line,
    const struct stat *st, struct ks_err *err)
{
	struct ks_kafka_given g = { .file = path, .line = at };
	char *eq = strchr(line, '='), *name, *value;

	if (eq == NULL)
		return ks_kafka_config_fail(err, &g, "not a line of NAME=VALUE");
	value = trim(eq + 1, eq + 1 + strlen(eq + 1));
	name = trim(line, eq);
	if (*name == '\0')
		return ks_kafka_config_fail(err, &g, "not a line of NAME=VALUE");
	name += bare(name) - name;
	if (is_secret(name) && *value != '\0' && !ks_kafka_is_fetched(value) && ks_kafka_others_can_read(st))
		return ks_kafka_config_fail(err, &g, "others can read this file, which has a secret, '%s': chmod 600 '%s'",
		    name, path);
	g.name = strdup(name);
	g.value = strdup(value);
	return add(&c->filed, g, err);
}

static int read_lines(struct ks_kafka_config *c, const char *path, char *text, const struct stat *st,
    struct ks_err *err)
{
	char *stop = text + strlen(text), *line = text, *end, *first;
	unsigned at = 1, lines;
	int status = 0;

	if (ks_bytes_bom(ks_str(text)))
		line += 3;
	for (; line < stop && status == 0; line = end + 1, at += lines) {
		lines = 1;
		end = line + strcspn(line, "\n");
		first = line + strspn(line, " \t\r\f");
		if (first >= end || *first == '#' || *first == '!')
			continue;
		if (strncmp(first, "sasl.jaas.config", 16) == 0)
			end = join_lines(line, end, stop, &lines);
		*end = '\0';
		status = take_line(c, path, at, first, st, err);
	}
	return status;
}

static int read_file(struct ks_kafka_config *c, const char *path, struct ks_err *err)
{
	struct stat st;
	size_t n = 0;
	char *text;
	int status;

	hide_process();	/* nobody knows yet what is in it */
	text = ks_kafka_read_text(path, &st, &n);
	if (text == NULL)
		return ks_fail_errno(err, KS_CONFIG, errno, "cannot read the configuration '%s'", path);
	if (c->notes.max == 0)
		ks_buf_init(&c->notes, NOTES_MAX);
	status = ks_buf_printf(&c->notes, "properties from '%s'\n", path) == ENOMEM ? ks_fail_memory(err) : 0;
	if (status == 0)
		status = read_lines(c, path, text, &st, err);
	explicit_bzero(text, n);
	free(text);
	return status;
}

/* dir, a slash if there is a dir, name: a file that exists? */
static bool look(struct ks_kafka_config *c, const char *dir, const char *name)
{
	char path[FOUND_MAX];

	if (dir == NULL || *dir == '\0' || snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return false;
	if (access(path, F_OK) != 0)
		return false;	/* also where HOME is another user's, as su may leave it */
	c->found = strdup(path);
	return true;
}

/* The first there is.  A variable that names a file means it: that file must exist. */
static int find_file(struct ks_kafka_config *c, struct ks_err *err)
{
	const char *own = getenv("KSTREAM_CONFIG"), *kcat = getenv("KCAT_CONFIG");
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char config[FOUND_MAX];

	if (own != NULL && *own != '\0')
		return read_file(c, own, err);
	if (home == NULL || snprintf(config, sizeof(config), "%s/.config", home) >= (int)sizeof(config))
		config[0] = '\0';
	if (look(c, xdg != NULL && *xdg == '/' ? xdg : config, "kstream.conf"))
		return c->found == NULL ? ks_fail_memory(err) : read_file(c, c->found, err);
	if (kcat != NULL && *kcat != '\0')
		return read_file(c, kcat, err);
	if (look(c, config, "kcat.conf") || look(c, config, "kafkacat.conf"))
		return c->found == NULL ? ks_fail_memory(err) : read_file(c, c->found, err);
	return 0;
}

/* One of all that was given, in order. */
static const struct ks_kafka_given *given(const struct ks_kafka_config *c, size_t i)
{
	return i < c->filed.n ? &c->filed.p[i] : &c->args.p[i - c->filed.n];
}

/* A secret that is given anew need not be there where the file says. */
static bool is_replaced(const struct ks_kafka_config *c, size_t i)
{
	const char *name = given(c, i)->name;

	while (++i < c->filed.n + c->args.n)
		if (strcmp(given(c, i)->name, name) == 0)
			return true;
	return false;
}

int ks_kafka_config_settle(struct ks_kafka_config *c, struct ks_kafka_options *options,
    struct ks_err *err)
{
	const struct ks_kafka_given *g;
	int status = 0, was = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	bool secret = false;
	size_t i;

	for (i = 0; i < c->file_count && status == 0; i++)
		status = read_file(c, c->files[i], err);
	if (status == 0 && c->file_count == 0 && !c->no_file)
		status = find_file(c, err);
	for (i = 0; i < c->filed.n + c->args.n && status == 0; i++)
		if (!is_replaced(c, i))
			status = take(c, given(c, i), err);
	options->brokers = NULL;
	for (g = c->all.p; g < c->all.p + c->all.n; g++) {
		secret |= g->secret;
		if (strcmp(g->name, "bootstrap.servers") == 0 || strcmp(g->name, "metadata.broker.list") == 0)
			options->brokers = g->value;
	}
	if (status == 0 && !secret && was == 1)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	options->properties = c->all.p;
	options->property_count = c->all.n;
	return status;
}

void ks_kafka_config_release(struct ks_kafka_config *c)
{
	release(&c->filed);
	release(&c->args);
	release(&c->all);
	free(c->files);
	free(c->found);
	ks_buf_release(&c->notes);
#ifdef __SANITIZE_ADDRESS__
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);	/* the leak sanitizer looks into the process at its end */
#endif
	*c = (struct ks_kafka_config){ 0 };
}
