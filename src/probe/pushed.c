// Unit pushed.c writes the answers to the samples that a person pushed: each a CAPTURE, as a blob and the record that names it.
//
// Place on the path: the training thread puts them into a ring (push.c), the helper takes them here and drains its lane in the same
// turn. They pass by the worker, so that somebody who draws never waits behind statistics or a snapshot.
#include "push.h"

#include "outlet.h"
#include "records.h"
#include "sections.h"

#include <string.h>

#define BLOB_FIRST (2 * OUTLET_BLOB_FIRST) // behind all numbers of the worker's

static void begin(buf *answer, const copy *c) {
    float truth = (float)c->truth;
    buf_clear(answer);
    answer->failed = false;
    capture_begin(answer, &(capture_head){.kind = CAPTURE_PUSH,
                                          .number = c->set,
                                          .step = c->step,
                                          .last_step = c->step,
                                          .base_step = c->step,
                                          .time_ms = (double)c->wall_ms});
    section_add(answer,
                (capture_section){
                    .quantity = QUANTITY_TRUTH, .coding = CODING_F32, .dims = 1, .shape = {1}},
                &truth);
}

static void add(registry *r, buf *answer, const copy *c) {
    static const int quantities[] = {[PUSHED_INPUT] = QUANTITY_INPUT,
                                     [PUSHED_VALUE] = QUANTITY_VALUE,
                                     [PUSHED_OUTPUT] = QUANTITY_OUTPUT};
    const layer *l = c->what == PUSHED_VALUE ? registry_layer(r, c->layer) : NULL;
    capture_section section = {
        .quantity = quantities[c->what], .coding = CODING_F32, .layer = c->layer};
    section_layer_shape(&section, l, c->count);
    section_add(answer, section, copy_data(c));
}

static void say(nns_run *run, const capture_said *said) {
    uint8_t *at = lanes_begin(run, capture_record_bytes(said), atomic_load(&run->serial) > 0);
    if (!at) return;
    capture_record_put(at, said);
    lanes_end(at);
}

void pushed_refuse(nns_run *run, uint64_t number, int64_t step, const char *why) {
    say(run, &(capture_said){.kind = CAPTURE_PUSH, .number = number, .step = step, .error = why});
}

static bool write_blob(nns_run *run, uint64_t number, const buf *answer) {
    char path[PATH_CAP];
    if (stage_blob_path(path, run->folder, run->process.text, number)) return false;
    if (file_write_quickly(path, answer->data, answer->length) == 0) return true;
    atomic_fetch_add(&run->failed_bytes, answer->length);
    return false;
}

static void end(nns_run *run, pushes *p, const copy *c) {
    buf *answer = &p->answer;
    capture_end(answer, 0);
    if (c->flags & COPY_FAILED)
        pushed_refuse(run, c->set, c->step, "the program could not run this sample");
    else if (answer->failed)
        pushed_refuse(run, c->set, c->step, "out of memory");
    else if (!write_blob(run, BLOB_FIRST + ++p->blobs, answer))
        pushed_refuse(run, c->set, c->step, "it could not be written");
    else
        say(run, &(capture_said){.kind = CAPTURE_PUSH,
                                 .number = c->set,
                                 .step = c->step,
                                 .blob = BLOB_FIRST + p->blobs,
                                 .blob_bytes = answer->length});
}

void pushed_write(nns_run *run, pushes *p) {
    const copy *c;
    while ((c = copies_next(&p->answers))) {
        if (c->kind == COPY_PUSH_BEGIN) begin(&p->answer, c);
        if (c->kind == COPY_PUSH_VALUE) add(&network_of(run)->registry, &p->answer, c);
        if (c->kind == COPY_PUSH_END) end(run, p, c);
        copies_done(&p->answers, c);
    }
}
