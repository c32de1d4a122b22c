/* See words.h. A sentence names the value, whose habit it is, what is usual and how far off. */
#include "core/decide/words.h"

#include "base/math.h"

#define OWN_COUNT_MIN 3.0 /* below this the customer counts as new */
#define ABOUT 0.05        /* of the usual value: no difference worth a word */

static double magnitude(double x)
{
    return x < 0.0 ? -x : x;
}

/* Three significant digits or so, no trailing zeros. */
static void put_number(double value, struct tt_buf *buf)
{
    double size = magnitude(value);
    int decimals = size >= 100.0 ? 0 : size >= 10.0 ? 1 : size >= 0.1 ? 2 : 4;
    if (!(size < 1e15)) {
        (void)tt_buf_append_format(buf, "%.3g", value);
        return;
    }
    char text[64];
    struct tt_buf digits;
    tt_buf_init(&digits, buf->alloc, sizeof text);
    if (tt_buf_append_format(&digits, "%.*f", decimals, value) != TT_OK) {
        buf->status = buf->status == TT_OK ? digits.status : buf->status;
        tt_buf_deinit(&digits);
        return;
    }
    size_t end = digits.size;
    while (decimals > 0 && digits.data[end - 1] == '0') {
        end--;
    }
    end -= digits.data[end - 1] == '.' ? 1 : 0;
    (void)tt_buf_append(buf, digits.data, end);
    tt_buf_deinit(&digits);
}

static void put_amount(double value, tt_currency currency, bool with_code, struct tt_buf *buf)
{
    char text[32];
    uint8_t exponent = currency != 0 ? tt_currency_exponent(currency) : 2;
    double scale = 1.0;
    for (uint8_t i = 0; i < exponent; i++) {
        scale *= 10.0;
    }
    double minor = value * scale;
    if (!(magnitude(minor) < 9e17)) {
        (void)tt_buf_append_format(buf, "%.3g", value);
    } else {
        int64_t rounded = (int64_t)(minor + (minor < 0.0 ? -0.5 : 0.5));
        size_t size = tt_money_format(rounded, exponent, text);
        (void)tt_buf_append(buf, text, size);
    }
    if (with_code && currency != 0) {
        (void)tt_buf_append_format(buf, " %s", tt_currency_code(currency));
    }
}

static void put_seconds(double seconds, struct tt_buf *buf)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400.0, "days"}, {3600.0, "hours"}, {60.0, "minutes"}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(units); i++) {
        if (magnitude(seconds) >= 2.0 * units[i].seconds) {
            put_number(seconds / units[i].seconds, buf);
            (void)tt_buf_append_format(buf, " %s", units[i].name);
            return;
        }
    }
    put_number(seconds, buf);
    (void)tt_buf_append_text(buf, " seconds");
}

static void put_value(const struct tt_sentence *sentence, double value, bool full,
                      struct tt_buf *buf)
{
    switch (sentence->setup->words[sentence->feature].unit) {
    case TT_UNIT_AMOUNT:
        put_amount(value, sentence->currency, full, buf);
        return;
    case TT_UNIT_SECONDS:
        put_seconds(value, buf);
        return;
    case TT_UNIT_SHARE:
        put_number(100.0 * value, buf);
        (void)tt_buf_append_text(buf, " %");
        return;
    default:
        put_number(value, buf);
        break;
    }
    static const char *const suffixes[] = {
        [TT_UNIT_DAYS] = " days", [TT_UNIT_KM] = " km", [TT_UNIT_KMH] = " km/h"};
    uint8_t unit = sentence->setup->words[sentence->feature].unit;
    if (unit < TT_ARRAY_SIZE(suffixes) && suffixes[unit] != NULL) {
        (void)tt_buf_append_text(buf, suffixes[unit]);
    }
}

/* How far off, in words: the numbers are those of the reason, and no others. */
static void put_degree(double observed, double expected, struct tt_buf *buf)
{
    static const struct {
        double times;
        const char *words;
    } degrees[] = {{100.0, "hundreds of times"},
                   {10.0, "many times"},
                   {3.0, "several times"},
                   {1.5, "well above"}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(degrees) && expected > 0.0; i++) {
        if (observed >= degrees[i].times * expected) {
            (void)tt_buf_append_text(buf, degrees[i].words);
            return;
        }
    }
    double off = observed - expected;
    bool about = magnitude(off) <= ABOUT * magnitude(expected);
    (void)tt_buf_append_text(buf, about ? "about" : off < 0.0 ? "below" : "above");
}

/* The amount below which it would not have been unusual. */
static void put_counterfactual(const struct tt_sentence *sentence, struct tt_buf *buf)
{
    if (!(sentence->threshold > sentence->expected && sentence->threshold < sentence->observed)) {
        return;
    }
    (void)tt_buf_append_text(buf, sentence->sole ? "; would be ordinary below "
                                                 : "; on its own it would be ordinary below ");
    put_value(sentence, sentence->threshold, false, buf);
}

static void put_name(const struct tt_sentence *sentence, struct tt_buf *buf)
{
    const struct tt_words *words = &sentence->setup->words[sentence->feature];
    (void)tt_buf_append_str(buf, words->text_size > 0
                                     ? (struct tt_str){words->text, words->text_size}
                                     : sentence->setup->features[sentence->feature]);
}

/* The observed value and what it counts: "412.50 EUR", "7 payments in an hour", "score 0.2". */
static void put_subject(const struct tt_sentence *sentence, struct tt_buf *buf)
{
    const struct tt_words *words = &sentence->setup->words[sentence->feature];
    bool one = words->unit == TT_UNIT_COUNT && magnitude(sentence->observed - 1.0) < 1e-9;
    bool counted = (words->unit == TT_UNIT_COUNT && !one) || words->unit == TT_UNIT_AMOUNT ||
                   words->unit == TT_UNIT_SECONDS || words->unit == TT_UNIT_DAYS ||
                   words->unit == TT_UNIT_KM || words->unit == TT_UNIT_KMH ||
                   words->unit == TT_UNIT_SHARE;
    if (!counted) {
        put_name(sentence, buf);
        (void)tt_buf_append_text(buf, one ? ": " : " ");
    }
    put_value(sentence, sentence->observed, true, buf);
    if (counted && words->text_size > 0) {
        (void)tt_buf_append_format(buf, " %s", words->text);
    } else if (counted && words->unit != TT_UNIT_AMOUNT) {
        (void)tt_buf_append_format(buf, " (%s)", sentence->setup->features[sentence->feature].data);
    }
}

bool tt_sentence_is_own(uint8_t against, double own_count)
{
    return against == TT_AGAINST_OWN && own_count >= OWN_COUNT_MIN;
}

void tt_sentence_write(const struct tt_sentence *sentence, struct tt_buf *buf)
{
    const struct tt_words *words = &sentence->setup->words[sentence->feature];
    const char *whose = words->whose_size > 0 ? words->whose : "this customer";
    bool own = tt_sentence_is_own(sentence->against, sentence->own_count);
    if (sentence->observed >= 0.0 || sentence->observed < 0.0) {
        put_subject(sentence, buf);
    } else {
        put_name(sentence, buf);
        (void)tt_buf_append_text(buf, " is not known");
    }
    if (sentence->taught != 0) {
        (void)tt_buf_append_text(buf, sentence->taught > 0 ? ", as in frauds that are known"
                                                           : ", as in genuine payments");
        return;
    }
    if (!(sentence->expected >= 0.0 || sentence->expected < 0.0)) {
        (void)tt_buf_append_text(buf, ", which is unusual");
        return;
    }
    (void)tt_buf_append_text(buf, " is ");
    put_degree(sentence->observed, sentence->expected, buf);
    if (own) {
        (void)tt_buf_append_format(buf, " %s's usual ", whose);
    } else {
        (void)tt_buf_append_text(buf, " the usual ");
    }
    put_value(sentence, sentence->expected, false, buf);
    if (own && words->since_size > 0) {
        (void)tt_buf_append_format(buf, " of %s", words->since);
    } else if (!own && sentence->against == TT_AGAINST_OWN) {
        (void)tt_buf_append_format(buf, " of others lately, with little history of %s to go by",
                                   whose);
    } else if (!own) {
        (void)tt_buf_append_text(buf, " of all customers lately");
    }
    put_counterfactual(sentence, buf);
}
