// Unit capture_in.c takes captures in: a CAPTURE record says that something was seen inside the network, its blob
// PROC-NUMBER.blob holds it (and may come a little later). What is due is part of the process's cursor row, as images are
// (blob.c), so that a kill loses no snapshot. By kind:
//
//     LOOK       read and unlinked at once, sent to those who look (look.c); never stored
//     SNAPSHOT   given to the keeper (keep.c), which lets go of the blob once its row is durable
//     PUSH       read, unlinked, answers a push (push.c)
//     PRUNE      document "pruning" of the run, then unlinked
//
// Invariant: a blob that is neither a file nor a capture of the right kind is dropped and counted, never fatal. Engine thread.
#include "network.h"

#include "base/clock.h"
#include "base/le.h"
#include "base/log.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define STEP_MAX (INT64_C(1) << 53)
#define LATE_NS (10 * NS_PER_S) // no longer is a blob waited for

// --- records ------------------------------------------------------------------------------------

// Stamped with the step it shows. Copied before the run's step went back: of the attempt before.
static uint32_t attempt_at(const lane_state *l, int64_t step) {
    return l->attempt && step > l->step ? l->attempt - 1 : l->attempt;
}

// There is no blob: the program could not do it. -> owned text
static char *reason(const uint8_t *at) {
    size_t bytes = le_u32(at + 44);
    return mem_text((const char *)at + 48, bytes < 1024 ? bytes : 1024);
}

static void put_pruning(core *c, run *r, json_t *json) {
    char *text = json_printed(json);
    if (text) store_put_document(c->store, r->row.id, "pruning", text);
    if (text) c->rows_dirty = true;
    mem_free(text);
    json_decref(json);
}

static void no_blob(core *c, run *r, uint32_t kind, uint64_t number, int64_t step,
                    const uint8_t *at) {
    char *why = reason(at);
    if (kind == CAPTURE_PUSH) push_answer(c, number, NULL, why ? why : "");
    if (kind == CAPTURE_PRUNE && why)
        put_pruning(c, r,
                    json_pack("{s:I,s:I,s:s}", "step", (json_int_t)step, "command",
                              (json_int_t)number, "error", why));
    mem_free(why);
}

void capture_take(core *c, process *p, const lane_state *l, uint32_t kind, const uint8_t *at) {
    int64_t step = le_i64(at + 16);
    media_due due = {.capture = (int)kind,
                     .number = le_u64(at + 8),
                     .blob = le_u64(at + 24),
                     .flags = le_u32(at + 40),
                     .time_ms = l->time_ms,
                     .since_ns = clock_mono_ns()};
    if (kind < CAPTURE_LOOK || kind > CAPTURE_PRUNE) return;
    due.step = step < -STEP_MAX ? -STEP_MAX : step > STEP_MAX ? STEP_MAX : step;
    due.attempt = attempt_at(l, due.step);
    if (!due.blob) {
        no_blob(c, p->run, kind, due.number, due.step, at);
        return;
    }
    blob_due(c, p, &due);
    p->state_dirty = true;
}

// --- blobs --------------------------------------------------------------------------------------

// The capture, behind FRAME_FRONT bytes of room. 0 or a code.
static int read_capture(const char *path, int kind, buf *out, capture_head *head) {
    buf_zero(out, FRAME_FRONT);
    int result = out->failed ? NNS_E_NO_MEMORY : file_read(path, CAPTURE_BYTES_MAX, out);
    if (!result) result = capture_open(out->data + FRAME_FRONT, out->length - FRAME_FRONT, head);
    return !result && head->kind != kind ? NNS_E_CORRUPT : result;
}

static void take_look(core *c, process *p, buf *bytes) {
    frame *f = frame_of_front(bytes, false);
    if (!f) return;
    core_lock(c);
    looks_capture(c, p->run, f);
    core_unlock(c);
}

static json_t *pruning_json(const uint8_t *bytes, size_t length, const media_due *m) {
    capture_section s;
    json_t *rows = json_array();
    for (size_t at = 0; capture_next(bytes, length, &at, &s) == 0;) {
        if (s.quantity != QUANTITY_PRUNING || s.dims != 2 || s.shape[1] != 3 || s.elements > 30000)
            continue;
        for (uint32_t i = 0; i < s.shape[0]; i++)
            json_array_append_new(rows, json_pack("[f,f,f]", (double)section_value(&s, 3 * i),
                                                  (double)section_value(&s, 3 * i + 1),
                                                  (double)section_value(&s, 3 * i + 2)));
    }
    return json_pack("{s:I,s:f,s:I,s:o}", "step", (json_int_t)m->step, "time",
                     (double)m->time_ms / 1000.0, "command", (json_int_t)m->number, "curve", rows);
}

static void take_prune(core *c, process *p, const buf *bytes, const media_due *m) {
    json_t *json = pruning_json(bytes->data + FRAME_FRONT, bytes->length - FRAME_FRONT, m);
    core_lock(c);
    if (json) put_pruning(c, p->run, json);
    core_unlock(c);
}

static void take_push(core *c, const media_due *m, buf *bytes) {
    core_lock(c);
    push_answer(c, m->number, bytes, NULL);
    core_unlock(c);
}

static void count_lost(core *c, process *p) {
    core_lock(c);
    p->run->row.dropped++;
    run_touch(c, p->run);
    core_unlock(c);
}

static bool nobody_waits(core *c, process *p, const media_due *m) {
    core_lock(c);
    bool none = m->capture == CAPTURE_LOOK && !look_wanted(c, p->run);
    core_unlock(c);
    return none;
}

// Gives a snapshot to the keeper, once; true when he has put it away.
static bool kept(core *c, process *p, media_due *m) {
    if (!m->busy) m->busy = keep_submit(c, p, m);
    core_lock(c);
    bool over = m->over;
    if (m->busy_until_ns && clock_mono_ns() > m->busy_until_ns) {
        m->busy = false;
        m->busy_until_ns = 0;
    }
    core_unlock(c);
    return over;
}

bool capture_put_away(core *c, process *p, media_due *m, const char *path, bool last_chance) {
    capture_head head;
    buf bytes = {0};
    bool late = last_chance || clock_mono_ns() - m->since_ns > LATE_NS;
    if (m->capture == CAPTURE_SNAPSHOT && (m->busy || access(path, F_OK) == 0))
        return kept(c, p, m);
    int result =
        nobody_waits(c, p, m) ? NNS_E_AGAIN : read_capture(path, m->capture, &bytes, &head);
    if (result == NNS_E_NOT_FOUND && !late) {
        buf_fini(&bytes);
        return false;
    }
    if (!result && m->capture == CAPTURE_LOOK) take_look(c, p, &bytes);
    if (!result && m->capture == CAPTURE_PUSH) take_push(c, m, &bytes);
    if (!result && m->capture == CAPTURE_PRUNE) take_prune(c, p, &bytes, m);
    // Before the server was killed.
    bool answered = m->capture == CAPTURE_PUSH && result == NNS_E_NOT_FOUND;
    if (result && result != NNS_E_AGAIN && m->capture >= CAPTURE_SNAPSHOT && !answered)
        count_lost(c, p);
    buf_fini(&bytes);
    if (m->capture != CAPTURE_PRUNE && m->capture != CAPTURE_SNAPSHOT) unlink(path);
    return true;
}
