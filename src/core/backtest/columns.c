/* Which columns a block for backtests has, and a transaction's values for them. */
#include "core/backtest/backtest.h"

#define EXTRA_COLUMNS 3

static uint8_t column_type(enum tt_type type)
{
    switch (type) {
    case TT_TYPE_DOUBLE:
        return TT_COLUMN_DOUBLE;
    case TT_TYPE_BOOL:
        return TT_COLUMN_BOOL;
    case TT_TYPE_TIMESTAMP:
        return TT_COLUMN_TIME;
    default:
        TT_ASSERT(type == TT_TYPE_STRING);
        return TT_COLUMN_TEXT;
    }
}

uint32_t tt_backtest_specs(const struct tt_names *names,
                           struct tt_column_spec ret[TT_BACKTEST_SPECS_MAX])
{
    const struct tt_expr_env *env = tt_names_env(names);
    uint32_t slots = tt_names_slot_count(names);
    TT_ASSERT(slots + EXTRA_COLUMNS <= TT_BACKTEST_SPECS_MAX);
    ret[0] = (struct tt_column_spec){TT_STR(TT_BACKTEST_COLUMN_KEY), TT_COLUMN_INT};
    ret[1] = (struct tt_column_spec){TT_STR(TT_BACKTEST_COLUMN_MINOR), TT_COLUMN_INT};
    ret[2] = (struct tt_column_spec){TT_STR(TT_BACKTEST_COLUMN_FACTS), TT_COLUMN_INT};
    for (uint32_t i = 0; i < slots; i++) {
        enum tt_type type = TT_TYPE_NONE;
        uint32_t slot = 0;
        struct tt_str name = tt_expr_env_slot_name(env, i);
        bool found = tt_expr_env_find(env, name, &slot, &type);
        TT_ASSERT(found && slot == i);
        ret[EXTRA_COLUMNS + i] = (struct tt_column_spec){name, column_type(type)};
    }
    return EXTRA_COLUMNS + slots;
}

int64_t tt_backtest_key(struct tt_str user_id, struct tt_str transaction_id)
{
    static const struct tt_hash_key key = {UINT64_C(0x6261636b74657374), 1};
    struct tt_txn txn = {0};
    txn.text[TT_TEXT_USER_ID] = user_id;
    txn.text[TT_TEXT_TRANSACTION_ID] = transaction_id;
    return (int64_t)tt_txn_key_hash(&key, &txn).low;
}

void tt_backtest_values(const struct tt_names *names, const struct tt_event *event,
                        const struct tt_value *slots, bool plan_fits, struct tt_value *ret)
{
    const struct tt_txn *txn = &event->txn;
    bool blocked = event->decision.verdict == TT_BLOCK || txn->authorization == TT_AUTH_DECLINED;
    int64_t facts = blocked ? TT_BACKTEST_FACT_BLOCKED : 0;
    facts |= event->truth.known ? TT_BACKTEST_FACT_KNOWN : 0;
    facts |= event->truth.known && event->truth.fraud ? TT_BACKTEST_FACT_FRAUD : 0;
    facts |= plan_fits ? TT_BACKTEST_FACT_PLAN : 0;
    ret[0] = tt_value_int(
        tt_backtest_key(txn->text[TT_TEXT_USER_ID], txn->text[TT_TEXT_TRANSACTION_ID]));
    ret[1] = tt_value_int(txn->amount_minor);
    ret[2] = tt_value_int(facts);
    uint32_t count = tt_names_slot_count(names);
    for (uint32_t i = 0; i < count; i++) {
        bool feature = tt_names_slot_feature(names, i) != UINT16_MAX;
        ret[EXTRA_COLUMNS + i] = feature && !plan_fits ? tt_value_none(TT_VALUE_MISSING) : slots[i];
    }
}
