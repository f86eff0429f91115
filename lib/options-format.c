/* SPDX-License-Identifier: MIT */
/* options-format.c - what is said of a format: --types, --fields, --columns, --color, --unwrap. */
#include "options.h"

int ks_options_types(struct ks_config *config, const char *value, struct ks_err *err)
{
	config->untyped = strcmp(value, "string") == 0;
	if (config->untyped || strcmp(value, "auto") == 0)
		return 0;
	return ks_fail(err, KS_USAGE, "--types '%s' is not auto or string", value);
}

int ks_options_color(struct ks_config *config, const char *value, struct ks_err *err)
{
	static const char *const words[] = { "auto", "always", "never" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(value, words[i]) == 0) {
			config->color = (enum ks_color)i;
			return 0;
		}
	}
	return ks_fail(err, KS_USAGE, "--color '%s' is not auto, always or never", value);
}

/* Names between commas, each once. */
int ks_options_names(const char **names, const char *option, const char *value, struct ks_err *err)
{
	const char *p, *q;
	size_t n, m;

	for (p = value;; p += n + 1) {
		n = strcspn(p, ",");
		if (n == 0 || ks_utf8_prefix((const unsigned char *)p, n) != n)
			return ks_fail(err, KS_USAGE, "--%s '%s' is not names between commas", option, value);
		for (q = value; q < p; q += m + 1) {
			m = strcspn(q, ",");
			if (m == n && memcmp(p, q, n) == 0)
				return ks_fail(err, KS_USAGE, "--%s names '%.*s' twice", option, (int)n, p);
		}
		if (p[n] == '\0')
			break;
	}
	*names = value;
	return 0;
}

static bool is_table(enum ks_format format)
{
	return format == KS_CSV || format == KS_TSV;
}

int ks_options_formats(const struct ks_options *o, struct ks_err *err)
{
	const struct ks_config *c = &o->config;

	if ((c->untyped || c->fields != NULL) && !is_table(c->from))
		return ks_fail(err, KS_USAGE, "--%s is about --from csv and --from tsv", c->untyped ? "types" : "fields");
	if (c->columns != NULL && !is_table(c->to))
		return ks_fail(err, KS_USAGE, "--columns is about --to csv and --to tsv");
	if (c->color != KS_COLOR_AUTO && c->to != KS_PRETTY)
		return ks_fail(err, KS_USAGE, "--color is about --to pretty");
	if (c->unwrap && c->from_given && c->from != KS_JSON && c->from != KS_ENVELOPE)
		return ks_fail(err, KS_USAGE, "--unwrap is about values that are JSON: --from json");
	return 0;
}
