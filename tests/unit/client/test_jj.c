/* JJ files: what is taken, what is refused, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/protect/jj.h"

#define CELLS "0\n3\n0 5 5 s 0 9 0 0 0\n1 2 2 u 0 9 1 1 0\n2 3 3 s 0 9 0 0 0\n"

static bool read_text(struct jj *j, const char *text, struct err *e)
{
	return jj_read(j, "t.jj", bytes_text(text), true, e);
}

static void taken(void **state)
{
	(void)state;
	struct jj j;
	struct err e = { 0 };
	assert_true(read_text(&j,
	    "0\n\n4\r\n0 10.00 10 s 0 1E+20 0 0 0\n1 3.000 3.5 u -0.5 20.5 1.5 2 4\n2 7 0 m -1e20 100 0 0 0\n"
	    "3 2e1 0 z 0 100 0 0 0\n2\n0 3 : 0 (-1) 1 (1) 2 (1)\n0 2:0(-2)3( 1 )\n\n",
	    &e));
	assert_int_equal(j.cell[0].ub, JJ_BOUND_MAX);
	assert_int_equal(j.cell[1].value, 3);
	assert_int_equal(j.cell[1].lb, 0);
	assert_int_equal(j.cell[1].ub, 20);
	assert_int_equal(j.cell[1].lpl, 2);
	assert_int_equal(j.cell[2].lb, -JJ_BOUND_MAX);
	assert_int_equal(j.cell[3].value, 20);
	assert_int_equal(j.term[3].coef, -2);
	struct buf out = { 0 };
	jj_put_relations(&j, &out);
	buf_put_byte(&out, 0);
	assert_string_equal((char *)out.data, "0 3 : 0 (-1) 1 (1) 2 (1)\n0 2 : 0 (-2) 3 (1)\n");
	buf_free(&out);
	jj_free(&j);
}

static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "", "t.jj: the file is empty" },
		{ "1\n", "t.jj:1: not a JJ file: it begins with a line `0`" },
		{ "0\n", "t.jj:1: the file ends before the number of cells" },
		{ "0\n0\n0\n", "t.jj:2: a table of no cell" },
		{ "0\n-1\n", "t.jj:2: the number of cells: not a number this program can take" },
		{ "0\n4000000\n", "t.jj:2: the number of cells: the file is too short for so many" },
		{ "0\n99999999999999999999\n", "t.jj:2: the number of cells: too large" },
		{ "0\n1\n0 nan 1 s 0 5 0 0 0\n0\n", "t.jj:3: the value is not a number" },
		{ "0\n1\n0 1.5 1 s 0 5 0 0 0\n0\n",
		    "t.jj:3: the value: fractions are not supported here: only whole numbers" },
		{ "0\n1\n0 1e13 1 s 0 5 0 0 0\n0\n", "t.jj:3: the value: too large" },
		{ "0\n1\n0 1 -1 s 0 5 0 0 0\n0\n", "t.jj:3: the cost is negative or too large" },
		{ "0\n1\n0 1 inf s 0 5 0 0 0\n0\n", "t.jj:3: the cost is not a number" },
		{ "0\n1\n0 1 1 x 0 5 0 0 0\n0\n", "t.jj:3: the status is none of s, u, z, m" },
		{ "0\n1\n0 1 1 s 2 5 0 0 0\n0\n", "t.jj:3: the value is outside its bounds" },
		{ "0\n1\n0 1 1 s 7 5 0 0 0\n0\n", "t.jj:3: the lower bound is above the upper bound" },
		{ "0\n1\n0 1 1 s 0 5 -1 0 0\n0\n", "t.jj:3: a protection level is negative" },
		{ "0\n1\n0 1 1 s 0 5 0 0    \n0\n", "t.jj:3: SPL is missing" },
		{ "0\n1\n0 1 1 s 0 5 0 0 0 0\n0\n", "t.jj:3: more on the line than a cell's nine fields" },
		{ "0\n1\n1 1 1 s 0 5 0 0 0\n0\n",
		    "t.jj:3: cells are numbered from 0, each once and in order" },
		{ CELLS, "t.jj:5: the file ends before the number of relations" },
		{ CELLS "1\n1 3 : 0 (-1) 1 (1) 2 (1)\n", "t.jj:7: the relation does not add up" },
		{ CELLS "1\n0 3 : 0 (-1) 1 (1) 2 (2)\n", "t.jj:7: the relation does not add up" },
		{ CELLS "1\n0 3 : 0 (-1) 1 (1) 3 (1)\n", "t.jj:7: there is no cell of that index" },
		{ CELLS "1\n0 3 : 0 (-1) 1 (1) 1 (1)\n", "t.jj:7: a cell stands twice in one relation" },
		{ CELLS "1\n0 3 : 0 (-1) 1 (1) 2 (0)\n", "t.jj:7: a coefficient is nought" },
		{ CELLS "1\n0 3 : 0 (-1) 1 (0.5) 2 (1)\n",
		    "t.jj:7: a coefficient: fractions are not supported here: only whole numbers" },
		{ CELLS "1\n0 3 : 0 (-1) 1 (1) 2 (1\n", "t.jj:7: a coefficient's bracket is not closed" },
		{ CELLS "1\n0 3 : 0 (-900000) 1 (900000) 2 (1)\n",
		    "t.jj:7: the coefficients are too large together: the relation's sum could overflow" },
		{ CELLS "1\n0 2 : 0 (-1) 1 (1) 2 (1)\n",
		    "t.jj:7: more on the line than the terms it announces" },
		{ CELLS "1\n0 9 : 0 (-1) 1 (1)\n",
		    "t.jj:7: a relation with no terms, or with more than the line has" },
		{ CELLS "1\n0 3 : 0 (-1) 1 (1) 2 (1)\n0 1 : 0 (1)\n",
		    "t.jj:8: more lines than the relations announced" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct jj j;
		struct err e = { 0 };
		assert_false(read_text(&j, cases[i].text, &e));
		assert_string_equal(e.text, cases[i].error);
		jj_free(&j);
	}
}

/* An attacker's copy has no hidden values: then nothing need add up. */
static void without_values(void **state)
{
	(void)state;
	struct jj j;
	struct err e = { 0 };
	assert_true(jj_read(&j, "t.jj", bytes_text(CELLS "1\n1 3 : 0 (-1) 1 (1) 2 (1)\n"), false, &e));
	jj_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(refused),
		cmocka_unit_test(without_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
