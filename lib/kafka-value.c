/* SPDX-License-Identifier: MIT */
/*
 * kafka-value.c - where the value of a property stands: in a file, or in the
 * environment.
 *
 * It refuses files over 1 MiB, text with NUL bytes, and secrets in files that
 * others can read.
 */
#include "kafka-config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)1 << 20)	/* bytes of a file: chains of certificates fit in many times */

void ks_kafka_forget(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

char *ks_kafka_read_text(const char *path, struct stat *st, size_t *size)
{
	char *room = malloc(TEXT_MAX + 1);
	size_t n = 0;
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC), no;

	if (room != NULL && fd >= 0 && fstat(fd, st) == 0)
		while (n < TEXT_MAX && (got = read(fd, room + n, TEXT_MAX - n)) > 0)
			n += (size_t)got;
	no = room == NULL ? ENOMEM : errno;
	if (fd >= 0)
		close(fd);
	if (got >= 0 && n == TEXT_MAX)
		no = EFBIG;
	else if (got == 0 && memchr(room, '\0', n) != NULL)
		no = EILSEQ;
	else if (got == 0)
		no = 0;
	if (no == 0) {
		room[n] = '\0';
		*size = n;
		return room;
	}
	if (room != NULL)
		explicit_bzero(room, n);
	free(room);
	errno = no;
	return NULL;
}

bool ks_kafka_others_can_read(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

bool ks_kafka_is_fetched(const char *value)
{
	return value[0] == '@' || strncmp(value, "env:", 4) == 0;
}

/* Not the command line is wrong, but what it names. */
#define failed_fetch(err, g, ...) (ks_kafka_config_fail(err, g, __VA_ARGS__), (err)->status = KS_CONFIG)

/* "@FILE": its content without its last newline. */
static int fetch_file(struct ks_kafka_given *g, struct ks_err *err)
{
	struct stat st;
	const char *path = g->value + 1;
	size_t n = 0;
	char *text = ks_kafka_read_text(path, &st, &n);

	if (text == NULL)
		return failed_fetch(err, g, "cannot read '%s' for property '%s': %s", path, g->name, strerror(errno));
	if (g->secret && ks_kafka_others_can_read(&st)) {
		ks_kafka_forget(text);
		return failed_fetch(err, g, "others can read '%s', which has the secret of property '%s': chmod 600 '%s'",
		    path, g->name, path);
	}
	if (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	if (n > 0 && text[n - 1] == '\r')
		text[--n] = '\0';
	ks_kafka_forget(g->value);
	g->value = text;
	return 0;
}

int ks_kafka_fetch(struct ks_kafka_given *g, struct ks_err *err)
{
	const char *value;
	char *copy;

	if (g->value[0] == '@')
		return fetch_file(g, err);
	if (strncmp(g->value, "env:", 4) != 0)
		return 0;
	value = getenv(g->value + 4);
	if (value == NULL)
		return failed_fetch(err, g, "no variable '%s' in the environment, for property '%s'", g->value + 4, g->name);
	copy = strdup(value);
	if (copy == NULL)
		return ks_fail_memory(err);
	free(g->value);
	g->value = copy;
	return 0;
}
