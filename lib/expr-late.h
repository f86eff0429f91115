/* SPDX-License-Identifier: MIT */
/*
 * expr-late.h - libraries that are loaded when an expression first asks for
 * them: most do not, and their pages would be a sixth of a small tool's
 * memory and a part of its start.
 *
 * Who calls what is in a table has called the function that fills it; it
 * fills it once, from any thread.  Both return NULL, or what is wrong.
 */
#ifndef KS_EXPR_LATE_H
#define KS_EXPR_LATE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define KS_PCRE(X) \
	X(code_free) X(compile) X(compile_context_create) X(compile_context_free) X(get_error_message) \
	X(get_ovector_pointer) X(jit_compile) X(jit_match) X(jit_stack_assign) X(jit_stack_create) \
	X(jit_stack_free) X(match) X(match_context_create) X(match_context_free) \
	X(match_data_create_from_pattern) X(match_data_free) X(pattern_info) X(set_bsr) X(set_callout) \
	X(set_depth_limit) X(set_heap_limit) X(set_match_limit) X(set_newline)

/* pcre2_ and the name. */
struct ks_pcre {
#define KS_MEMBER(name) __typeof__(pcre2_##name##_8) *name;
	KS_PCRE(KS_MEMBER)
#undef KS_MEMBER
};
extern struct ks_pcre ks_pcre;
const char *ks_late_pcre(void);

#define KS_LIBM_1(X) \
	X(ceil) X(round) X(nearbyint) X(sqrt) X(cbrt) X(exp) X(exp2) X(exp10) X(expm1) X(log) X(log2) X(log10) \
	X(log1p) X(logb) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(asinh) \
	X(acosh) X(atanh) X(significand) X(tgamma)
#define KS_LIBM_2(X) X(pow) X(atan2) X(fmod) X(fmin) X(fmax) X(fdim) X(hypot) X(copysign)

struct ks_libm {
#define KS_MEMBER(name) double (*name)(double);
	KS_LIBM_1(KS_MEMBER)
#undef KS_MEMBER
#define KS_MEMBER(name) double (*name)(double, double);
	KS_LIBM_2(KS_MEMBER)
#undef KS_MEMBER
	double (*lgamma_r)(double, int *);
	double (*ldexp)(double, int);
};
extern struct ks_libm ks_libm;
const char *ks_late_libm(void);

#endif
