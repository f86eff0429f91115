/* SPDX-License-Identifier: MIT */
/*
 * kafka-java.c - properties as Java's clients have them, for librdkafka.
 *
 * It refuses Java key stores, certificates that stand in the properties
 * themselves, and login modules other than those of PLAIN and SCRAM: each
 * with what to do instead.
 */
#include "kafka-config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define PEEK 4096	/* bytes of a store: text may stand before the first -----BEGIN */

/* --- names --- */

/* Same meaning, another name. */
static const struct { const char *java, *ours; } renamed[] = {
	{ "fetch.max.wait.ms", "fetch.wait.max.ms" },
	{ "max.request.size", "message.max.bytes" },
	{ "sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id" },
	{ "sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret" },
};

/*
 * What ConsumerConfig, ProducerConfig and AdminClientConfig of Kafka 3.9.1
 * and 4.3.0 have and librdkafka 2.0.2 has not.  One that ends with a dot
 * stands for all that begin with it; the last lines are of serializers.
 */
static const char *const java_only[] = {
	"auto.include.jmx.reporter", "bootstrap.controllers", "buffer.memory", "client.dns.lookup", "compression.gzip.",
	"compression.lz4.", "compression.zstd.", "config.providers", "config.providers.", "default.api.timeout.ms",
	"enable.metrics.push", "exclude.internal.topics", "group.protocol", "group.remote.assignor",
	"interceptor.classes", "internal.", "key.deserializer", "key.serializer", "max.block.ms", "max.poll.records",
	"metadata.max.idle.ms", "metadata.recovery.", "metric.reporters", "metrics.", "partitioner.", "receive.buffer.bytes",
	"retry.backoff.max.ms", "sasl.client.callback.handler.class", "sasl.kerberos.ticket.", "sasl.login.",
	"sasl.oauthbearer.assertion.", "sasl.oauthbearer.clock.skew.seconds", "sasl.oauthbearer.expected.",
	"sasl.oauthbearer.header.urlencode", "sasl.oauthbearer.jwks.", "sasl.oauthbearer.jwt.",
	"sasl.oauthbearer.scope.claim.name", "sasl.oauthbearer.sub.claim.name", "security.providers", "send.buffer.bytes",
	"share.", "socket.connection.setup.timeout.max.ms", "ssl.enabled.protocols", "ssl.engine.factory.class",
	"ssl.keymanager.algorithm", "ssl.protocol", "ssl.provider", "ssl.secure.random.implementation",
	"ssl.trustmanager.algorithm", "transaction.two.phase.commit.enable", "value.deserializer", "value.serializer",
	"auto.register.schemas", "basic.auth.", "schema.registry.", "specific.avro.reader", "use.latest.version",
};

bool ks_kafka_java_only(const char *name)
{
	size_t i, n;

	for (i = 0; i < sizeof(java_only) / sizeof(java_only[0]); i++) {
		n = strlen(java_only[i]);
		if (strcmp(name, java_only[i]) == 0 || (java_only[i][n - 1] == '.' && strncmp(name, java_only[i], n) == 0))
			return true;
	}
	return false;
}

static int rename_to(struct ks_kafka_given *g, const char *name, struct ks_err *err)
{
	char *copy = strdup(name);

	if (copy == NULL)
		return ks_fail_memory(err);
	free(g->name);
	g->name = copy;
	return 0;
}

/* It says nothing here. */
static int drop(struct ks_kafka_given *g)
{
	free(g->name);
	g->name = NULL;
	return 0;
}

/* --- stores --- */

enum store { STORE_PEM, STORE_JKS, STORE_PKCS12 };

/* By what is in it, since .type may be missing, or wrong. */
static int kind_of_store(const struct ks_kafka_given *g, enum store *kind, struct ks_err *err)
{
	unsigned char room[PEEK];
	ssize_t n = -1;
	int fd = open(g->value, O_RDONLY | O_CLOEXEC), no;

	if (fd >= 0)
		n = read(fd, room, sizeof(room));
	no = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return ks_kafka_config_fail(err, g, "cannot read '%s': %s", g->value, strerror(no));
	if (n >= 4 && (ks_get32(room) == 0xfeedfeed || ks_get32(room) == 0xcececece))
		*kind = STORE_JKS;
	else if (memmem(room, (size_t)n, "-----BEGIN", 10) != NULL)
		*kind = STORE_PEM;
	else
		*kind = STORE_PKCS12;
	explicit_bzero(room, sizeof(room));
	return 0;
}

static int trust_store(struct ks_kafka_given *g, struct ks_err *err)
{
	enum store kind;
	int status = kind_of_store(g, &kind, err);

	if (status != 0 || kind == STORE_PEM)
		return status != 0 ? status : rename_to(g, "ssl.ca.location", err);
	return ks_kafka_config_fail(err, g,
	    "'%s' is not PEM: convert it by keytool -list -rfc -keystore '%s' >ca.pem, and name ca.pem here",
	    g->value, g->value);
}

/* PKCS#12 has the same name in librdkafka; a PEM of Java has the key and the certificates in one file. */
static int key_store(struct ks_kafka_given *g, struct ks_kafka_given *more, struct ks_err *err)
{
	enum store kind;
	int status = kind_of_store(g, &kind, err);

	if (status != 0 || kind == STORE_PKCS12)
		return status;
	if (kind == STORE_JKS)
		return ks_kafka_config_fail(err, g, "'%s' is a Java key store: convert it by keytool -importkeystore "
		    "-srckeystore '%s' -destkeystore key.p12 -deststoretype PKCS12, and name key.p12 here", g->value, g->value);
	more->name = strdup("ssl.certificate.location");
	more->value = strdup(g->value);
	if (more->name == NULL || more->value == NULL)
		return ks_fail_memory(err);
	return rename_to(g, "ssl.key.location", err);
}

/* --- sasl.jaas.config: MODULE required NAME="VALUE" ...; --- */

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r\n\f");
}

/*
 * A word, or a string in quotes, whose escapes are resolved; into room,
 * which is as long as the text.  NULL where it is neither.
 */
static const char *read_word(const char *p, char *room)
{
	char quote = *p;
	size_t n;

	if (quote != '"' && quote != '\'') {
		n = strcspn(p, " \t\r\n\f=;\"'");
		memcpy(room, p, n);
		room[n] = '\0';
		return n > 0 ? p + n : NULL;
	}
	for (p++; *p != quote; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (*p == '\0')
			return NULL;
		*room++ = *p;
	}
	*room = '\0';
	return p + 1;
}

/* One NAME="VALUE" of the module; the names that matter are kept. */
static const char *read_option(const char *p, char *room, char **user, char **password)
{
	char **to = NULL;

	p = read_word(p, room);
	if (p == NULL)
		return NULL;
	if (strcmp(room, "username") == 0)
		to = user;
	else if (strcmp(room, "password") == 0)
		to = password;
	p = skip_blanks(p);
	if (*p != '=')
		return NULL;
	p = read_word(skip_blanks(p + 1), room);
	if (p == NULL || to == NULL)
		return p;
	ks_kafka_forget(*to);
	*to = strdup(room);
	return *to != NULL ? p : NULL;
}

/* "" or what is wrong. */
static const char *read_jaas(const char *p, char *room, char **user, char **password)
{
	const char *dot;

	p = read_word(skip_blanks(p), room);
	if (p == NULL)
		return "no login module";
	dot = strrchr(room, '.');
	dot = dot != NULL ? dot + 1 : room;
	if (strcmp(dot, "PlainLoginModule") != 0 && strcmp(dot, "ScramLoginModule") != 0)
		return "only PlainLoginModule and ScramLoginModule are known: set librdkafka's own sasl properties instead";
	p = read_word(skip_blanks(p), room);
	if (p == NULL || (strcasecmp(room, "required") != 0 && strcasecmp(room, "requisite") != 0 &&
	    strcasecmp(room, "sufficient") != 0 && strcasecmp(room, "optional") != 0))
		return "'required' does not follow the login module";
	for (p = skip_blanks(p); *p != ';' && *p != '\0'; p = skip_blanks(p)) {
		p = read_option(p, room, user, password);
		if (p == NULL)
			return "not NAME=\"VALUE\" behind the login module";
	}
	if (*p != ';' || *skip_blanks(p + 1) != '\0')
		return "one ';' must stand at its end";
	return *user == NULL || *password == NULL ? "no username, or no password" : "";
}

static int jaas(struct ks_kafka_given *g, struct ks_kafka_given *more, struct ks_err *err)
{
	size_t n = strlen(g->value) + 1;
	char *room = malloc(n), *user = NULL, *password = NULL;
	const char *wrong = room != NULL ? read_jaas(g->value, room, &user, &password) : ks_no_memory;
	int status = 0;

	if (room != NULL)
		explicit_bzero(room, n);
	free(room);
	if (wrong == ks_no_memory)
		status = ks_fail_memory(err);
	else if (*wrong != '\0')
		status = ks_kafka_config_fail(err, g, "property 'sasl.jaas.config': %s", wrong);
	else
		status = rename_to(g, "sasl.username", err);
	more->name = status == 0 ? strdup("sasl.password") : NULL;
	if (status == 0 && more->name == NULL)
		status = ks_fail_memory(err);
	if (status != 0) {
		free(user);
		ks_kafka_forget(password);
		return status;
	}
	more->value = password;
	ks_kafka_forget(g->value);
	g->value = user;
	return 0;
}

int ks_kafka_java(struct ks_kafka_given *g, struct ks_kafka_given *more, bool *known,
    struct ks_err *err)
{
	size_t i;

	*known = true;
	if (strcmp(g->name, "sasl.jaas.config") == 0)
		return jaas(g, more, err);
	if (strcmp(g->name, "ssl.truststore.location") == 0)
		return trust_store(g, err);
	if (strcmp(g->name, "ssl.keystore.location") == 0)
		return key_store(g, more, err);
	if (strcmp(g->name, "ssl.truststore.type") == 0 || strcmp(g->name, "ssl.truststore.password") == 0 ||
	    strcmp(g->name, "ssl.keystore.type") == 0)
		return drop(g);	/* a store says itself what it is, and PEM of certificates has no password */
	if (strcmp(g->name, "partition.assignment.strategy") == 0 && strchr(g->value, '.') != NULL)
		return drop(g);	/* names of Java's classes */
	if (strcmp(g->name, "ssl.truststore.certificates") == 0 || strcmp(g->name, "ssl.keystore.key") == 0 ||
	    strcmp(g->name, "ssl.keystore.certificate.chain") == 0)
		return ks_kafka_config_fail(err, g, "property '%s': put it into a file, and name that by %s", g->name,
		    strcmp(g->name, "ssl.keystore.key") == 0 ? "ssl.key.location" :
		    strcmp(g->name, "ssl.truststore.certificates") == 0 ? "ssl.ca.location" : "ssl.certificate.location");
	/* In Java an empty one says that names are not checked. */
	if (strcmp(g->name, "ssl.endpoint.identification.algorithm") == 0 && g->value[0] == '\0') {
		free(g->value);
		g->value = strdup("none");
		return g->value != NULL ? 0 : ks_fail_memory(err);
	}
	for (i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (strcmp(g->name, renamed[i].java) == 0)
			return rename_to(g, renamed[i].ours, err);
	*known = false;
	return 0;
}
