/* What labels teach: from held payments and late labels to a blended, explained score. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/decide/decide.h"
#include "core/detect/blend.h"
#include "core/detect/calibration.h"
#include "core/detect/logistic.h"
#include "detect_support.h"
#include "support/torture.h"

#define EVERY 1000
#define HORIZON_S 3600
#define DELAY_MS (1800 * INT64_C(1000))

/* Twin worlds: one learns from labels, the other has never heard of them. */
static const char learning[] =
    "{detectors: {\n"
    "  zscore: {features: [{feature: user_amount, mean: user_amount_mean, std: user_amount_std,\n"
    "    count: user_amount_count, scale: relative}]},\n"
    "  iqr: {features: [{feature: user_amount, against: peers}]}},\n"
    " learned: {memory_mib: 1, label_horizon: 1h, frauds: 20}, epoch: {length: 5m},\n"
    " words: {user_tx_count_1h: {unit: count, text: \"payments in an hour\"},\n"
    "  user_amount: {unit: amount}}}";
static const char unaware[] =
    "{detectors: {\n"
    "  zscore: {features: [{feature: user_amount, mean: user_amount_mean, std: user_amount_std,\n"
    "    count: user_amount_count, scale: relative}]},\n"
    "  iqr: {features: [{feature: user_amount, against: peers}]}},\n"
    " epoch: {length: 5m},\n"
    " words: {user_tx_count_1h: {unit: count, text: \"payments in an hour\"},\n"
    "  user_amount: {unit: amount}}}";

struct run {
    struct tt_world world;
    struct tt_trainer *trainer;
    struct tt_bundle *bundle;
    struct tt_event *events; /* of the open epoch, as they came */
    double *p_values;        /* of all payments */
    bool backwards;          /* the trainer gets each epoch's events last first */
    bool carrying;           /* labels carry the payment's vector */
    uint32_t unjudged;       /* of that payment no detector says anything */
    int64_t silent_from_ms;  /* labels effective from then on are not given */
    uint64_t unheld;
};

/* Frauds are ordinary in amount and many in an hour; one in fifty payments. */
static bool make_payment(struct tt_event *event, uint32_t number)
{
    struct tt_rng rng;
    tt_rng_init(&rng, number);
    tt_event_make(event, number);
    tt_event_payment(event, &rng, 30.0, (double)(number % 41));
    bool fraud = number % 50 == 7;
    tt_event_set(event, FEATURE_TX_1H, fraud ? 4.0 + (double)(number % 3) : 1.0 + number % 2);
    if (number % 500 == 1) {
        tt_event_set(event, FEATURE_TX_1H, 5.0); /* not every such payment is a fraud */
    }
    event->blend = (struct tt_blend){.learned = false};
    return fraud;
}

static void make_label(struct tt_event *event, uint32_t number, uint8_t kind, int64_t after_ms)
{
    (void)make_payment(event, number);
    event->kind = TT_EVENT_LABEL;
    event->label = (struct tt_label){
        .kind = kind,
        .source = TT_LABEL_IMPORT,
        .known_at_ms = event->txn.timestamp_ms + after_ms,
        .selection_probability = 1.0,
    };
}

static void open_run(struct run *run, const char *detectors, uint64_t seed)
{
    memset(run, 0, sizeof *run);
    enum tt_status status =
        tt_world_init(&run->world, &tt_alloc_libc, detectors, NULL, TT_CPU_AUTO);
    if (status != TT_OK) {
        print_error("%u:%u: %s\n", run->world.err.line, run->world.err.column,
                    run->world.err.message);
    }
    assert_int_equal(status, TT_OK);
    assert_int_equal(tt_trainer_new(&tt_alloc_libc, run->world.setup, seed, &run->trainer, NULL),
                     TT_OK);
    assert_int_equal(tt_bundle_initial(&tt_alloc_libc, run->world.setup, &run->bundle, NULL),
                     TT_OK);
    run->silent_from_ms = INT64_MAX;
    run->events = calloc(EVERY, sizeof *run->events);
    run->p_values = calloc(100000, sizeof *run->p_values);
}

static void close_run(struct run *run)
{
    tt_bundle_unref(run->bundle);
    tt_trainer_free(run->trainer);
    tt_world_deinit(&run->world);
    free(run->events);
    free(run->p_values);
}

static void give_label(struct run *run, uint32_t number, uint8_t kind, int64_t after_ms)
{
    static struct tt_event label;
    make_label(&label, number, kind, after_ms);
    label.vector.count = run->carrying ? label.vector.count : 0;
    if (label.label.known_at_ms < run->silent_from_ms) {
        tt_trainer_label(run->trainer, &label);
    }
    tt_event_done(&label);
}

static void decide(struct run *run, struct tt_event *event)
{
    tt_world_detect(&run->world, run->bundle, &event, 1);
    assert_int_equal(tt_decide(run->world.setup, run->bundle, event), TT_OK);
}

/* One epoch of payments; known frauds become known DELAY_MS after them, in a later epoch. */
static void run_epoch(struct run *run, uint32_t first, uint8_t kind)
{
    for (uint32_t i = 0; i < EVERY; i++) {
        (void)make_payment(&run->events[i], first + i);
        decide(run, &run->events[i]);
        run->p_values[first + i] = run->events[i].decision.p_value;
    }
    for (uint32_t i = 0; i < EVERY; i++) {
        uint32_t k = run->backwards ? EVERY - 1 - i : i;
        uint32_t number = first + k;
        uint32_t delay = (uint32_t)(DELAY_MS / 1000);
        for (uint32_t slot = 0; number == run->unjudged && slot < TT_DETECTORS_MAX; slot++) {
            run->events[k].detections[slot].present = false;
        }
        tt_trainer_absorb(run->trainer, &run->events[k]);
        if (kind != 0 && number > delay && (number - delay) % 50 == 7) {
            give_label(run, number - delay, kind, DELAY_MS);
        }
    }
    int64_t now_ms = run->events[EVERY - 1].txn.timestamp_ms;
    for (uint32_t i = 0; i < EVERY; i++) {
        tt_event_done(&run->events[i]);
    }
    struct tt_bundle *next;
    assert_int_equal(tt_trainer_close(run->trainer, run->bundle->epoch + 1, now_ms, &next, NULL),
                     TT_OK);
    tt_bundle_unref(run->bundle);
    run->bundle = next;
}

static void run_epochs(struct run *run, uint32_t count, uint8_t kind)
{
    for (uint32_t i = 0; i < count; i++) {
        run_epoch(run, 1 + EVERY * (uint32_t)(run->bundle->epoch), kind);
    }
}

static double p_of(struct run *run, double count, struct tt_event *event)
{
    (void)make_payment(event, 900002);
    tt_event_set(event, FEATURE_TX_1H, count);
    decide(run, event);
    return event->decision.p_value;
}

static void labels_teach_what_looks_ordinary_without_them(void **state)
{
    (void)state;
    static struct tt_event event;
    struct run run;
    open_run(&run, learning, 3);
    run_epochs(&run, 12, TT_LABEL_FRAUD);
    assert_non_null(run.bundle->taught);
    assert_true(run.bundle->taught->frauds > 150);
    assert_true(p_of(&run, 1.0, &event) > 0.05);
    assert_false(event.decision.anomalous);
    tt_event_done(&event);
    assert_true(p_of(&run, 5.0, &event) < 0.03);
    assert_true(event.blend.log_odds > 0.0);
    tt_event_done(&event);
    close_run(&run);
}

static void without_labels_scores_are_the_label_free_ones_bit_for_bit(void **state)
{
    (void)state;
    struct run with, without;
    open_run(&with, learning, 3);
    open_run(&without, unaware, 3);
    run_epochs(&with, 10, 0);
    run_epochs(&without, 10, 0);
    assert_null(with.bundle->taught);
    assert_memory_equal(with.p_values, without.p_values, 10001 * sizeof *with.p_values);
    close_run(&with);
    close_run(&without);
}

/* Deleting every label that is effective after t leaves every score up to t as it was. */
static void labels_of_the_future_leak_nothing(void **state)
{
    (void)state;
    struct run all, cut;
    open_run(&all, learning, 3);
    open_run(&cut, learning, 3);
    run_epochs(&all, 8, TT_LABEL_FRAUD);
    cut.silent_from_ms = INT64_C(1700000000000) + 8000 * INT64_C(1000) + 1;
    run_epochs(&cut, 8, TT_LABEL_FRAUD);
    /* Labels that will be effective later are given to one of them now. */
    for (uint32_t number = 7007; number < 8000; number += 50) {
        give_label(&all, number, TT_LABEL_FRAUD, 5000 * INT64_C(1000));
    }
    run_epoch(&all, 8001, 0);
    run_epoch(&cut, 8001, 0);
    assert_memory_equal(&all.bundle->hash, &cut.bundle->hash, sizeof all.bundle->hash);
    assert_memory_equal(all.p_values, cut.p_values, 9001 * sizeof *all.p_values);
    run_epochs(&all, 5, 0);
    run_epochs(&cut, 5, 0);
    assert_memory_not_equal(&all.bundle->hash, &cut.bundle->hash, sizeof all.bundle->hash);
    close_run(&all);
    close_run(&cut);
}

/* With 1 MiB only a part of each epoch is kept: the sample too must not know the order. */
static void the_order_of_arrival_within_an_epoch_is_nothing(void **state)
{
    (void)state;
    struct run a, b;
    open_run(&a, learning, 3);
    open_run(&b, learning, 3);
    b.backwards = true;
    for (uint32_t i = 0; i < 12; i++) {
        run_epochs(&a, 1, TT_LABEL_FRAUD);
        run_epochs(&b, 1, TT_LABEL_FRAUD);
        assert_memory_equal(&a.bundle->hash, &b.bundle->hash, sizeof a.bundle->hash);
    }
    assert_true(tt_trainer_learned(a.trainer).held < 11 * EVERY);
    close_run(&a);
    close_run(&b);
}

static void a_saved_learner_goes_on_to_the_same_bits(void **state)
{
    (void)state;
    struct run run;
    struct tt_buf bytes;
    open_run(&run, learning, 3);
    run_epochs(&run, 7, TT_LABEL_FRAUD);
    give_label(&run, 6507, TT_LABEL_FRAUD, 3000 * INT64_C(1000)); /* still waits */
    assert_true(tt_trainer_learned(run.trainer).labels > 0);
    tt_buf_init(&bytes, &tt_alloc_libc, TT_TRAINER_SIZE_MAX);
    assert_int_equal(tt_trainer_save(run.trainer, &bytes), TT_OK);
    struct run copy = run;
    copy.bundle = tt_bundle_ref(run.bundle);
    assert_int_equal(
        tt_trainer_load(&tt_alloc_libc, tt_buf_str(&bytes), run.world.setup, &copy.trainer, NULL),
        TT_OK);
    for (uint32_t i = 0; i < 5; i++) {
        run_epochs(&run, 1, TT_LABEL_FRAUD);
        run_epochs(&copy, 1, TT_LABEL_FRAUD);
        assert_memory_equal(&run.bundle->hash, &copy.bundle->hash, sizeof run.bundle->hash);
    }
    for (size_t at = 4000; at < bytes.size; at += 19997) {
        struct tt_trainer *none = NULL;
        bytes.data[at] ^= 1;
        assert_int_equal(
            tt_trainer_load(&tt_alloc_libc, tt_buf_str(&bytes), run.world.setup, &none, NULL),
            TT_E_CORRUPT);
        bytes.data[at] ^= 1;
    }
    tt_bundle_unref(copy.bundle);
    tt_trainer_free(copy.trainer);
    tt_buf_deinit(&bytes);
    close_run(&run);
}

static void a_taught_bundle_survives_its_bytes_and_damage_is_refused(void **state)
{
    (void)state;
    struct run run;
    struct tt_buf bytes;
    struct tt_bundle *copy = NULL;
    static struct tt_event event;
    open_run(&run, learning, 3);
    run_epochs(&run, 8, TT_LABEL_FRAUD);
    tt_buf_init(&bytes, &tt_alloc_libc, TT_BUNDLE_SIZE_MAX);
    assert_int_equal(tt_bundle_encode(run.bundle, &bytes), TT_OK);
    double before = p_of(&run, 5.0, &event);
    tt_event_done(&event);
    assert_int_equal(
        tt_bundle_decode(&tt_alloc_libc, tt_buf_str(&bytes), run.world.setup, &copy, NULL), TT_OK);
    assert_memory_equal(&copy->hash, &run.bundle->hash, sizeof copy->hash);
    tt_bundle_unref(run.bundle);
    run.bundle = copy;
    double after = p_of(&run, 5.0, &event);
    tt_event_done(&event);
    assert_memory_equal(&before, &after, sizeof before);
    for (size_t at = 0; at < bytes.size; at += 997) {
        bytes.data[at] ^= 0x20;
        assert_int_equal(
            tt_bundle_decode(&tt_alloc_libc, tt_buf_str(&bytes), run.world.setup, &copy, NULL),
            TT_E_CORRUPT);
        bytes.data[at] ^= 0x20;
    }
    tt_buf_deinit(&bytes);
    close_run(&run);
}

/* As learned, of a payment with so many in an hour; frauds have 4 to 6, others 1 or 2. */
static double log_odds_of(struct run *run, double count)
{
    static struct tt_event event;
    (void)p_of(run, count, &event);
    double odds = event.blend.learned ? event.blend.log_odds : -99.0;
    tt_event_done(&event);
    return odds;
}

static void a_fraud_that_comes_to_light_late_corrects_the_presumption(void **state)
{
    (void)state;
    struct run early, late, withdrawn;
    open_run(&early, learning, 3);
    open_run(&late, learning, 3);
    open_run(&withdrawn, learning, 3);
    run_epochs(&early, 6, TT_LABEL_FRAUD);
    run_epochs(&late, 6, TT_LABEL_FRAUD);
    run_epochs(&withdrawn, 6, TT_LABEL_FRAUD);
    uint64_t frauds = tt_trainer_learned(early.trainer).frauds;
    assert_true(frauds > 50);
    run_epoch(&early, 6001, 0);
    for (uint32_t number = 2507; number < 3000; number += 50) { /* were presumed genuine by now */
        give_label(&late, number + 1, TT_LABEL_FRAUD, 4000 * INT64_C(1000));
    }
    run_epoch(&late, 6001, 0);
    for (uint32_t number = 2507; number < 4200; number += 50) {
        give_label(&withdrawn, number, TT_LABEL_WITHDRAWN, 3000 * INT64_C(1000));
    }
    run_epoch(&withdrawn, 6001, 0);
    assert_true(tt_trainer_learned(late.trainer).frauds > frauds);
    assert_true(tt_trainer_learned(withdrawn.trainer).frauds < frauds);
    assert_true(log_odds_of(&withdrawn, 5.0) < log_odds_of(&early, 5.0));
    close_run(&early);
    close_run(&late);
    close_run(&withdrawn);
}

/* Its score was never counted, so nothing of it leaves when it turns out to be a fraud. */
static void a_fraud_that_no_detector_judged_leaves_the_calibration_as_it_was(void **state)
{
    (void)state;
    struct run known, unknown;
    open_run(&known, learning, 3);
    open_run(&unknown, learning, 3);
    known.unjudged = unknown.unjudged = 6100;
    run_epochs(&known, 7, 0);
    run_epochs(&unknown, 7, 0);
    give_label(&known, 6100, TT_LABEL_FRAUD, 500 * INT64_C(1000));
    run_epochs(&known, 2, 0); /* the first close learns, the second shows */
    run_epochs(&unknown, 2, 0);
    assert_int_equal(tt_trainer_learned(known.trainer).frauds, 1);
    uint32_t slot = known.world.setup->detector_count + TT_CALIBRATED_FUSED;
    const struct tt_histogram *a = &known.bundle->calibrations[slot]->histogram;
    const struct tt_histogram *b = &unknown.bundle->calibrations[slot]->histogram;
    assert_true(b->total > 1000 * TT_HISTOGRAM_ONE);
    assert_memory_equal(a, b, sizeof *a);
    close_run(&known);
    close_run(&unknown);
}

static void a_value_beyond_any_float_is_the_greatest_of_them(void **state)
{
    (void)state;
    static struct tt_event event;
    struct run run;
    float inputs[TT_LEARNED_INPUTS_MAX];
    uint32_t at = 0;
    open_run(&run, learning, 3);
    const struct tt_learned *learned = &run.world.setup->learned;
    while (at < learned->input_count && learned->inputs[at] != FEATURE_AMOUNT) {
        at++;
    }
    assert_true(at < learned->input_count);
    (void)make_payment(&event, 1);
    tt_event_set(&event, FEATURE_AMOUNT, 1e300);
    tt_learned_inputs(run.world.setup, &event, inputs);
    assert_true(inputs[at] >= FLT_MAX && inputs[at] <= FLT_MAX);
    tt_event_set(&event, FEATURE_AMOUNT, -1e300);
    tt_learned_inputs(run.world.setup, &event, inputs);
    assert_true(inputs[at] >= -FLT_MAX && inputs[at] <= -FLT_MAX);
    tt_event_done(&event);
    close_run(&run);
}

static void a_label_that_carries_its_payment_teaches_though_nothing_is_held(void **state)
{
    (void)state;
    struct run bare, carrying;
    open_run(&bare, learning, 3);
    open_run(&carrying, learning, 3);
    carrying.carrying = true;
    run_epochs(&bare, 6, 0);
    run_epochs(&carrying, 6, 0);
    for (uint32_t number = 500007; number < 505000; number += 50) { /* of long ago */
        give_label(&bare, number, TT_LABEL_FRAUD, -499000 * INT64_C(1000));
        give_label(&carrying, number, TT_LABEL_FRAUD, -499000 * INT64_C(1000));
    }
    run_epoch(&bare, 6001, 0);
    run_epoch(&carrying, 6001, 0);
    assert_int_equal(tt_trainer_learned(bare.trainer).frauds, 0);
    assert_int_equal(tt_trainer_learned(bare.trainer).labels_unheld, 100);
    assert_null(bare.bundle->taught);
    assert_int_equal(tt_trainer_learned(carrying.trainer).frauds, 100);
    assert_true(log_odds_of(&carrying, 5.0) > log_odds_of(&carrying, 1.0) + 1.0);
    close_run(&bare);
    close_run(&carrying);
}

/* Kept rows count one over their chance: the mean of the learned chances of fraud stays near the
 * true share, however small a part was kept. */
static void a_sample_of_the_payments_is_not_biased(void **state)
{
    (void)state;
    struct run run;
    open_run(&run, learning, 5);
    run_epochs(&run, 30, TT_LABEL_FRAUD);
    assert_true(tt_trainer_learned(run.trainer).held < 14 * EVERY);
    static struct tt_event event;
    double sum = 0.0;
    uint32_t frauds = 0;
    for (uint32_t number = 70001; number <= 72000; number++) {
        frauds += make_payment(&event, number) ? 1 : 0;
        decide(&run, &event);
        sum += 1.0 / (1.0 + exp(-event.blend.log_odds));
        tt_event_done(&event);
    }
    assert_true(sum > 0.6 * frauds && sum < 1.6 * frauds);
    close_run(&run);
}

static void reasons_of_a_blended_score_add_up_to_its_evidence(void **state)
{
    (void)state;
    static struct tt_event event;
    struct run run;
    open_run(&run, learning, 3);
    uint32_t explained = 0, taught = 0;
    for (uint32_t epochs = 0; epochs < 8; epochs++) {
        run_epochs(&run, 1, TT_LABEL_FRAUD);
        for (uint32_t number = 80000; number < 80200; number++) {
            (void)make_payment(&event, number);
            if (number % 10 == 0) {
                tt_event_set(&event, FEATURE_TX_1H, 6.0);
                tt_event_set(&event, FEATURE_AMOUNT, 3000.0);
            }
            decide(&run, &event);
            const struct tt_decision *decision = &event.decision;
            double evidence = log((1.0 - decision->p_value) / decision->p_value);
            double sum = 0.0;
            for (uint32_t i = 0; i < decision->reason_count; i++) {
                sum += decision->reasons[i].contribution;
                taught += decision->reasons[i].detector == TT_REASON_TAUGHT ? 1 : 0;
                assert_non_null(decision->reasons[i].message.data);
                assert_null(strstr(decision->reasons[i].message.data, "nan"));
            }
            if (decision->anomalous) {
                explained++;
                assert_true(fabs(sum - evidence) < 1e-9);
            }
            tt_event_done(&event);
        }
    }
    assert_true(explained > 50 && taught > 20);
    close_run(&run);
}

static void labels_beyond_the_room_leave_out_what_is_effective_last(void **state)
{
    (void)state;
    struct run run, less;
    open_run(&run, learning, 3);
    open_run(&less, learning, 3);
    run_epochs(&run, 6, TT_LABEL_FRAUD);
    run_epochs(&less, 6, TT_LABEL_FRAUD);
    for (uint32_t i = 0; i < 3000; i++) { /* about the far future */
        give_label(&run, 600000 + i, TT_LABEL_FRAUD, INT64_C(1000000000) + i);
    }
    assert_true(tt_trainer_learned(run.trainer).labels_left > 0);
    run_epochs(&run, 2, TT_LABEL_FRAUD);
    run_epochs(&less, 2, TT_LABEL_FRAUD);
    assert_memory_equal(&run.bundle->hash, &less.bundle->hash, sizeof run.bundle->hash);
    close_run(&run);
    close_run(&less);
}

static enum tt_status short_life(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    static struct tt_event event;
    struct tt_world world;
    struct tt_trainer *trainer = NULL;
    struct tt_bundle *bundle = NULL;
    enum tt_status status = tt_world_init(&world, alloc, learning, NULL, TT_CPU_SCALAR);
    if (status != TT_OK) {
        return status;
    }
    status = tt_trainer_new(alloc, world.setup, 1, &trainer, NULL);
    for (uint32_t i = 1; i <= 2500 && status == TT_OK; i++) {
        (void)make_payment(&event, i);
        tt_trainer_absorb(trainer, &event);
        event.label = (struct tt_label){.kind = TT_LABEL_FRAUD, .known_at_ms = 1};
        if (i % 50 == 7) {
            tt_trainer_label(trainer, &event);
        }
        tt_event_done(&event);
    }
    if (status == TT_OK) {
        status = tt_trainer_close(trainer, 1, event.txn.timestamp_ms, &bundle, NULL);
    }
    assert_true(status != TT_OK || bundle->taught != NULL);
    tt_bundle_unref(bundle);
    tt_trainer_free(trainer);
    tt_world_deinit(&world);
    return status;
}

static void a_failed_allocation_leaks_nothing(void **state)
{
    (void)state;
    tt_torture_run(short_life, NULL);
}

static void mistakes_in_the_configuration_are_named_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } mistakes[] = {
        {"{learned: {inputs: [user_amont]}}", "user_amount"},
        {"{detectors: {iqr: {features: [{feature: user_amount, against: peers}]}},\n"
         " learned: {inputs: [detector.iqqr]}}",
         "iqr"},
        {"{learned: {inputs: [user_amount, user_amount]}}", "twice"},
        {"{learned: {inputs: []}}", "list of features"},
        {"{learned: {fraud: 3}}", "frauds"},
        {"{learned: {frauds: 0}}", "between"},
        {"{learned: {label_horizon: 1s}}", "label_horizon"},
        {"{learned: {unlabelled_weight: 2}}", "between"},
        {"{learned: {memory_mib: 0}}", "between"},
        {"{learned: 3}", "mapping"},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(mistakes); i++) {
        struct tt_world world;
        assert_int_not_equal(
            tt_world_init(&world, &tt_alloc_libc, mistakes[i].text, NULL, TT_CPU_AUTO), TT_OK);
        if (strstr(world.err.message, mistakes[i].message) == NULL || world.err.line == 0) {
            fail_msg("%s: %u: %s", mistakes[i].text, world.err.line, world.err.message);
        }
    }
}

static void a_bin_is_how_many_edges_are_at_or_below_the_value(void **state)
{
    (void)state;
    struct tt_logistic_cut cut;
    struct tt_rng rng;
    tt_rng_init(&rng, 11);
    for (uint32_t edges = 0; edges <= TT_LOGISTIC_EDGES; edges++) {
        float last = -50.0F;
        for (uint32_t i = 0; i <= TT_LOGISTIC_EDGES; i++) {
            last += 0.5F + (float)tt_rng_double(&rng);
            cut.edges[i] = i < edges ? last : INFINITY;
        }
        for (uint32_t k = 0; k < 200; k++) {
            float value = k < edges ? cut.edges[k] : -60.0F + 160.0F * (float)tt_rng_double(&rng);
            uint32_t below = 0;
            while (below < edges && cut.edges[below] <= value) {
                below++;
            }
            assert_int_equal(tt_logistic_bin(&cut, value), below + 1);
        }
        assert_int_equal(tt_logistic_bin(&cut, NAN), 0);
        assert_int_equal(tt_logistic_bin(&cut, -INFINITY), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_teach_what_looks_ordinary_without_them),
        cmocka_unit_test(without_labels_scores_are_the_label_free_ones_bit_for_bit),
        cmocka_unit_test(labels_of_the_future_leak_nothing),
        cmocka_unit_test(the_order_of_arrival_within_an_epoch_is_nothing),
        cmocka_unit_test(a_saved_learner_goes_on_to_the_same_bits),
        cmocka_unit_test(a_taught_bundle_survives_its_bytes_and_damage_is_refused),
        cmocka_unit_test(a_fraud_that_comes_to_light_late_corrects_the_presumption),
        cmocka_unit_test(a_fraud_that_no_detector_judged_leaves_the_calibration_as_it_was),
        cmocka_unit_test(a_value_beyond_any_float_is_the_greatest_of_them),
        cmocka_unit_test(a_label_that_carries_its_payment_teaches_though_nothing_is_held),
        cmocka_unit_test(a_sample_of_the_payments_is_not_biased),
        cmocka_unit_test(reasons_of_a_blended_score_add_up_to_its_evidence),
        cmocka_unit_test(labels_beyond_the_room_leave_out_what_is_effective_last),
        cmocka_unit_test(a_failed_allocation_leaks_nothing),
        cmocka_unit_test(mistakes_in_the_configuration_are_named_with_their_place),
        cmocka_unit_test(a_bin_is_how_many_edges_are_at_or_below_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
