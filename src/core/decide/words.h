/*
 * What a reason says, in the words of a fraud analyst.
 *
 * What:    one sentence from an observed and an expected value, the feature's words and unit, and
 *          whose habit it is compared with.
 * Owner:   text goes to the caller's buffer.
 * Threads: pure functions.
 * Units:   values are in the feature's own unit, amounts in major units of the transaction's
 *          currency.
 * Fails:   as tt_buf_append; the buffer remembers.
 */
#ifndef TT_CORE_DECIDE_WORDS_H
#define TT_CORE_DECIDE_WORDS_H

#include "core/detect/setup.h"

struct tt_sentence {
    const struct tt_setup *setup;
    uint16_t feature;
    uint8_t against;  /* enum tt_against */
    double own_count; /* own observations behind the expected value */
    double observed, expected;
    double threshold; /* of this payment's amount; NaN = none to tell */
    bool sole;        /* it alone makes the payment unusual */
    tt_currency currency;
    int8_t taught; /* labels say so: 1 speaks for fraud, -1 against; 0 = it is not from labels */
};

/* Whether the entity's own history stands behind the expected value; else it is its peers'. */
bool tt_sentence_is_own(uint8_t against, double own_count);
/* Appends the sentence, without a full stop. */
void tt_sentence_write(const struct tt_sentence *sentence, struct tt_buf *buf);

#endif
