/* SPDX-License-Identifier: MIT */
/* fold-number.c - a list whose aggregates all take one argument does what one does that asks for each. */
#include "lib/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fold-kit.h"

/* Where all take one argument its number goes to all at once; with a where each asks for itself. */
static void one_argument(void **state)
{
	static const char *const pool[] = { "{\"p\":5}", "{\"p\":-3}", "{\"p\":8.5}", "{\"p\":-0.0}", "{\"p\":1e300}",
		"{\"p\":9223372036854775807}", "{\"p\":-9223372036854775808}", "{\"p\":18446744073709551615}",
		"{\"p\":null}", "{}", "{\"p\":5.0}", "{\"p\":\"5\"}", "{\"p\":[1]}", "null" };
	static const char quick[] = "n=count(), c=count(.p), s=sum(.p), a=avg(.p), l=min(.p), h=max(.p), f=first(.p), z=last(.p)";
	static const char slow[] = "n=count() where true, c=count(.p) where true, s=sum(.p) where true, a=avg(.p) where true, "
	    "l=min(.p) where true, h=max(.p) where true, f=first(.p) where true, z=last(.p) where true";
	struct ks_fold f[2] = { new_fold(quick), new_fold(slow) };
	struct ks_agg_block s[2];
	struct ks_buf in, out[2];
	struct ks_rec rec;
	const char *what[2];
	unsigned i, n, k;

	(void)state;
	srand(11);
	ks_buf_init(&in, 10000);
	for (i = 0; i < 300; i++) {
		for (k = 0; k < 2; k++) {
			s[k] = (struct ks_agg_block){ calloc(1, f[k].state_n), f[k].state_n, grow };
			assert_non_null(s[k].p);
			ks_buf_init(&out[k], 10000);
		}
		for (n = 0; n < 8; n++) {
			rec = record(&in, pool[(unsigned)rand() % (sizeof(pool) / sizeof(pool[0]))]);
			for (k = 0; k < 2; k++) {
				what[k] = ks_fold_load(&f[k], &rec);
				if (what[k] == NULL)
					assert_int_equal(ks_fold_apply(&f[k], &s[k]), 0);
				assert_int_equal(ks_fold_show(&f[k], s[k].p, &out[k]), 0);
			}
			assert_true((what[0] == NULL) == (what[1] == NULL));
		}
		assert_true(ks_bytes_eq(ks_buf_bytes(&out[0]), ks_buf_bytes(&out[1])));
		for (k = 0; k < 2; k++) {
			free(s[k].p);
			ks_buf_release(&out[k]);
		}
	}
	for (k = 0; k < 2; k++)
		ks_fold_release(&f[k]);
	ks_buf_release(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
