/* core/detect/codec.h: the same bits back, small when ordinary, refused when damaged. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/detect/codec.h"
#include "support/torture.h"

#define DETECTORS 4

static void make_ordinary(struct tt_event *event)
{
    memset(event, 0, sizeof *event);
    tt_arena_init(&event->text, &tt_alloc_libc, 1024, 1u << 16);
    event->detections[0] = (struct tt_detection){1.234567, 0.29, 7, true, false};
    event->detections[1] = (struct tt_detection){0.7777, 0.45, 127, true, false};
    event->detections[2] = (struct tt_detection){0.4821, 0.33, UINT16_MAX, true, false};
    event->detections[3] = (struct tt_detection){0.0, 0.99, UINT16_MAX, true, false};
    event->decision.p_value = 0.2345;
    event->decision.score = 1.0 - 0.2345;
    event->decision.verdict = TT_ALLOW;
}

static void make_anomalous(struct tt_event *event)
{
    make_ordinary(event);
    event->detections[0].fired = true;
    event->detections[2].present = false;
    event->detections[2].p_value = 1.0;
    event->detections[2].score = 0.0;
    event->detections[3].score = 3.0;
    event->rule_hits = (struct tt_rule_hits){2, 1, 3, {5, 9999}};
    event->shadow_hits.hits = (struct tt_rule_hits){1, 0, 0, {12}};
    event->decision.score = 0.75; /* not 1 - p */
    event->decision.severity = TT_SEVERITY_HIGH;
    event->decision.verdict = TT_BLOCK;
    event->decision.anomalous = true;
    event->decision.alerted = true;
    event->decision.alert = TT_ALERT_SAMPLED;
    event->decision.selection_probability = 0.00025;
    event->decision.degraded = 4;
    event->decision.reason_count = 2;
    event->decision.reasons[0] =
        (struct tt_reason){.feature = 7,
                           .observed = 412.5,
                           .expected = 67.2,
                           .threshold = 210.0,
                           .contribution = 5.5,
                           .baseline = TT_BASELINE_OWN,
                           .history = 31.0,
                           .message = TT_STR("412.50 EUR is several times …")};
    event->decision.reasons[1] = (struct tt_reason){.detector = 255,
                                                    .feature = UINT16_MAX,
                                                    .observed = __builtin_nan(""),
                                                    .expected = __builtin_nan(""),
                                                    .threshold = __builtin_nan(""),
                                                    .contribution = -0.25,
                                                    .history = __builtin_nan("")};
}

static bool same_number(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void assert_same(const struct tt_event *a, const struct tt_event *b)
{
    for (uint32_t i = 0; i < DETECTORS; i++) {
        assert_true(same_number(a->detections[i].score, b->detections[i].score));
        assert_true(same_number(a->detections[i].p_value, b->detections[i].p_value));
        assert_int_equal(a->detections[i].feature, b->detections[i].feature);
        assert_int_equal(a->detections[i].present, b->detections[i].present);
        assert_int_equal(a->detections[i].fired, b->detections[i].fired);
    }
    assert_memory_equal(&a->rule_hits, &b->rule_hits, sizeof a->rule_hits);
    assert_memory_equal(&a->shadow_hits, &b->shadow_hits, sizeof a->shadow_hits);
    const struct tt_decision *x = &a->decision;
    const struct tt_decision *y = &b->decision;
    assert_true(same_number(x->score, y->score) && same_number(x->p_value, y->p_value));
    assert_int_equal(x->severity, y->severity);
    assert_int_equal(x->verdict, y->verdict);
    assert_int_equal(x->anomalous, y->anomalous);
    assert_int_equal(x->alerted, y->alerted);
    assert_int_equal(x->alert, y->alert);
    assert_true(same_number(x->selection_probability, y->selection_probability));
    assert_int_equal(x->degraded, y->degraded);
    assert_int_equal(x->reason_count, y->reason_count);
    for (uint32_t i = 0; i < x->reason_count; i++) {
        const struct tt_reason *r = &x->reasons[i];
        const struct tt_reason *s = &y->reasons[i];
        assert_int_equal(r->detector, s->detector);
        assert_int_equal(r->feature, s->feature);
        assert_true(same_number(r->observed, s->observed));
        assert_true(same_number(r->expected, s->expected));
        assert_true(same_number(r->threshold, s->threshold));
        assert_true(same_number(r->contribution, s->contribution));
        assert_true(tt_str_equal(r->message, s->message));
        assert_int_equal(r->message.data == NULL, s->message.data == NULL);
    }
}

static void check_back(struct tt_event *event)
{
    struct tt_buf detections;
    struct tt_buf decision;
    static struct tt_event back;
    memset(&back, 0, sizeof back);
    tt_arena_init(&back.text, &tt_alloc_libc, 1024, 1u << 16);
    tt_buf_init(&detections, &tt_alloc_libc, 4096);
    tt_buf_init(&decision, &tt_alloc_libc, 4096);
    assert_int_equal(tt_detections_pack(event, DETECTORS, &detections), TT_OK);
    assert_int_equal(tt_decision_pack(event, &decision), TT_OK);
    if (!event->decision.anomalous) {
        assert_true(detections.size < 64);
        assert_true(decision.size < 16);
    }
    assert_int_equal(tt_detections_unpack(tt_buf_str(&detections), DETECTORS, &back), TT_OK);
    assert_int_equal(tt_decision_unpack(tt_buf_str(&decision), &back), TT_OK);
    assert_same(event, &back);
    for (size_t size = 0; size < detections.size; size++) {
        assert_int_equal(
            tt_detections_unpack((struct tt_str){detections.data, size}, DETECTORS, &back),
            TT_E_CORRUPT);
    }
    for (size_t size = 0; size < decision.size; size++) {
        assert_int_equal(tt_decision_unpack((struct tt_str){decision.data, size}, &back),
                         TT_E_CORRUPT);
    }
    tt_buf_deinit(&detections);
    tt_buf_deinit(&decision);
    tt_arena_deinit(&back.text);
    tt_arena_deinit(&event->text);
}

static void an_ordinary_row_comes_back_and_is_small(void **state)
{
    (void)state;
    static struct tt_event event;
    make_ordinary(&event);
    check_back(&event);
}

static void an_anomaly_comes_back_with_its_reasons(void **state)
{
    (void)state;
    static struct tt_event event;
    make_anomalous(&event);
    check_back(&event);
}

static void bytes_left_over_and_newer_versions_are_refused(void **state)
{
    (void)state;
    static struct tt_event event;
    struct tt_buf buf;
    make_ordinary(&event);
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    assert_int_equal(tt_decision_pack(&event, &buf), TT_OK);
    assert_int_equal(tt_buf_append_char(&buf, 'x'), TT_OK);
    assert_int_equal(tt_decision_unpack(tt_buf_str(&buf), &event), TT_E_CORRUPT);
    buf.data[0] = 4;
    assert_int_equal(tt_decision_unpack(tt_buf_str(&buf), &event), TT_E_UNSUPPORTED);
    buf.data[0] = 0;
    assert_int_equal(tt_decision_unpack(tt_buf_str(&buf), &event), TT_E_CORRUPT);
    assert_int_equal(tt_detections_unpack(TT_STR("\x03"), 0, &event), TT_E_UNSUPPORTED);
    tt_buf_deinit(&buf);
    tt_arena_deinit(&event.text);
}

static void flipped_bits_never_crash(void **state)
{
    (void)state;
    static struct tt_event event;
    static struct tt_event back;
    struct tt_buf buf;
    make_anomalous(&event);
    tt_arena_init(&back.text, &tt_alloc_libc, 1024, 1u << 16);
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    for (int part = 0; part < 2; part++) {
        tt_buf_clear(&buf);
        assert_int_equal(part == 0 ? tt_detections_pack(&event, DETECTORS, &buf)
                                   : tt_decision_pack(&event, &buf),
                         TT_OK);
        for (size_t bit = 0; bit < 8 * buf.size; bit++) {
            buf.data[bit / 8] ^= (char)(1 << (bit % 8));
            tt_arena_reset(&back.text);
            if (part == 0) {
                (void)!tt_detections_unpack(tt_buf_str(&buf), DETECTORS, &back);
                assert_true(back.rule_hits.count <= TT_RULE_HITS_MAX);
            } else if (tt_decision_unpack(tt_buf_str(&buf), &back) == TT_OK) {
                assert_true(back.decision.reason_count <= TT_REASONS_MAX);
                assert_true(back.decision.severity <= TT_SEVERITY_CRITICAL);
            }
            buf.data[bit / 8] ^= (char)(1 << (bit % 8));
        }
    }
    tt_buf_deinit(&buf);
    tt_arena_deinit(&back.text);
    tt_arena_deinit(&event.text);
}

static void a_message_without_room_is_reported(void **state)
{
    (void)state;
    static struct tt_event event;
    struct tt_buf buf;
    struct tt_torture torture;
    make_anomalous(&event);
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    assert_int_equal(tt_decision_pack(&event, &buf), TT_OK);
    tt_arena_deinit(&event.text);
    tt_torture_init(&torture, 1);
    tt_arena_init(&event.text, &torture.alloc, 1024, 1u << 16);
    assert_int_equal(tt_decision_unpack(tt_buf_str(&buf), &event), TT_E_NOMEM);
    tt_arena_deinit(&event.text);
    tt_torture_check(&torture);
    tt_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_row_comes_back_and_is_small),
        cmocka_unit_test(an_anomaly_comes_back_with_its_reasons),
        cmocka_unit_test(bytes_left_over_and_newer_versions_are_refused),
        cmocka_unit_test(flipped_bits_never_crash),
        cmocka_unit_test(a_message_without_room_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
