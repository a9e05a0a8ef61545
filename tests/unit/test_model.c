/* SPDX-License-Identifier: Apache-2.0 */
/* Models as objects and documents: what is written is read as it was, what is off is refused. */
#include <string.h>

#include "fail_alloc.h"
#include "random_model.h"
#include "suite.h"

static char *
document_of(spotopt_model *model)
{
    char *text = NULL;
    size_t length = 0;

    if (model == NULL || spotopt_model_write(model, &text, &length, NULL) != SPOTOPT_OK)
        abort();
    return text;
}

static void
test_model__written_and_read_is_the_same_to_the_byte(void)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        uint32_t features = (uint32_t)(seed % (spotopt__feature_count + 1));
        spotopt_model *model = random_model(NULL, features, seed % 5, seed % 2 == 0, seed),
                      *read = NULL;
        char *text = document_of(model), *again;
        spotopt_error err = SPOTOPT_ERROR_INIT;

        CU_ASSERT_EQUAL_FATAL(spotopt_model_parse(NULL, text, strlen(text), "m", &read, &err),
                              SPOTOPT_OK);
        again = document_of(read);
        CU_ASSERT_STRING_EQUAL(text, again);
        CU_ASSERT_EQUAL(read->feature_count, features);
        for (uint32_t f = 0; f < features; f++) {
            CU_ASSERT_EQUAL(read->beta[f], model->beta[f]);
            CU_ASSERT_EQUAL(read->scale[f], model->scale[f]);
        }
        spotopt_text_free(NULL, text);
        spotopt_text_free(NULL, again);
        spotopt_model_free(read);
        spotopt_model_free(model);
    }
}

static void
test_model__card_says_what_it_was_made_of(void)
{
    spotopt_model *model = random_model(NULL, 3, 3, false, 7);
    spotopt_model_card card = SPOTOPT_MODEL_CARD_INIT;
    spotopt_model_metric metric = SPOTOPT_MODEL_METRIC_INIT;
    spotopt_model_feature feature = SPOTOPT_MODEL_FEATURE_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    CU_ASSERT_EQUAL(spotopt_model_card_get(model, &card, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(card.id, "random-1");
    CU_ASSERT_STRING_EQUAL(card.target, "drop");
    CU_ASSERT_EQUAL(card.rows, 4321);
    CU_ASSERT_EQUAL(card.feature_count, 3);
    CU_ASSERT_EQUAL(card.calibrator_count, 3);
    CU_ASSERT_EQUAL(card.metric_count, 2);
    CU_ASSERT_EQUAL(spotopt_model_metric_at(model, 1, &metric, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(metric.metric, "ece");
    CU_ASSERT(isnan(metric.low));
    CU_ASSERT_EQUAL(spotopt_model_feature_at(model, 2, &feature, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(feature.name, spotopt__features[2].name);
    CU_ASSERT_EQUAL(feature.beta, model->beta[2]);
    CU_ASSERT_EQUAL(spotopt_model_feature_at(model, 3, &feature, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_model_metric_at(model, 2, &metric, &err), SPOTOPT_E_ARGUMENT);
    /* An older caller's shorter struct is not written beyond. */
    card.size = offsetof(spotopt_model_card, target);
    card.target = NULL;
    CU_ASSERT_EQUAL(spotopt_model_card_get(model, &card, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NULL(card.target);
    card.size = 0;
    CU_ASSERT_EQUAL(spotopt_model_card_get(model, &card, &err), SPOTOPT_E_ARGUMENT);
    spotopt_model_free(model);
}

/* The text with the first `from` replaced. */
static char *
with(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *made = malloc(strlen(text) + strlen(to) + 1);

    if (at == NULL || made == NULL) {
        printf("no %s in the document", from);
        abort();
    }
    memcpy(made, text, (size_t)(at - text));
    strcpy(made + (at - text), to);
    strcat(made, at + strlen(from));
    return made;
}

static void
refused(const char *text, const char *place)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_model *model = NULL;

    CU_ASSERT_EQUAL(spotopt_model_parse(NULL, text, strlen(text), "m.json", &model, &err),
                    SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NULL(model);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, place));
    CU_ASSERT_EQUAL(strncmp(err.message, "m.json:", 7), 0);
    if (strstr(err.message, place) == NULL)
        printf("\n    \"%s\" has no \"%s\"", err.message, place);
}

static void
test_model__document_that_is_off_is_refused_with_its_place(void)
{
    static const struct {
        const char *from, *to, *place;
    } cases[] = {
        {"\"kind\":\"Model\"", "\"kind\":\"Plan\"", "/kind"},
        {"\"schema_version\":1", "\"schema_version\":2", "/schema_version"},
        {"\"schema_version\":1", "\"schema_version\":0", "/schema_version"},
        {"\"schema_version\":1,", "", "/schema_version"},
        {"\"id\":\"random-1\"", "\"id\":\"../../etc\"", "/id"},
        {"\"id\":\"random-1\"", "\"id\":\"\"", "/id"},
        {"\"target\":\"drop\"", "\"target\":\"price\"", "/target"},
        {"\"target\":\"drop\"", "\"target\":null", "/target"},
        {"\"lead_hours\":[0.25", "\"lead_hours\":[0.2", "/hazard/lead_hours"},
        {"\"lead_hours\":[0.25,", "\"lead_hours\":[", "/hazard/lead_hours"},
        {"\"intercepts\":[", "\"intercepts\":[1,", "/hazard/intercepts"},
        {"\"intercepts\":[", "\"intercepts\":[1e999,", "/hazard/intercepts"},
        {"\"name\":\"hours_since_drop_log\"", "\"name\":\"hours_since_drop_2h_log\"",
         "/hazard/features/1/name"},
        {"\"name\":\"hours_since_drop_log\"", "\"name\":\"moon_phase\"", "/hazard/features/0/name"},
        {"\"name\":\"hours_since_drop_log\"", "\"name\":3", "/hazard/features/0/name"},
        {"\"scale\":", "\"scale\":-", "/hazard/features/0/scale"},
        {"\"scale\":", "\"scale\":0.0,\"was\":", "/hazard/features/0/scale"},
        {"\"scale\":", "\"scale\":1e-300,\"was\":", "/hazard/features/0/scale"},
        {"\"beta\":", "\"beta\":NaN,\"was\":", "m.json"},
        {"\"beta\":", "\"beta\":1e300,\"was\":", "/hazard/features/0/beta"},
        {"\"beta\":", "\"was\":", "/hazard/features/0/beta"},
        {"\"edges\":[", "\"edges\":[1e8,", "/hazard/features/0/edges"},
        {"\"edges\":[", "\"edges\":[[],", "/hazard/features/0/edges"},
        {"\"covariance\":[[", "\"covariance\":[[[],", "/hazard/covariance/0"},
        {"\"covariance\":[[", "\"covariance\":[[1],[", "/hazard/covariance"},
        {"\"covariance\":[[", "\"covariance\":{},\"was\":[[", "/hazard/covariance"},
        {"\"features\":[", "\"features\":[7,", "/hazard/features/0"},
        {"\"features\":[", "\"features\":{},\"was\":[", "/hazard/features"},
        {"\"horizon_hours\":4", "\"horizon_hours\":0.5", "/calibrators/1/horizon_hours"},
        {"\"horizon_hours\":4", "\"horizon_hours\":-4", "/calibrators/1/horizon_hours"},
        {"\"slope\":", "\"slope\":-", "/calibrators/0/slope"},
        {"\"evidence\":0,", "\"evidence\":-1,", "/calibrators/0/evidence"},
        {"\"knots\":[[", "\"knots\":[[0.99,0.5],[", "/calibrators/0/knots/1/0"},
        {"\"knots\":[[", "\"knots\":[[0,0.99],[", "/calibrators/0/knots/1/1"},
        {"\"knots\":[[", "\"knots\":[[0,0,0],[", "/calibrators/0/knots/0"},
        {"\"knots\":[[", "\"knots\":[[0,-1],[", "/calibrators/0/knots/0/1"},
        {"\"knots\":[", "\"knots\":[[0.5,0.5]],\"was\":[", "/calibrators/0/knots"},
        {"\"kappa\":", "\"kappa\":-", "/evidence/kappa"},
        {"\"alpha\":", "\"alpha\":0,\"was\":", "/evidence/alpha"},
        {"\"mean_per_hour\":", "\"mean_per_hour\":0,\"was\":", "/evidence/mean_per_hour"},
        {"\"lost_share\":", "\"lost_share\":2,\"was\":", "/lost_share"},
        {"\"to_s\":1555200", "\"to_s\":1", "/card/to_s"},
        {"\"calibrate_to_s\":1900800", "\"calibrate_to_s\":1555199", "/card/calibrate_to_s"},
        {"\"step_s\":900", "\"step_s\":0", "/card/step_s"},
        {"\"history_sha256\":\"\"", "\"history_sha256\":\"abc\"", "/card/history_sha256"},
        {"\"rows\":4321", "\"rows\":-1", "/card/rows"},
        {"\"rows\":4321", "\"rows\":0.5", "/card/rows"},
        {"\"value\":0.8", "\"value\":\"high\"", "/card/metrics/0/value"},
        {"\"metric\":\"auc\"", "\"metric\":\"\"", "/card/metrics/0/metric"},
        {"\"limits\":\"made of random numbers\"", "\"limits\":5", "/card/limits"},
        {"\"card\":{", "\"card\":[],\"was\":{", "/card"},
    };
    spotopt_model *model = random_model(NULL, 2, 3, true, 3);
    char *text = document_of(model);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *bad = with(text, cases[i].from, cases[i].to);

        refused(bad, cases[i].place);
        free(bad);
    }
    refused("", "m.json");
    refused("[]", "m.json");
    refused("{\"kind\":\"Model\"}", "/schema_version");
    spotopt_text_free(NULL, text);
    spotopt_model_free(model);
}

static void
test_model__covariance_that_is_none_is_refused(void)
{
    spotopt_model *model = random_model(NULL, 2, 0, false, 3);
    const size_t order = spotopt__model_order(model);
    char *text = document_of(model), was[SPOTOPT__REAL_SIZE], row[64], *bad;

    /* Not symmetric: one number of the first row. */
    CU_ASSERT_EQUAL_FATAL(order, SPOTOPT__LEADS + 4);
    spotopt__write_real(model->covariance[1], was);
    snprintf(row, sizeof row, ",%s,", was);
    bad = with(text, row, ",1e-9,");
    refused(bad, "/hazard/covariance/1/0");
    free(bad);
    spotopt_text_free(NULL, text);
    /* More than the variances allow. */
    model->covariance[order] = model->covariance[1] = 10.0;
    text = document_of(model);
    refused(text, "/hazard/covariance");
    spotopt_text_free(NULL, text);
    model->covariance[order] = model->covariance[1] = 0.0;
    model->covariance[0] = -1.0;
    text = document_of(model);
    refused(text, "/hazard/covariance/0/0");
    spotopt_text_free(NULL, text);
    spotopt_model_free(model);
}

static void
test_model__huge_and_deep_documents_are_refused(void)
{
    enum { MANY = 200000 };
    char *big = malloc(4 * MANY + 4096);
    size_t at = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(big);
    at += (size_t)sprintf(
        big, "{\"kind\":\"Model\",\"schema_version\":1,\"id\":\"a\",\"target\":\"drop\","
             "\"hazard\":{\"features\":[");
    for (int i = 0; i < MANY; i++)
        at += (size_t)sprintf(big + at, "%s{}", i > 0 ? "," : "");
    strcpy(big + at, "]},\"calibrators\":[]}");
    refused(big, "/hazard/features: want at most");
    at = (size_t)sprintf(big, "{\"kind\":\"Model\",\"hazard\":");
    for (int i = 0; i < MANY; i++)
        big[at++] = '[';
    for (int i = 0; i < MANY; i++)
        big[at++] = ']';
    strcpy(big + at, "}");
    refused(big, "m.json");
    free(big);
}

static void
test_model__unknown_fields_are_no_fault(void)
{
    spotopt_model *model = random_model(NULL, 2, 1, false, 5), *read = NULL;
    char *text = document_of(model),
         *more = with(text, "\"hazard\":{", "\"more\":[1,2],\"hazard\":{\"later\":{},");

    CU_ASSERT_EQUAL(spotopt_model_parse(NULL, more, strlen(more), NULL, &read, NULL), SPOTOPT_OK);
    spotopt_model_free(read);
    free(more);
    spotopt_text_free(NULL, text);
    spotopt_model_free(model);
}

static void
test_model__every_allocation_may_fail(void)
{
    spotopt_model *model = random_model(NULL, spotopt__feature_count, 3, true, 9);
    char *text = document_of(model);
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status = SPOTOPT_E_NOMEM;

    for (size_t n = 0; status == SPOTOPT_E_NOMEM; n++) {
        spotopt_model *read = NULL;
        char *again = NULL;
        size_t length = 0;

        fail_after(&allocator, n);
        spotopt_context *context = fail_alloc_context(&allocator);
        if (context == NULL)
            continue;
        status = spotopt_model_parse(context, text, strlen(text), "m", &read, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_model_write(read, &again, &length, NULL);
        spotopt_text_free(context, again);
        spotopt_model_free(read);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    }
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    spotopt_text_free(NULL, text);
    spotopt_model_free(model);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_model__written_and_read_is_the_same_to_the_byte),
        TEST(test_model__card_says_what_it_was_made_of),
        TEST(test_model__document_that_is_off_is_refused_with_its_place),
        TEST(test_model__covariance_that_is_none_is_refused),
        TEST(test_model__huge_and_deep_documents_are_refused),
        TEST(test_model__unknown_fields_are_no_fault),
        TEST(test_model__every_allocation_may_fail),
    };

    return suite_run("model", tests, sizeof tests / sizeof *tests);
}
