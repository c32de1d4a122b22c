/*
 * Numbers as text through <charconv>: the shortest digits that read back as the same bits.
 *
 * The only C++ of the project, with nothing of C++ in its interface. It is built without exceptions
 * and run-time types; to_chars and from_chars neither throw nor allocate for double.
 */
#include "base/number.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>

/* As people and JavaScript write: no exponent between a millionth and 10^21. */
static bool wants_fixed(double magnitude)
{
    return magnitude < 1e21 && (magnitude >= 1e-6 || !(magnitude > 0.0));
}

static size_t copy_name(const char *name, char *ret_text)
{
    size_t size = std::strlen(name);
    std::memcpy(ret_text, name, size);
    return size;
}

size_t tt_double_format(double value, char ret_text[TT_NUMBER_TEXT_SIZE])
{
    if (std::isnan(value)) {
        return copy_name("nan", ret_text);
    }
    if (std::isinf(value)) {
        return copy_name(value > 0.0 ? "inf" : "-inf", ret_text);
    }
    std::chars_format format =
        wants_fixed(std::fabs(value)) ? std::chars_format::fixed : std::chars_format::scientific;
    std::to_chars_result result =
        std::to_chars(ret_text, ret_text + TT_NUMBER_TEXT_SIZE, value, format);
    TT_ASSERT(result.ec == std::errc());
    return static_cast<size_t>(result.ptr - ret_text);
}

/* from_chars takes no plus sign; we take one, as YAML and many CSV writers do. */
static const char *skip_plus(struct tt_str text)
{
    bool plus = text.size > 1 && text.data[0] == '+' && text.data[1] != '-';
    return text.data + (plus ? 1 : 0);
}

bool tt_double_parse(struct tt_str text, double *ret)
{
    if (text.size == 0) {
        return false;
    }
    const char *begin = skip_plus(text);
    const char *end = text.data + text.size;
    const char *first = begin + (*begin == '-' ? 1 : 0);
    if (first == end || ((*first < '0' || *first > '9') && *first != '.')) {
        return false; /* "inf" and "nan" are words of from_chars, not of ours */
    }
    double value = 0.0;
    std::from_chars_result result = std::from_chars(begin, end, value);
    if (result.ec != std::errc() || result.ptr != end) {
        return false;
    }
    *ret = value;
    return true;
}

bool tt_int64_parse(struct tt_str text, int64_t *ret)
{
    if (text.size == 0) {
        return false;
    }
    const char *end = text.data + text.size;
    int64_t value = 0;
    std::from_chars_result result = std::from_chars(skip_plus(text), end, value);
    if (result.ec != std::errc() || result.ptr != end) {
        return false;
    }
    *ret = value;
    return true;
}

size_t tt_int64_format(int64_t value, char ret_text[TT_NUMBER_TEXT_SIZE])
{
    return static_cast<size_t>(std::to_chars(ret_text, ret_text + TT_NUMBER_TEXT_SIZE, value).ptr -
                               ret_text);
}
