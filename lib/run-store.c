/* SPDX-License-Identifier: MIT */
/* run-store.c - the store of a tool that keeps state. */
#include "run-store.h"

#include <stdlib.h>
#include <sys/random.h>

#include "run-changelog.h"
#include "hello.h"
#include "loop.h"
#include "num.h"
#include "run-restore.h"
#include "state-dir.h"

#define MEMORY_MIN ((uint64_t)1 << 20)

int ks_run_memory(struct ks_run *run, const char *value, size_t *memory)
{
	uint64_t bytes;

	if (ks_num_parse_size(ks_str(value), &bytes) != 0 || bytes < MEMORY_MIN || bytes > SIZE_MAX / 4)
		return ks_fail(run->err, KS_USAGE, "--memory '%s' is not a size from 1M on, as in 64M or 2G", value);
	*memory = (size_t)bytes;
	return 0;
}

int ks_run_listen(struct ks_run *run, const char *value)
{
	run->listen = value;
	return ks_state_is_name(value) ? 0 :
	    ks_fail(run->err, KS_USAGE, "--listen '%s' is not a name of letters, digits, '.', '_' and '-'", value);
}

/* Before the kernel has entropy a seed that input could know is no loss: such a machine has no input yet. */
static uint64_t make_seed(const void *other)
{
	uint64_t seed;

	return getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed) ? seed : (uintptr_t)other;
}

int ks_run_store_brief(size_t memory, struct ks_store **s, struct ks_err *err)
{
	struct ks_store_config c = { .memory = memory, .seed = make_seed(&c) };

	*s = NULL;
	return ks_store_open_at(s, &c, err);
}

/* As far as it is committed, with what other instances had before, and its changes go to the changelog. */
static int open_durable(struct ks_run *run, struct ks_store_config *c, struct ks_store **s)
{
	struct ks_store_word *words;
	int status = ks_changelog_words(run, &words, &c->word_count);

	/* A member of a group that has been given nothing: what it has is not of this section, and may be of the next. */
	if (status == 0 && c->word_count == 0 && run->hello->instances == 0) {
		free(words);
		return ks_store_open_at(s, &(struct ks_store_config){ .memory = c->memory, .seed = c->seed }, run->err);
	}
	c->words = words;
	c->changelog = run->changelog;
	if (status == 0)
		status = ks_store_open_at(s, c, run->err);
	free(words);
	if (status == 0)
		status = ks_restore(run, *s);
	if (status == 0 && run->changelog != NULL)
		status = ks_restore_free(run, *s);
	if (status == 0)
		ks_changelog_begin(run, *s);
	return status;
}

int ks_run_store(struct ks_run *run, size_t memory, const char *fingerprint, struct ks_store **s)
{
	const struct ks_hello_view *h = run->hello;
	struct ks_store_config c = { .memory = memory, .stage = run->stage, .fingerprint = fingerprint };
	char app[KS_NAME_MAX + 1], owner[KS_OWNER_ROOM];

	*s = NULL;
	c.seed = make_seed(&c);
	if (h == NULL || h->app.p == NULL || !run->loop->source->piped) {
		if (run->changelog != NULL)
			return ks_fail(run->err, KS_CONFIG, "--changelog needs an app: give --app NAME to the tool that reads the source, and to this one");
		return ks_store_open_at(s, &c, run->err);
	}
	if (run->config->state_dir == NULL)
		return ks_fail(run->err, KS_CONFIG, "--app needs --state-dir: neither KSTREAM_STATE_DIR nor HOME is set");
	if (h->app.n > KS_NAME_MAX)
		return ks_fail(run->err, KS_DATA, "HELLO: its app is not a name");
	memcpy(app, h->app.p, h->app.n);
	app[h->app.n] = '\0';
	ks_hello_owner(h, owner);
	if (h->instances == 0 && run->changelog == NULL)
		return ks_fail(run->err, KS_CONFIG, "instance '%s' is a member of a group, in which partitions move, and this state could not go with them: "
		    "give --changelog TOPIC, or --instance I/N without -G to the source", owner);
	c.app = app;
	c.state_dir = run->config->state_dir;
	c.owner = owner;
	c.run = h->run;
	c.epoch = h->epoch;
	return open_durable(run, &c, s);
}
