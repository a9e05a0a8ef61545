/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "model/selector.h"

static const spotopt__label pairs[] = {
    {"cores", "16"}, {"empty", ""}, {"tier", "web"}, {"zone", "a"}};
static const spotopt__labels labels = {pairs, 4};

static void
test_labels__are_found_by_key(void)
{
    const spotopt__labels none = {NULL, 0};

    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_STRING_EQUAL(spotopt__labels_get(&labels, pairs[i].key), pairs[i].value);
    CU_ASSERT_PTR_NULL(spotopt__labels_get(&labels, "a"));
    CU_ASSERT_PTR_NULL(spotopt__labels_get(&labels, "tie"));
    CU_ASSERT_PTR_NULL(spotopt__labels_get(&labels, "zz"));
    CU_ASSERT_PTR_NULL(spotopt__labels_get(&none, "zone"));
}

static void
test_requirement__follows_the_table_of_operators(void)
{
    static const struct {
        int32_t op;
        const char *key, *values[2];
        bool matches;
    } table[] = {
        {SPOTOPT__OP_IN, "zone", {"a", "b"}, true},
        {SPOTOPT__OP_IN, "zone", {"b", "c"}, false},
        {SPOTOPT__OP_IN, "gone", {"a", NULL}, false},
        {SPOTOPT__OP_IN, "empty", {"", NULL}, true},
        {SPOTOPT__OP_NOT_IN, "zone", {"a", NULL}, false},
        {SPOTOPT__OP_NOT_IN, "zone", {"b", NULL}, true},
        {SPOTOPT__OP_NOT_IN, "gone", {"a", NULL}, true}, /* absent keys are not in anything */
        {SPOTOPT__OP_EXISTS, "empty", {NULL, NULL}, true},
        {SPOTOPT__OP_EXISTS, "gone", {NULL, NULL}, false},
        {SPOTOPT__OP_NOT_EXISTS, "gone", {NULL, NULL}, true},
        {SPOTOPT__OP_NOT_EXISTS, "zone", {NULL, NULL}, false},
        {SPOTOPT__OP_GT, "cores", {"8", NULL}, true},
        {SPOTOPT__OP_GT, "cores", {"16", NULL}, false},
        {SPOTOPT__OP_GT, "cores", {"100", NULL}, false}, /* numbers, not texts */
        {SPOTOPT__OP_LT, "cores", {"100", NULL}, true},
        {SPOTOPT__OP_LT, "cores", {"16", NULL}, false},
        {SPOTOPT__OP_GT, "zone", {"0", NULL}, false}, /* no number */
        {SPOTOPT__OP_LT, "gone", {"0", NULL}, false},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const uint32_t count = (table[i].values[0] != NULL) + (table[i].values[1] != NULL);
        const spotopt__requirement requirement = {table[i].key, table[i].values, count,
                                                  table[i].op};

        CU_ASSERT_EQUAL(spotopt__requirement_matches(&requirement, &labels), table[i].matches);
    }
}

static void
test_selector__wants_all_of_its_requirements(void)
{
    const char *const web[] = {"web"}, *const b[] = {"b"};
    const spotopt__requirement list[] = {{"tier", web, 1, SPOTOPT__OP_IN},
                                         {"zone", b, 1, SPOTOPT__OP_IN}};
    const spotopt__selector one = {list, 1, false}, both = {list, 2, false},
                            everything = {NULL, 0, false}, nothing = {NULL, 0, true};

    CU_ASSERT_TRUE(spotopt__selector_matches(&one, &labels));
    CU_ASSERT_FALSE(spotopt__selector_matches(&both, &labels));
    CU_ASSERT_TRUE(spotopt__selector_matches(&everything, &labels));
    CU_ASSERT_FALSE(spotopt__selector_matches(&nothing, &labels));
}

static void
test_toleration__follows_the_rules_of_the_scheduler(void)
{
    const spotopt__taint taint = {"dedicated", "gpu", SPOTOPT__NO_SCHEDULE};
    static const struct {
        spotopt__toleration toleration;
        bool tolerates;
    } table[] = {
        {{"dedicated", "gpu", SPOTOPT__NO_SCHEDULE, false}, true},
        {{"dedicated", "gpu", SPOTOPT__ANY_EFFECT, false}, true},
        {{"dedicated", "gpu", SPOTOPT__NO_EXECUTE, false}, false},
        {{"dedicated", "db", SPOTOPT__NO_SCHEDULE, false}, false},
        {{"dedicated", "", SPOTOPT__NO_SCHEDULE, true}, true},
        {{"other", "", SPOTOPT__NO_SCHEDULE, true}, false},
        {{NULL, "", SPOTOPT__ANY_EFFECT, true}, true}, /* tolerates everything */
        {{NULL, "", SPOTOPT__NO_EXECUTE, true}, false},
        {{NULL, "gpu", SPOTOPT__ANY_EFFECT, false}, false},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        CU_ASSERT_EQUAL(spotopt__tolerates(&table[i].toleration, 1, &taint), table[i].tolerates);
    CU_ASSERT_FALSE(spotopt__tolerates(NULL, 0, &taint));
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_labels__are_found_by_key),
        TEST(test_requirement__follows_the_table_of_operators),
        TEST(test_selector__wants_all_of_its_requirements),
        TEST(test_toleration__follows_the_rules_of_the_scheduler),
    };

    return suite_run("selector", tests, sizeof tests / sizeof *tests);
}
