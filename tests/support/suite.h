/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H
/*
 * A suite is a table of sentences. CUnit's run function returns 0 with failing checks; this one does not.
 *
 *   int main(void) { static const suite_test tests[] = {TEST(test_a__does_b), ...};
 *                    return suite_run("catalog", tests, sizeof tests / sizeof *tests); }
 */
#include <CUnit/Basic.h>
#include <stddef.h>

typedef struct suite_test {
    const char *name;
    void (*run)(void);
} suite_test;

#define TEST(function) { #function, function }

static inline int
suite_run(const char *name, const suite_test *tests, size_t count)
{
    unsigned failures = 1;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    if (suite == NULL)
        return 2;
    for (size_t i = 0; i < count; i++) {
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL)
            return 2;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? 0 : 1;
}

#endif
