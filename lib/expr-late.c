/* SPDX-License-Identifier: MIT */
/* expr-late.c - libraries that are loaded when an expression first asks for them. */
#include "expr-late.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct symbol {
	const char *name;
	size_t at;		/* of the table: a pointer to a function */
};

struct library {
	const char *name;
	void *table;
	const struct symbol *symbols;	/* a NULL name ends them */
	char wrong[200];		/* empty: it is there */
};

struct ks_pcre ks_pcre;
struct ks_libm ks_libm;

static void load(struct library *x)
{
	const struct symbol *s = x->symbols;
	void *handle = dlopen(x->name, RTLD_NOW | RTLD_LOCAL), *found = handle;
	const char *why;

	for (; found != NULL && s->name != NULL; s++) {
		found = dlsym(handle, s->name);
		memcpy((char *)x->table + s->at, &found, sizeof(found));
	}
	if (found != NULL)
		return;
	why = dlerror();
	snprintf(x->wrong, sizeof(x->wrong), "cannot load a library: %s", why != NULL ? why : x->name);
}

#define SYMBOL(name) { "pcre2_" #name "_8", offsetof(struct ks_pcre, name) },
static const struct symbol pcre_symbols[] = { KS_PCRE(SYMBOL) { NULL, 0 } };
#undef SYMBOL
/* The names are those of the interfaces that this was compiled for. */
static struct library pcre = { "libpcre2-8.so.0", &ks_pcre, pcre_symbols, "" };

#define SYMBOL(name) { #name, offsetof(struct ks_libm, name) },
static const struct symbol libm_symbols[] = {
	KS_LIBM_1(SYMBOL) KS_LIBM_2(SYMBOL) SYMBOL(lgamma_r) SYMBOL(ldexp) { NULL, 0 }
};
#undef SYMBOL
static struct library libm = { "libm.so.6", &ks_libm, libm_symbols, "" };

static void load_pcre(void)
{
	load(&pcre);
}

static void load_libm(void)
{
	load(&libm);
}

const char *ks_late_pcre(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load_pcre);
	return pcre.wrong[0] != '\0' ? pcre.wrong : NULL;
}

const char *ks_late_libm(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load_libm);
	return libm.wrong[0] != '\0' ? libm.wrong : NULL;
}
