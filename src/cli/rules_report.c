/* See rules_report.h. */
#include "cli/rules_report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/json_write.h"

#define OUTPUT_SIZE_MAX (64u << 20)
#define MEASURED_ROUNDS 2000
#define SNIPPET_SIZE_MAX 60

struct report {
    const struct tt_rules *rules;
    const char *file;
    struct tt_json_writer *json; /* NULL: lines on standard output */
    bool quiet;
    uint32_t findings;
};

/* Prints what was gathered; an exit code. */
static int print_out(const struct tt_buf *buf, int code)
{
    if (buf->status != TT_OK) {
        return tt_cli_fail(TT_EXIT_FAILED, "rules: out of memory");
    }
    (void)fwrite(buf->data, 1, buf->size, stdout);
    return code;
}

static void member_id(struct tt_json_writer *json, const struct tt_rules *rules, const char *key,
                      uint32_t rule)
{
    struct tt_rule_info info;
    tt_rules_info(rules, rule, &info);
    tt_json_key(json, key);
    tt_json_string(json, info.id);
}

/* --- check --- */

static void print_finding(const struct report *report, const struct tt_rule_finding *finding)
{
    struct tt_rule_info info;
    struct tt_rule_info other = {.id = TT_STR("")};
    tt_rules_info(report->rules, finding->rule, &info);
    if (finding->other != UINT32_MAX) {
        tt_rules_info(report->rules, finding->other, &other);
    }
    (void)printf("%s:%u: rule %.*s: %s: ", report->file, info.line, TT_STR_ARG(info.id),
                 tt_rule_finding_name(finding->kind));
    switch ((enum tt_rule_finding_kind)finding->kind) {
    case TT_FINDING_NEVER_TRUE:
        (void)puts("its condition can never be true");
        break;
    case TT_FINDING_ALWAYS_TRUE:
        (void)puts("its condition is true whenever its names have values");
        break;
    case TT_FINDING_SAME:
        (void)printf("asks the same as rule %.*s\n", TT_STR_ARG(other.id));
        break;
    case TT_FINDING_SHADOWED:
        (void)printf("fires only where rule %.*s, at least as strict, fires too\n",
                     TT_STR_ARG(other.id));
        break;
    case TT_FINDING_OVERLAPS:
        (void)printf("can fire together with rule %.*s, which decides otherwise\n",
                     TT_STR_ARG(other.id));
        break;
    case TT_FINDING_UNIT: {
        struct tt_str name = tt_rules_slot_name(report->rules, finding->slot);
        (void)printf("%.*s is compared with %g: is that its unit?\n", TT_STR_ARG(name),
                     finding->constant);
        break;
    }
    }
}

static void write_finding(const struct report *report, const struct tt_rule_finding *finding)
{
    struct tt_json_writer *json = report->json;
    tt_json_object_begin(json);
    member_id(json, report->rules, "rule", finding->rule);
    tt_json_member_text(json, "finding", tt_rule_finding_name(finding->kind));
    if (finding->other != UINT32_MAX) {
        member_id(json, report->rules, "other", finding->other);
    }
    if (finding->kind == TT_FINDING_UNIT) {
        tt_json_key(json, "name");
        tt_json_string(json, tt_rules_slot_name(report->rules, finding->slot));
        tt_json_member_double(json, "constant", finding->constant);
    }
    tt_json_object_end(json);
}

static bool on_finding(void *ctx, const struct tt_rule_finding *finding)
{
    struct report *report = ctx;
    report->findings++;
    if (report->json != NULL) {
        write_finding(report, finding);
    } else {
        print_finding(report, finding);
    }
    return true;
}

int tt_rules_report_check(const struct tt_cli *cli, const char *file, const struct tt_rules *rules,
                          bool strict)
{
    struct tt_json_writer json;
    struct tt_buf buf;
    struct tt_error err = {0};
    struct report report = {.rules = rules, .file = file, .json = cli->json ? &json : NULL};
    tt_buf_init(&buf, &tt_alloc_libc, OUTPUT_SIZE_MAX);
    tt_json_writer_init(&json, &buf);
    tt_json_object_begin(&json);
    tt_json_member_int64(&json, "rules", tt_rules_count(rules));
    tt_json_key(&json, "findings");
    tt_json_array_begin(&json);
    enum tt_status status = tt_rules_find_suspicious(rules, on_finding, &report, &err);
    tt_json_array_end(&json);
    tt_json_object_end(&json);
    tt_buf_append_char(&buf, '\n');
    int code = strict && report.findings > 0 ? TT_EXIT_FAILED : TT_EXIT_OK;
    if (status != TT_OK) {
        code = tt_cli_fail_error(&err);
    } else if (cli->json) {
        code = print_out(&buf, code);
    } else if (cli->verbosity >= 0 && report.findings == 0) {
        (void)printf("ok: %u rules\n", tt_rules_count(rules));
    } else if (cli->verbosity >= 0) {
        (void)printf("%u rules, %u findings\n", tt_rules_count(rules), report.findings);
    }
    tt_buf_deinit(&buf);
    return code;
}

/* --- test --- */

static bool on_test(void *ctx, const struct tt_rule_test_result *result)
{
    static const char *const outcomes[] = {"", "pass", "fire", "error"};
    const struct report *report = ctx;
    struct tt_rule_info info;
    tt_rules_info(report->rules, result->rule, &info);
    if (!result->passed && !report->quiet) {
        (void)printf("%s:%u: rule %.*s: test %u expects %s, got %s\n", report->file, result->line,
                     TT_STR_ARG(info.id), result->test + 1, outcomes[result->expect],
                     outcomes[result->got]);
    }
    return true;
}

/* The operand that starts there, up to what ends it, for a reader. */
static struct tt_str snippet(struct tt_str when, uint32_t offset)
{
    struct tt_str rest = {when.data + offset, when.size - offset};
    int depth = 0;
    size_t size = 0;
    for (; size < rest.size && size < SNIPPET_SIZE_MAX; size++) {
        char c = rest.data[size];
        bool pair = size + 1 < rest.size && rest.data[size + 1] == c && (c == '&' || c == '|');
        depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
        if (depth < 0 || c == '\n' || (depth == 0 && (pair || c == '?' || c == ':'))) {
            break;
        }
    }
    rest.size = size;
    return tt_str_trim(rest);
}

static bool on_gap(void *ctx, const struct tt_rule_gap *gap)
{
    static const char *const never[] = {"neither true nor false", "false", "true"};
    const struct report *report = ctx;
    struct tt_rule_info info;
    tt_rules_info(report->rules, gap->rule, &info);
    struct tt_str text = snippet(info.when, gap->offset);
    if (!report->quiet) {
        (void)printf("%s:%u: rule %.*s: no test sees %s: %.*s\n", report->file, info.line,
                     TT_STR_ARG(info.id), never[gap->seen], TT_STR_ARG(text));
    }
    return true;
}

int tt_rules_report_test(const struct tt_cli *cli, const char *file, const struct tt_rules *rules,
                         uint32_t coverage_min)
{
    struct report report = {.rules = rules, .file = file, .quiet = cli->json || cli->verbosity < 0};
    struct tt_error err = {0};
    uint32_t passed = 0;
    uint32_t failed = 0;
    uint32_t seen = 0;
    uint32_t total = 0;
    if (tt_rules_test(rules, on_test, &report, &passed, &failed, &err) != TT_OK ||
        tt_rules_cover(rules, on_gap, &report, &seen, &total, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    double share = total == 0 ? 100.0 : 100.0 * (double)seen / (double)total;
    bool covered = (uint64_t)seen * 100 >= (uint64_t)total * coverage_min;
    (void)printf(cli->json
                     ? "{\"passed\":%u,\"failed\":%u,\"coverage\":%.1f,\"coverage_min\":%u}\n"
                     : "%u tests passed, %u failed; %.1f %% of the branches seen, %u %% asked\n",
                 passed, failed, share, coverage_min);
    return failed == 0 && covered ? TT_EXIT_OK : TT_EXIT_FAILED;
}

/* --- explain --- */

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

struct bench {
    struct tt_expr_scratch scratch;
    struct tt_value slots[TT_EXPR_SLOTS_MAX];
};

/* Nanoseconds of the program over the rule's tests; the best of some rounds a test, as others use
 * the machine too. */
static double measure(const struct tt_rules *rules, uint32_t rule, uint32_t tests,
                      struct bench *bench)
{
    double sum = 0.0;
    for (uint32_t test = 0; test < tests; test++) {
        double best = 1e300;
        tt_rules_test_slots(rules, rule, test, bench->slots);
        for (int run = 0; run < 5; run++) {
            struct tt_value value;
            double start = now_ns();
            for (int i = 0; i < MEASURED_ROUNDS; i++) {
                tt_rules_run_alone(rules, rule, bench->slots, &bench->scratch, &value);
            }
            double took = (now_ns() - start) / MEASURED_ROUNDS;
            best = took < best ? took : best;
        }
        sum += best;
    }
    return sum / tests;
}

static void explain_one(const struct tt_rules *rules, uint32_t rule, struct bench *bench,
                        struct tt_buf *buf)
{
    struct tt_rule_info info;
    tt_rules_info(rules, rule, &info);
    if (tt_rules_explain(rules, rule, buf) != TT_OK) {
        return; /* the buffer says so */
    }
    if (info.test_count > 0) {
        tt_buf_append_format(buf, "  cost %.0f ns a run of the program, over its tests, here\n\n",
                             measure(rules, rule, info.test_count, bench));
    } else {
        tt_buf_append_text(buf, "  cost not measured: it has no tests\n\n");
    }
}

/* The text of one rule as a JSON object, or as it is. */
static void append_rule(const struct tt_cli *cli, const struct tt_rules *rules, uint32_t rule,
                        struct bench *bench, struct tt_json_writer *json, struct tt_buf *out)
{
    struct tt_rule_info info;
    struct tt_buf text;
    if (!cli->json) {
        explain_one(rules, rule, bench, out);
        return;
    }
    tt_rules_info(rules, rule, &info);
    tt_buf_init(&text, &tt_alloc_libc, OUTPUT_SIZE_MAX);
    tt_json_object_begin(json);
    member_id(json, rules, "rule", rule);
    if (tt_rules_explain(rules, rule, &text) == TT_OK) {
        tt_json_key(json, "explain");
        tt_json_string(json, tt_buf_str(&text));
    }
    if (info.test_count > 0) {
        tt_json_member_double(json, "cost_ns", measure(rules, rule, info.test_count, bench));
    }
    tt_json_object_end(json);
    tt_buf_deinit(&text);
}

int tt_rules_report_explain(const struct tt_cli *cli, const struct tt_rules *rules, const char *id)
{
    uint32_t wanted = id == NULL ? UINT32_MAX : tt_rules_find(rules, tt_str_from(id));
    struct tt_json_writer json;
    struct tt_buf buf;
    if (id != NULL && wanted == UINT32_MAX) {
        return tt_cli_fail(TT_EXIT_FAILED, "rules: no rule has the id '%s'", id);
    }
    struct bench *bench = tt_new(&tt_alloc_libc, sizeof(*bench));
    if (bench == NULL) {
        return tt_cli_fail(TT_EXIT_FAILED, "rules: out of memory");
    }
    tt_buf_init(&buf, &tt_alloc_libc, OUTPUT_SIZE_MAX);
    tt_json_writer_init(&json, &buf);
    if (cli->json) {
        tt_json_array_begin(&json);
    }
    for (uint32_t i = 0; i < tt_rules_count(rules); i++) {
        if (id == NULL || i == wanted) {
            append_rule(cli, rules, i, bench, &json, &buf);
        }
    }
    if (cli->json) {
        tt_json_array_end(&json);
        tt_buf_append_char(&buf, '\n');
    }
    int code = print_out(&buf, TT_EXIT_OK);
    tt_buf_deinit(&buf);
    tt_delete(&tt_alloc_libc, bench, sizeof(*bench));
    return code;
}
