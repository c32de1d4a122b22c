/* See intake.h. Waiting submissions form a list under one lock; the one being taken from belongs to
 * the ingestor alone. Records are counted when a body comes in, so that the last answer is known. */
#include "services/data_ingestor/intake.h"

#include <pthread.h>
#include <string.h>

#define ANSWERS_SIZE_MAX (1u << 30)

struct answer {
    size_t offset;
    uint32_t size;
    uint16_t status;
    bool problem;
};

struct tt_submission {
    struct tt_intake *intake;
    struct tt_submission *next;          /* in the queue */
    struct tt_submission *newer, *older; /* among the live ones */
    enum tt_intake_kind kind;
    bool single;
    char *body;
    size_t body_size, at;
    uint32_t count, taken, answered;
    struct answer *answers;
    struct tt_buf text;
    tt_submission_done *done;
    void *ctx;
};

struct tt_intake {
    const struct tt_alloc *alloc;
    struct tt_intake_options options;
    pthread_mutex_t lock;
    struct tt_submission *first, *last;
    struct tt_submission *newest;  /* of those that are not fully answered */
    struct tt_submission *current; /* the ingestor's */
    uint64_t bytes;                /* atomic */
    bool closed;
};

/* The next line that is not blank, from *at on; absent at the end. */
static struct tt_str next_line(const char *body, size_t size, size_t *at)
{
    while (*at < size) {
        const char *start = body + *at;
        const char *end = memchr(start, '\n', size - *at);
        size_t length = end != NULL ? (size_t)(end - start) : size - *at;
        *at += length + (end != NULL ? 1 : 0);
        struct tt_str line = tt_str_trim((struct tt_str){start, length});
        if (line.size > 0) {
            return line;
        }
    }
    return (struct tt_str){NULL, 0};
}

static uint64_t count_lines(struct tt_str body)
{
    uint64_t count = 0;
    size_t at = 0;
    while (next_line(body.data, body.size, &at).data != NULL) {
        count++;
    }
    return count;
}

static void submission_free(struct tt_submission *submission)
{
    const struct tt_alloc *alloc = submission->intake->alloc;
    tt_buf_deinit(&submission->text);
    tt_delete(alloc, submission->answers, submission->count * sizeof *submission->answers);
    tt_delete(alloc, submission->body, submission->body_size + 1);
    tt_delete(alloc, submission, sizeof *submission);
}

static struct tt_submission *submission_new(struct tt_intake *intake, struct tt_str body,
                                            uint32_t count)
{
    const struct tt_alloc *alloc = intake->alloc;
    struct tt_submission *submission = tt_new_array(alloc, 1, sizeof *submission);
    if (submission == NULL) {
        return NULL;
    }
    submission->intake = intake;
    submission->count = count;
    submission->body_size = body.size;
    tt_buf_init(&submission->text, alloc, ANSWERS_SIZE_MAX);
    submission->answers = tt_new_array(alloc, count, sizeof *submission->answers);
    submission->body = tt_new(alloc, body.size + 1);
    if (submission->answers == NULL || submission->body == NULL) {
        submission_free(submission);
        return NULL;
    }
    memcpy(submission->body, body.data, body.size);
    submission->body[body.size] = '\0';
    return submission;
}

enum tt_status tt_intake_new(const struct tt_alloc *alloc, const struct tt_intake_options *options,
                             struct tt_intake **ret, struct tt_error *err)
{
    struct tt_intake *intake = tt_new_array(alloc, 1, sizeof *intake);
    if (intake == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the intake");
    }
    intake->alloc = alloc;
    intake->options = *options;
    pthread_mutex_init(&intake->lock, NULL);
    *ret = intake;
    return TT_OK;
}

/* Puts it at the end of the queue if there is room. */
static enum tt_status enqueue(struct tt_intake *intake, struct tt_submission *submission,
                              struct tt_error *err)
{
    enum tt_status status = TT_OK;
    pthread_mutex_lock(&intake->lock);
    uint64_t bytes = __atomic_load_n(&intake->bytes, __ATOMIC_RELAXED);
    if (intake->closed) {
        status = tt_fail(err, TT_E_CLOSED, "shutting down");
    } else if (bytes > 0 && bytes + submission->body_size > intake->options.queue_bytes_max) {
        status = tt_fail(err, TT_E_AGAIN, "the intake is full: %llu bytes wait",
                         (unsigned long long)bytes);
    } else {
        __atomic_store_n(&intake->bytes, bytes + submission->body_size, __ATOMIC_RELAXED);
        if (intake->last != NULL) {
            intake->last->next = submission;
        } else {
            intake->first = submission;
        }
        intake->last = submission;
        submission->older = intake->newest;
        if (intake->newest != NULL) {
            intake->newest->newer = submission;
        }
        intake->newest = submission;
    }
    pthread_mutex_unlock(&intake->lock);
    return status;
}

enum tt_status tt_intake_submit(struct tt_intake *intake, enum tt_intake_kind kind, bool single,
                                struct tt_str body, tt_submission_done *done, void *ctx,
                                struct tt_error *err)
{
    uint64_t count = single ? (body.size > 0 ? 1 : 0) : count_lines(body);
    if (count == 0) {
        return tt_fail(err, TT_E_INVALID, "the body holds no record");
    }
    if (count > TT_INTAKE_RECORDS_MAX) {
        return tt_fail(err, TT_E_LIMIT, "more than %d records in one body", TT_INTAKE_RECORDS_MAX);
    }
    struct tt_submission *submission = submission_new(intake, body, (uint32_t)count);
    if (submission == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the request");
    }
    submission->kind = kind;
    submission->single = single;
    submission->done = done;
    submission->ctx = ctx;
    enum tt_status status = enqueue(intake, submission, err);
    if (status != TT_OK) {
        submission_free(submission);
        return status;
    }
    if (intake->options.wake.signal != NULL) {
        intake->options.wake.signal(intake->options.wake.ctx);
    }
    return TT_OK;
}

void tt_intake_close(struct tt_intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    intake->closed = true;
    pthread_mutex_unlock(&intake->lock);
}

uint64_t tt_intake_bytes(const struct tt_intake *intake)
{
    return __atomic_load_n(&intake->bytes, __ATOMIC_RELAXED);
}

static struct tt_submission *dequeue(struct tt_intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    struct tt_submission *submission = intake->first;
    if (submission != NULL) {
        intake->first = submission->next;
        if (intake->first == NULL) {
            intake->last = NULL;
        }
    }
    pthread_mutex_unlock(&intake->lock);
    return submission;
}

bool tt_intake_take(struct tt_intake *intake, struct tt_intake_record *ret)
{
    if (intake->current == NULL) {
        if (tt_intake_bytes(intake) == 0) {
            return false;
        }
        intake->current = dequeue(intake);
        if (intake->current == NULL) {
            return false;
        }
    }
    struct tt_submission *submission = intake->current;
    struct tt_str body = {submission->body, submission->body_size};
    struct tt_str bytes =
        submission->single ? body : next_line(body.data, body.size, &submission->at);
    *ret = (struct tt_intake_record){submission, submission->taken++, submission->kind,
                                     submission->single, bytes};
    if (submission->taken == submission->count) {
        __atomic_sub_fetch(&intake->bytes, submission->body_size, __ATOMIC_RELAXED);
        intake->current = NULL;
    }
    return true;
}

static void forget(struct tt_submission *submission)
{
    struct tt_intake *intake = submission->intake;
    pthread_mutex_lock(&intake->lock);
    if (submission->newer != NULL) {
        submission->newer->older = submission->older;
    } else {
        intake->newest = submission->older;
    }
    if (submission->older != NULL) {
        submission->older->newer = submission->newer;
    }
    pthread_mutex_unlock(&intake->lock);
}

void tt_submission_answer(struct tt_submission *submission, uint32_t index, uint16_t status,
                          bool problem, struct tt_str body)
{
    TT_ASSERT(index < submission->count);
    struct answer *answer = &submission->answers[index];
    TT_ASSERT(answer->status == 0);
    size_t offset = submission->text.size;
    if (tt_buf_append_str(&submission->text, body) == TT_OK) {
        answer->offset = offset;
        answer->size = (uint32_t)body.size;
    }
    answer->status = status;
    answer->problem = problem;
    if (++submission->answered == submission->count) {
        submission->done(submission->ctx, submission);
        forget(submission);
        submission_free(submission);
    }
}

static const char shutting_down[] =
    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
    "\"code\":\"shutting_down\",\"detail\":\"Stopped before this record was committed; send it "
    "again.\"}";

/* Everything of it that has no answer yet, also what was under way. */
static void refuse_rest(struct tt_submission *submission)
{
    uint32_t left = submission->count - submission->answered;
    for (uint32_t i = 0; left > 0; i++) {
        if (submission->answers[i].status == 0) {
            left--;
            tt_submission_answer(submission, i, 503, true, TT_STR(shutting_down));
        }
    }
}

void tt_intake_free(struct tt_intake *intake)
{
    if (intake == NULL) {
        return;
    }
    while (intake->newest != NULL) {
        refuse_rest(intake->newest);
    }
    pthread_mutex_destroy(&intake->lock);
    tt_delete(intake->alloc, intake, sizeof *intake);
}

bool tt_submission_is_single(const struct tt_submission *submission)
{
    return submission->single;
}

uint16_t tt_submission_status(const struct tt_submission *submission)
{
    return submission->single ? submission->answers[0].status : 200;
}

bool tt_submission_is_problem(const struct tt_submission *submission)
{
    return submission->single && submission->answers[0].problem;
}

enum tt_status tt_submission_write(const struct tt_submission *submission, struct tt_buf *buf)
{
    if (submission->text.status != TT_OK) {
        return submission->text.status;
    }
    for (uint32_t i = 0; i < submission->count; i++) {
        const struct answer *answer = &submission->answers[i];
        tt_buf_append(buf, submission->text.data + answer->offset, answer->size);
        if (!submission->single) {
            tt_buf_append_char(buf, '\n');
        }
    }
    return buf->status;
}
