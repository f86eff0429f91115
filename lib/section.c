/* SPDX-License-Identifier: MIT */
/* section.c - HELLO, barriers and END of a source that makes its own stream. */
#include "section.h"

#include "drill.h"
#include "fdio.h"

/* Of an app that was promised less until now the group knows what it was told, which may be behind. */
static int check_no_ledger(struct ks_section *s, struct ks_err *err)
{
	int status = ks_ledger_read(&s->ledger, err);

	if (status != 0 || s->ledger.run == 0)
		return status;
	return ks_fail(err, KS_CONFIG, "app '%s' stands where '%s/ledger' says: it was run with --guarantee at-least-once, or on files; "
	    "go on so, or begin again under another --app", s->config->app, s->ledger.path);
}

int ks_section_open(struct ks_section *s, const struct ks_config *config, const struct ks_section_keeper *keeper,
    struct ks_err *err)
{
	int status;

	*s = (struct ks_section){ .config = config, .keeper = keeper, .committed = -1 };
	if (config->app == NULL)
		return 0;
	status = ks_ledger_open(&s->ledger, config, config->app, config->owner, err);
	if (status == 0)
		status = ks_ledger_lock(&s->ledger, err);
	ks_point("source-locked");
	if (status == 0)
		status = ks_ledger_whole(&s->ledger, config->app, err);
	if (status != 0)
		return status;
	if (keeper != NULL)
		return check_no_ledger(s, err);
	status = ks_ledger_await(&s->ledger, err);
	if (status == 0)
		status = ks_ledger_read(&s->ledger, err);
	if (status == 0) {
		s->epoch = s->ledger.epoch;
		s->committed = s->epoch;
	}
	return status;
}

static void restart_clocks(struct ks_section *s)
{
	int64_t now = ks_clock_ms();

	s->barrier_due = now + s->config->commit_interval_ms;
	s->ping_due = now + KS_PING_MS;
}

static int claim(struct ks_section *s, struct ks_err *err)
{
	int64_t epoch = s->epoch;
	int status;

	if (s->keeper != NULL) {
		status = s->keeper->claim(s->keeper->arg, &s->run, &s->epoch, err);
		s->committed = s->epoch;
		return status;
	}
	status = ks_ledger_hold(&s->ledger, err);
	if (status == 0)
		status = ks_ledger_read(&s->ledger, err);
	if (status == 0 && s->ledger.epoch != epoch)
		status = ks_fail(err, KS_TEMP, "the run before this one has just committed epoch %lld: begin again",
		    (long long)s->ledger.epoch);
	/* Since it was waited for: whoever prepares from here on finds that the run is another. */
	if (status == 0 && ks_ledger_is_prepared(&s->ledger))
		status = ks_fail(err, KS_TEMP, "the run before this one is just committing: begin again");
	if (status == 0 && s->starts != NULL) {
		s->ledger.positions.n = 0;
		if (ks_buf_add(&s->ledger.positions, s->starts->p, s->starts->n) != 0)
			status = ks_fail_memory(err);
	}
	if (status == 0) {
		s->ledger.run++;
		status = ks_ledger_write(&s->ledger, err);
		s->run = s->ledger.run;
	}
	ks_ledger_let_go(&s->ledger);
	return status;
}

/*
 * The run goes up before anything is read: whoever still writes for an
 * older run finds another number in the ledger and stops (protocol 3.2).
 */
int ks_section_begin(struct ks_section *s, struct ks_hello *h, struct ks_buf *b,
    struct ks_err *err)
{
	int status;

	h->hint = "kstream-record(5)";
	h->side = s->config->on_error == KS_POLICY_DLQ ? s->config->error_to : NULL;
	h->app = s->config->app;
	h->owner = s->config->app != NULL ? s->config->owner : NULL;
	h->instance = s->config->instance;
	h->instances = s->config->instances;
	h->epoch = s->epoch;
	h->commit_ms = s->config->commit_interval_ms;
	if (s->config->app != NULL) {
		h->guarantee = s->config->guarantee_given ? s->config->guarantee : s->keeper != NULL ? KS_EXACTLY_ONCE : KS_AT_LEAST_ONCE;
		status = claim(s, err);
		if (status != 0)
			return status;
		h->epoch = s->epoch;
		h->run = s->run;
	}
	restart_clocks(s);
	ks_point("hello-made");
	return ks_hello_add(b, h) == 0 ? 0 : ks_fail_memory(err);
}

/* There is nothing that the next barrier would commit. */
static bool is_still(const struct ks_section *s)
{
	return s->still_ms > 0 && s->hop == 0 && !s->moved;
}

bool ks_section_due(const struct ks_section *s, int64_t now)
{
	if (now < s->barrier_due || s->full)
		return false;
	return !is_still(s) || now >= s->barrier_due + s->still_ms;
}

/* What the last process has committed since: it writes, this one reads. */
int ks_section_learn(struct ks_section *s, struct ks_err *err)
{
	int64_t run = s->ledger.run;
	int status;

	if (s->config->app == NULL)
		return 0;
	if (s->keeper != NULL)
		return s->keeper->learn(s->keeper->arg, &s->committed, err);
	status = ks_ledger_read(&s->ledger, err);
	if (status != 0)
		return status;
	if (s->ledger.run != run)
		return ks_fail(err, KS_TEMP, "run %lld of this app has taken over from run %lld",
		    (long long)s->ledger.run, (long long)run);
	s->committed = s->ledger.epoch;
	return 0;
}

int ks_section_barrier(struct ks_section *s, enum ks_kind kind, struct ks_bytes positions,
    struct ks_buf *b, struct ks_err *err)
{
	struct ks_barrier x = {
		.n = ++s->epoch, .kind = kind, .positions = positions, .hop = s->hop,
		.group = s->group.n > 0 ? s->group : ks_mp_nil,
	};
	int status = ks_section_learn(s, err);

	if (status != 0)
		return status;
	ks_point("barrier-made");
	x.committed = s->committed;
	s->hop = 0;
	s->moved = false;
	restart_clocks(s);
	return ks_barrier_add(b, &x) == 0 ? 0 : ks_fail_memory(err);
}

int ks_section_end(struct ks_section *s, enum ks_kind kind, struct ks_bytes positions,
    struct ks_buf *b, struct ks_err *err)
{
	struct ks_end e = { .kind = kind };
	int status = ks_section_barrier(s, kind, positions, b, err);

	if (status != 0)
		return status;
	e.n = s->epoch;
	s->done = true;
	ks_point("end-made");
	return ks_end_add(b, &e) == 0 ? 0 : ks_fail_memory(err);
}

int ks_section_idle(struct ks_section *s, struct ks_buf *b, int *timeout_ms, struct ks_err *err)
{
	int64_t now = ks_clock_ms(), due;

	if (now >= s->ping_due) {
		s->ping_due = now + KS_PING_MS;
		if (ks_ping_add(b) != 0)
			return ks_fail_memory(err);
	}
	/* A barrier that waits for something else is no time to wait for. */
	due = s->ping_due < s->barrier_due || s->full || is_still(s) ? s->ping_due : s->barrier_due;
	*timeout_ms = due <= now ? 0 : (int)(due - now);
	return 0;
}

enum ks_kind ks_section_kind(const struct ks_config *config)
{
	if (config->end >= 0)
		return (enum ks_kind)config->end;
	return config->app != NULL ? KS_PAUSED : KS_COMPLETE;
}

void ks_section_close(struct ks_section *s)
{
	ks_ledger_close(&s->ledger);
}
