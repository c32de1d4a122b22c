/* Names of severities and verdicts, as they stand in JSON, rules and configuration. */
#include "core/event/event.h"

#include <string.h>

static const char *const severity_names[] = {"none", "low", "medium", "high", "critical"};
static const char *const verdict_names[] = {"", "allow", "review", "block"};

static const char *const alert_names[] = {"none",     "opened", "rule",   "paged",
                                          "attached", "held",   "sampled"};
_Static_assert(TT_ARRAY_SIZE(alert_names) == TT_ALERT_LAST + 1, "a name for each outcome");

static uint8_t find_name(const char *const *names, size_t count, struct tt_str name)
{
    for (size_t i = 1; i < count; i++) {
        if (tt_str_equal_text(name, names[i])) {
            return (uint8_t)i;
        }
    }
    return 0;
}

const char *tt_severity_name(uint8_t severity)
{
    return severity < TT_ARRAY_SIZE(severity_names) ? severity_names[severity] : "none";
}

const char *tt_verdict_name(uint8_t verdict)
{
    return verdict < TT_ARRAY_SIZE(verdict_names) ? verdict_names[verdict] : "";
}

uint8_t tt_severity_find(struct tt_str name)
{
    return find_name(severity_names, TT_ARRAY_SIZE(severity_names), name);
}

uint8_t tt_verdict_find(struct tt_str name)
{
    return find_name(verdict_names, TT_ARRAY_SIZE(verdict_names), name);
}

const char *tt_alert_name(uint8_t alert)
{
    return alert < TT_ARRAY_SIZE(alert_names) ? alert_names[alert] : "none";
}

bool tt_alert_find(struct tt_str name, uint8_t *ret)
{
    for (uint8_t i = 0; i < TT_ARRAY_SIZE(alert_names); i++) {
        if (tt_str_equal_text(name, alert_names[i])) {
            *ret = i;
            return true;
        }
    }
    return false;
}

void tt_event_clear(struct tt_event *event)
{
    tt_arena_reset(&event->text);
    memset(&event->kind, 0, offsetof(struct tt_event, vector) - offsetof(struct tt_event, kind));
    event->vector.count = 0;
}
