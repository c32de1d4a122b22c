/*
 * The reader of saved feature states on arbitrary bytes.
 *
 * The input is a kind (head or entity, of the same plan or of another one) and what stands between a
 * record's front and its checksum, which are put around it here, because no mutation would get past
 * them. What is taken must go on: the step scores a payment of that entity and can be saved again.
 */
#include <string.h>

#include "base/wire.h"
#include "core/features/snapshot.h"
#include "features_support.h"
#include "fuzz.h"

#define FRONT_SIZE 26 /* version, kind, identity, proof */
#define MEMORY_MAX (8u << 20)
#define RECORD_SIZE_MAX (1u << 20)

static const char FIRST[] =
    "entities: {user: {key: user_id}}\nfeatures:\n"
    "- {name: q, entity: user, aggregate: median, field: amount, window: 1d}\n"
    "- {name: d, entity: user, aggregate: count_distinct, field: merchant_id, window: 2d}\n"
    "- {name: b, entity: user, aggregate: count, window: 1d, filter: 'amount > 3.0'}\n"
    "- {name: f, entity: user, aggregate: fraud_share, window: 1d}\n";
static const char SECOND[] =
    "entities: {user: {key: user_id}}\nfeatures:\n"
    "- {name: s, entity: user, aggregate: sum, field: amount, window: 1d, filter: 'amount > 3.0'}\n"
    "- {name: f, entity: user, aggregate: fraud_count, window: 2d}\n";

static struct tt_plan *plans[2];
static struct steps saved;
static struct tt_buf head, entity;

static void start(void)
{
    struct tt_event events[6];
    static const char *const ids[] = {"1", "2", "3", "4", "5", "6"};
    struct tt_hash128 key;
    size_t cursor = 0;
    TT_ASSERT(plan_from(&tt_alloc_libc, FIRST, NULL, &plans[0], NULL) == TT_OK);
    TT_ASSERT(plan_from(&tt_alloc_libc, SECOND, NULL, &plans[1], NULL) == TT_OK);
    TT_ASSERT(steps_init(&saved, &tt_alloc_libc, plans[0], 9, MEMORY_MAX) == TT_OK);
    for (int i = 0; i < 6; i++) {
        struct tt_event *one = &events[i];
        if (i == 5) {
            label_init(&events[i], &events[0], TT_LABEL_FRAUD, 1000000);
        } else {
            event_init(&events[i], ids[i], "u", 1000000 + i, 100 * i);
            events[i].txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(ids[i % 2]);
        }
        TT_ASSERT(tt_step_run(saved.step[0], &one, 1, NULL) == TT_OK);
    }
    tt_buf_init(&head, &tt_alloc_libc, RECORD_SIZE_MAX);
    tt_buf_init(&entity, &tt_alloc_libc, RECORD_SIZE_MAX);
    TT_ASSERT(tt_step_pack_head(saved.step[0], &head) == TT_OK);
    TT_ASSERT(tt_step_pack_entity(saved.step[0], &cursor, &key, &entity) == TT_OK);
}

/* A step that has taken something is as good as any. */
static void use(struct tt_step *step)
{
    struct tt_event event, *one = &event;
    struct tt_buf buf;
    struct tt_hash128 key;
    size_t cursor = 0;
    event_init(&event, "9", "u", 1000100, 500);
    enum tt_status status = tt_step_run(step, &one, 1, NULL);
    TT_ASSERT(status == TT_OK || status == TT_E_NOMEM);
    tt_buf_init(&buf, &tt_alloc_libc, MEMORY_MAX);
    status = tt_step_pack_head(step, &buf);
    while (status == TT_OK) {
        status = tt_step_pack_entity(step, &cursor, &key, &buf);
    }
    TT_ASSERT(status == TT_E_CLOSED || status == TT_E_LIMIT);
    tt_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tt_hash_key check = {UINT64_C(0x736e617073686f74), UINT64_C(0x636865636b)};
    struct tt_buf framed;
    struct steps steps;
    if (plans[0] == NULL) {
        start();
    }
    if (size == 0 || size > RECORD_SIZE_MAX / 2) {
        return 0;
    }
    bool is_head = (data[0] & 1) != 0;
    const struct tt_plan *plan = plans[data[0] >> 1 & 1];
    TT_ASSERT(steps_init(&steps, &tt_alloc_libc, plan, 9, MEMORY_MAX) == TT_OK);
    tt_buf_init(&framed, &tt_alloc_libc, RECORD_SIZE_MAX);
    TT_ASSERT(tt_buf_append(&framed, is_head ? head.data : entity.data, FRONT_SIZE) == TT_OK);
    TT_ASSERT(tt_buf_append(&framed, data + 1, size - 1) == TT_OK);
    tt_wire_put_u64(&framed, tt_hash64(&check, framed.data, framed.size));
    enum tt_status status = TT_OK;
    if (!is_head) {
        status = tt_step_unpack_head(steps.step[0], tt_buf_str(&head), NULL);
        TT_ASSERT(status == TT_OK || status == TT_E_CONFLICT);
    }
    if (status == TT_OK) {
        status = is_head ? tt_step_unpack_head(steps.step[0], tt_buf_str(&framed), NULL)
                         : tt_step_unpack_entity(steps.step[0], tt_buf_str(&framed), NULL);
    }
    if (status == TT_OK) {
        use(steps.step[0]);
    }
    tt_buf_deinit(&framed);
    steps_deinit(&steps);
    return 0;
}
