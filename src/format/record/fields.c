/* Names of the fields of a transaction, by a switch on their size. See check.h. */
#include <string.h>

#include "format/record/check.h"

static const struct tt_str names[TT_FIELD_COUNT] = {
    [TT_FIELD_TIMESTAMP] = {"timestamp", 9},
    [TT_FIELD_AMOUNT] = {"amount", 6},
    [TT_FIELD_CURRENCY] = {"currency", 8},
    [TT_FIELD_TYPE] = {"type", 4},
    [TT_FIELD_AUTHORIZATION] = {"authorization", 13},
    [TT_FIELD_LATITUDE] = {"latitude", 8},
    [TT_FIELD_LONGITUDE] = {"longitude", 9},
    [TT_FIELD_ATTRIBUTES] = {"attributes", 10},
};

struct tt_str tt_record_field_name(enum tt_field field)
{
    TT_ASSERT(field < TT_FIELD_COUNT);
    return (int)field < (int)TT_TEXT_COUNT ? tt_str_from(tt_txn_text_name((enum tt_txn_text)field))
                                           : names[field];
}

#define IS(literal) (memcmp(name.data, literal, sizeof(literal) - 1) == 0)

enum tt_field tt_record_field_find(struct tt_str name)
{
    switch (name.size) {
    case 2:
        return IS("ip") ? (enum tt_field)TT_TEXT_IP : TT_FIELD_NONE;
    case 3:
        return IS("mcc") ? (enum tt_field)TT_TEXT_MERCHANT_CATEGORY_CODE : TT_FIELD_NONE;
    case 4:
        return IS("type") ? TT_FIELD_TYPE : TT_FIELD_NONE;
    case 6:
        return IS("amount") ? TT_FIELD_AMOUNT : TT_FIELD_NONE;
    case 7:
        return IS("user_id")   ? (enum tt_field)TT_TEXT_USER_ID
               : IS("card_id") ? (enum tt_field)TT_TEXT_CARD_ID
               : IS("channel") ? (enum tt_field)TT_TEXT_CHANNEL
                               : TT_FIELD_NONE;
    case 8:
        return IS("currency")   ? TT_FIELD_CURRENCY
               : IS("latitude") ? TT_FIELD_LATITUDE
                                : TT_FIELD_NONE;
    case 9:
        return IS("timestamp")   ? TT_FIELD_TIMESTAMP
               : IS("longitude") ? TT_FIELD_LONGITUDE
               : IS("device_id") ? (enum tt_field)TT_TEXT_DEVICE_ID
                                 : TT_FIELD_NONE;
    case 10:
        return IS("attributes") ? TT_FIELD_ATTRIBUTES : TT_FIELD_NONE;
    case 11:
        return IS("merchant_id") ? (enum tt_field)TT_TEXT_MERCHANT_ID : TT_FIELD_NONE;
    case 13:
        return IS("authorization") ? TT_FIELD_AUTHORIZATION : TT_FIELD_NONE;
    case 14:
        return IS("transaction_id")   ? (enum tt_field)TT_TEXT_TRANSACTION_ID
               : IS("issuer_country") ? (enum tt_field)TT_TEXT_ISSUER_COUNTRY
                                      : TT_FIELD_NONE;
    case 15:
        return IS("counterparty_id") ? (enum tt_field)TT_TEXT_COUNTERPARTY_ID : TT_FIELD_NONE;
    case 16:
        return IS("merchant_country") ? (enum tt_field)TT_TEXT_MERCHANT_COUNTRY : TT_FIELD_NONE;
    case 17:
        return IS("merchant_category") ? (enum tt_field)TT_TEXT_MERCHANT_CATEGORY : TT_FIELD_NONE;
    case 22:
        return IS("merchant_category_code") ? (enum tt_field)TT_TEXT_MERCHANT_CATEGORY_CODE
                                            : TT_FIELD_NONE;
    default:
        return TT_FIELD_NONE;
    }
}
