/*
 * Addresses and networks as text: IPv4 in four decimal parts, IPv6 as RFC 4291 writes it. An IPv4
 * address in IPv6 (::ffff:10.0.0.1) is the IPv4 address.
 */
#include <string.h>

#include "core/expr/ast.h"
#include "core/expr/funcs/impl.h"

#define ADDRESS_TEXT_MAX 64

struct address {
    unsigned char bytes[16];
    bool is_v4; /* in the last four bytes, behind ::ffff: */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A decimal number of at most `digits` digits, without leading zeros; moves *at. */
static bool parse_decimal(struct tt_str *at, int digits, unsigned max, unsigned *ret)
{
    unsigned number = 0;
    int count = 0;
    bool zero_first = at->size > 1 && at->data[0] == '0' && is_digit(at->data[1]);
    while (count < digits && at->size > 0 && is_digit(at->data[0])) {
        number = number * 10 + (unsigned)(at->data[0] - '0');
        at->data++;
        at->size--;
        count++;
    }
    *ret = number;
    return count > 0 && !zero_first && number <= max;
}

static bool parse_v4(struct tt_str text, unsigned char bytes[4])
{
    for (int i = 0; i < 4; i++) {
        unsigned part = 0;
        if (i > 0) {
            if (text.size == 0 || text.data[0] != '.') {
                return false;
            }
            text.data++;
            text.size--;
        }
        if (!parse_decimal(&text, 3, 255, &part)) {
            return false;
        }
        bytes[i] = (unsigned char)part;
    }
    return text.size == 0;
}

static int hex_digit(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Groups of up to four hex digits, and dotted IPv4 as the last; counts bytes. false: malformed. */
static bool parse_groups(struct tt_str text, unsigned char bytes[16], uint32_t *ret_size)
{
    uint32_t size = 0;
    while (text.size > 0) {
        struct tt_str rest = text;
        struct tt_str group = tt_str_split(&rest, ':');
        unsigned number = 0;
        if (rest.data == NULL && memchr(group.data, '.', group.size) != NULL) {
            if (size > 12 || !parse_v4(group, bytes + size)) {
                return false;
            }
            size += 4;
            break;
        }
        if (group.size == 0 || group.size > 4 || size > 14) {
            return false;
        }
        for (size_t i = 0; i < group.size; i++) {
            int digit = hex_digit(group.data[i]);
            if (digit < 0) {
                return false;
            }
            number = number * 16 + (unsigned)digit;
        }
        bytes[size++] = (unsigned char)(number >> 8);
        bytes[size++] = (unsigned char)number;
        if (rest.data != NULL && rest.size == 0) {
            return false; /* ends with a colon */
        }
        text = rest.data == NULL ? (struct tt_str){group.data, 0} : rest;
    }
    *ret_size = size;
    return true;
}

/* The place of "::", or the size. */
static size_t find_gap(struct tt_str text)
{
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] == ':' && text.data[i + 1] == ':') {
            return i;
        }
    }
    return text.size;
}

static bool parse_v6(struct tt_str text, unsigned char bytes[16])
{
    unsigned char tail[16];
    uint32_t head_size = 0;
    uint32_t tail_size = 0;
    size_t gap = find_gap(text);
    memset(bytes, 0, 16);
    if (gap == text.size) {
        return parse_groups(text, bytes, &head_size) && head_size == 16;
    }
    struct tt_str before = {text.data, gap};
    struct tt_str after = {text.data + gap + 2, text.size - gap - 2};
    bool dotted_head = gap > 0 && memchr(before.data, '.', gap) != NULL;
    if (dotted_head || !parse_groups(before, bytes, &head_size) ||
        !parse_groups(after, tail, &tail_size) || head_size + tail_size > 14) {
        return false;
    }
    memset(bytes + head_size, 0, 16 - head_size);
    memcpy(bytes + 16 - tail_size, tail, tail_size);
    return true;
}

static bool parse_address(struct tt_str text, struct address *ret)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (text.size == 0 || text.size > ADDRESS_TEXT_MAX) {
        return false;
    }
    if (memchr(text.data, ':', text.size) == NULL) {
        memcpy(ret->bytes, mapped, sizeof(mapped));
        ret->is_v4 = true;
        return parse_v4(text, ret->bytes + 12);
    }
    bool good = parse_v6(text, ret->bytes);
    ret->is_v4 = good && memcmp(ret->bytes, mapped, sizeof(mapped)) == 0;
    return good;
}

/* "10.0.0.0/8"; without a length the address alone. Bits behind the length do not count. */
static bool parse_network(struct tt_str text, struct address *ret, unsigned *ret_bits)
{
    struct tt_str rest = text;
    struct tt_str address = tt_str_split(&rest, '/');
    unsigned bits = 0;
    if (!parse_address(address, ret)) {
        return false;
    }
    bool dotted = memchr(address.data, ':', address.size) == NULL;
    unsigned whole = dotted ? 32 : 128;
    bits = whole;
    if (rest.data != NULL && (!parse_decimal(&rest, 3, whole, &bits) || rest.size > 0)) {
        return false;
    }
    *ret_bits = bits + (dotted ? 96 : 0);
    return true;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned bytes = bits / 8;
    unsigned left = bits % 8;
    return memcmp(a, b, bytes) == 0 && (left == 0 || (a[bytes] ^ b[bytes]) >> (8 - left) == 0);
}

IMPL(tt_fn_ip_in_cidr)
{
    struct address address;
    struct address network;
    unsigned bits = 0;
    if (!parse_address(args[0]->text, &address) || !parse_network(args[1]->text, &network, &bits)) {
        *ret = tt_value_none(TT_VALUE_RANGE);
        return;
    }
    /* An IPv4 address is in no IPv6 network, ::/0 included. */
    bool kinds_fit = address.is_v4 == (network.is_v4 && bits >= 96);
    *ret = tt_value_bool(kinds_fit && same_bits(address.bytes, network.bytes, bits));
}

IMPL(tt_fn_list_contains)
{
    *ret = tt_compare_values(TT_IN, args[1], args[0]);
    call->cost += args[0]->list->index_mask == 0 ? args[0]->list->weight / 8 : 0;
}
