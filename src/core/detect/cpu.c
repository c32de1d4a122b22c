/* Names of the code paths; see setup.h. */
#include "core/detect/setup.h"

static const char *const cpu_names[] = {"auto", "scalar", "avx2", "avx512"};

bool tt_cpu_find(struct tt_str name, enum tt_cpu *ret)
{
    for (uint32_t i = 0; i < TT_ARRAY_SIZE(cpu_names); i++) {
        if (tt_str_equal_text(name, cpu_names[i])) {
            *ret = (enum tt_cpu)i;
            return true;
        }
    }
    return false;
}

const char *tt_cpu_name(enum tt_cpu cpu)
{
    return (size_t)cpu < TT_ARRAY_SIZE(cpu_names) ? cpu_names[cpu] : "auto";
}
