// Unit push.c pushes samples through the network: the program's call runs at the safe point, what it hands over goes on through
// a ring.
//
// Place on the path: PUSH records (helper) become jobs; capture.c calls pushes_run at the safe point, also while paused. What a
// person asked for goes back to the helper, which makes a CAPTURE of it (pushed.c); what a pin asked for, to the worker
// (answer.c). What cannot be pushed is answered by the helper at once.
//
// Invariants:
//   1. Only the helper makes and frees jobs; jobs[i % PUSHES_MAX] of a queue for i in freed..tail.
//   2. The program's calls run on the training thread, inside nns_step, nowhere else.
//   3. An answer stands in one piece in the ring: BEGIN, values, END. There is room for all of it, or the job waits, until
//      the helper has made a larger ring if need be. END has its place whatever the program hands over.
#include "push.h"

#include "base/clock.h"
#include "base/le.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WORD_BYTES_MAX 64u
#define ENTRY_BYTES (sizeof(copy) + 64) // beside the values, with what aligns it

// --- what the program declares -------------------------------------------------------------------

static int64_t count_inputs(const nns_push_info *info) {
    int64_t n = 1;
    if (info->dims < 1 || info->dims > 4) return 0;
    for (int i = 0; i < info->dims; i++) {
        if (info->shape[i] < 1 || n > PUSH_VALUES_MAX / info->shape[i]) return 0;
        n *= info->shape[i];
    }
    return n;
}

static bool copy_words(pushes *p, const nns_push_info *info) {
    buf words = {0};
    for (int i = 0; i < info->classes; i++) {
        const char *word = info->words ? info->words[i] : NULL;
        if (word)
            buf_add(&words, word, strnlen(word, WORD_BYTES_MAX));
        else
            buf_int(&words, i);
        buf_char(&words, 0);
    }
    p->words = (char *)words.data; // owned
    return !words.failed;
}

static bool good_info(nns_run *run, const nns_push_info *info) {
    if (count_inputs(info) == 0)
        trouble(run, "push shape", NULL,
                "nns_on_push: the input has 1 to 4 dimensions, 1 to 100000 values.");
    else if (info->classes < 1 || info->classes > PUSH_CLASSES_MAX)
        trouble(run, "push classes", NULL, "nns_on_push: 1 to 4096 classes.");
    else
        return true;
    return false;
}

static bool same_info(const pushes *p, const nns_push_info *info) {
    if (p->dims != info->dims || p->classes != (uint32_t)info->classes) return false;
    return !memcmp(p->shape, info->shape, (size_t)p->dims * sizeof *p->shape);
}

void nns_on_push(nns_run *run, nns_push_call call, void *context, const nns_push_info *info) {
    network *n = info && call ? network_make(run) : NULL;
    if (!n || !good_info(run, info)) return;
    pushes *p = n->pushes;
    bool again = atomic_load(&p->declared);
    if (again && !same_info(p, info)) {
        trouble(run, "push declared twice", NULL,
                "nns_on_push: another shape or number of classes than before: the first holds.");
        return;
    }
    p->call = call;
    p->context = context;
    p->sample_call = info->sample;
    atomic_store(&p->samples, info->sample && info->samples > 0 ? info->samples : 0);
    if (again) return;
    p->dims = info->dims;
    memcpy(p->shape, info->shape, (size_t)info->dims * sizeof *p->shape);
    p->inputs = (uint32_t)count_inputs(info);
    p->classes = (uint32_t)info->classes;
    if (copy_words(p, info)) atomic_store_explicit(&p->declared, true, memory_order_release);
}

bool push_describe(nns_run *run, buf *json) {
    const pushes *p = network_of(run)->pushes;
    const char *word = p->words;
    buf_text(json, "{\"shape\":[");
    for (int i = 0; i < p->dims; i++)
        buf_print(json, i ? ",%lld" : "%lld", (long long)p->shape[i]);
    buf_text(json, "],\"classes\":[");
    for (uint32_t i = 0; i < p->classes; i++, word += strlen(word) + 1) {
        if (i) buf_char(json, ',');
        buf_json(json, word, strlen(word));
    }
    buf_print(json, "],\"samples\":%lld}", (long long)atomic_load(&p->samples));
    return !json->failed;
}

// --- trainer -------------------------------------------------------------------------------------

// Lives on the trainer's stack while the program's call runs.
struct nns_push {
    nns_run *run;
    copies *copies;
    uint64_t number;
    int64_t step, time_ns;
    bool failed, answered;
};

// NULL: no room. END has its own beside it.
static copy *room_for(nns_push *push, const float *values, size_t count) {
    size_t bytes = count * sizeof *values;
    if (!values || !count || bytes > COPY_SLICE_BYTES_MAX) return NULL;
    bool fits = copies_free_bytes(push->copies) >= bytes + 2 * ENTRY_BYTES;
    return fits ? copies_room(push->copies, bytes) : NULL;
}

static void hand_over(nns_push *push, uint32_t what, nns_layer handle, const float *values,
                      size_t count) {
    copy *entry = room_for(push, values, count);
    if (!entry) {
        push->failed = true;
        return;
    }
    entry->kind = COPY_PUSH_VALUE;
    entry->set = push->number;
    entry->step = entry->last_step = push->step;
    entry->time_ns = push->time_ns;
    entry->what = what;
    entry->layer = handle;
    entry->count = entry->elements = count;
    entry->dtype = NNS_FLOAT32;
    memcpy(entry + 1, values, count * sizeof *values);
    copies_put(push->copies, entry);
}

void nns_push_activation(nns_push *push, nns_layer handle, const float *values, size_t count) {
    layer *l = push ? registry_layer(&network_of(push->run)->registry, handle) : NULL;
    if (!l) return;
    if (count == (size_t)l->elements)
        hand_over(push, PUSHED_VALUE, handle, values, count);
    else
        trouble(push->run, "push activation", l->name,
                "nns_push_activation: not as many values as the layer has for one sample.");
}

void nns_push_output(nns_push *push, const float *values, size_t count) {
    if (!push) return;
    if (count == network_of(push->run)->pushes->classes) {
        hand_over(push, PUSHED_OUTPUT, 0, values, count);
        push->answered = true;
    } else
        trouble(push->run, "push output", NULL,
                "nns_push_output: not as many values as nns_on_push named classes.");
}

static void border(nns_push *push, uint32_t kind, const push_job *job, int truth) {
    copy *entry = copies_room(push->copies, 0);
    if (!entry) return;
    entry->kind = kind;
    entry->set = push->number;
    entry->step = entry->last_step = push->step;
    entry->time_ns = push->time_ns;
    entry->why = WANT_BIT(WANT_PUSH);
    entry->wall_ms = clock_wall_ms();
    entry->truth = truth;
    entry->sample = job->sample;
    if (push->failed) entry->flags = COPY_FAILED;
    copies_put(push->copies, entry);
}

static void run_job(nns_run *run, pushes *p, push_job *job, copies *into, const capture_moment *m) {
    nns_push push = {
        .run = run, .copies = into, .number = job->number, .step = m->step, .time_ns = m->time_ns};
    int truth = -1;
    bool good = true;
    if (job->sample >= 0)
        good = job->sample < atomic_load(&p->samples) &&
               p->sample_call(p->context, job->sample, job->input, job->count, &truth);
    border(&push, COPY_PUSH_BEGIN, job, truth);
    if (good) hand_over(&push, PUSHED_INPUT, 0, job->input, job->count);
    good = good && p->call(p->context, &push, job->input, job->count);
    push.failed |= !good || !push.answered;
    border(&push, COPY_PUSH_END, job, truth);
}

uint64_t push_answer_bytes(network *n) {
    uint32_t layers = atomic_load_explicit(&n->registry.layer_count, memory_order_acquire);
    const pushes *p = n->pushes;
    bool declared = atomic_load_explicit(&p->declared, memory_order_acquire);
    uint64_t floats = declared ? (uint64_t)p->inputs + p->classes : 0;
    for (uint32_t i = 0; i < layers; i++)
        floats += (uint64_t)n->registry.layers[i]->elements;
    return floats * sizeof(float) + (layers + 4) * ENTRY_BYTES;
}

// Of the largest ring an answer gets what there is.
static bool has_room(copies *into, uint64_t need) {
    uint64_t capacity = copies_capacity(into), most = capacity / 4 * 3;
    if (need > most && capacity == COPIES_BYTES_MAX) need = most;
    return copies_free_bytes(into) >= need;
}

// False: there is no room for the next one now.
static bool run_queue(nns_run *run, push_queue *q, copies *into, const capture_moment *m,
                      bool afforded) {
    network *n = network_of(run);
    uint64_t need = push_answer_bytes(n);
    while (atomic_load_explicit(&q->tail, memory_order_acquire) != q->head) {
        push_job *job = q->jobs[q->head % PUSHES_MAX];
        if (!has_room(into, need)) return false;
        q->head++;
        if (afforded || job->asked)
            run_job(run, n->pushes, job, into, m);
        else
            atomic_fetch_add_explicit(&n->plan.thinned, 1, memory_order_relaxed);
        atomic_store_explicit(&job->done, true, memory_order_release);
    }
    return true;
}

void pushes_run(nns_run *run, const capture_moment *m, bool pins) {
    network *n = network_of(run);
    pushes *p = n->pushes;
    atomic_fetch_and(&run->wanted, ~WANT_BIT(WANT_PUSH));
    copies_move(&p->answers);
    bool all = run_queue(run, &p->asked, &p->answers, m, true);
    all &= run_queue(run, &p->pinned, &n->copies, m, pins);
    if (!all) atomic_fetch_or(&run->wanted, WANT_BIT(WANT_PUSH));
}

// --- helper --------------------------------------------------------------------------------------

push_job *push_job_new(const pushes *p, uint64_t number, int64_t sample, const void *values) {
    push_job *job = mem_new(sizeof *job + p->inputs * sizeof *job->input);
    if (!job) return NULL;
    job->number = number;
    job->sample = sample;
    job->count = p->inputs;
    job->asked = !(number & PUSH_PIN_BIT);
    if (values) memcpy(job->input, values, p->inputs * sizeof *job->input);
    return job;
}

bool push_send(nns_run *run, push_queue *q, push_job *job) {
    uint32_t tail = atomic_load(&q->tail);
    if (!job || tail - q->freed >= PUSHES_MAX) {
        mem_free(job);
        return false;
    }
    q->jobs[tail % PUSHES_MAX] = job;
    atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
    atomic_fetch_or(&run->wanted, WANT_BIT(WANT_PUSH));
    if (atomic_load(&run->holds)) command_wake(&run->commands);
    return true;
}

static bool all_finite(const uint8_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!isfinite(le_f32(values + 4 * (size_t)i))) return false;
    return true;
}

const char *push_check(const pushes *p, int64_t sample, uint32_t count, const uint8_t *values,
                       char why[128]) {
    int64_t samples = atomic_load(&p->samples);
    if (!atomic_load_explicit(&p->declared, memory_order_acquire))
        return "the program takes no samples (nns_on_push)";
    if (sample >= 0 && samples == 0) return "the program has no samples of its own";
    if (sample >= samples && sample >= 0) {
        snprintf(why, 128, "the program has %lld samples, counted from 0", (long long)samples);
        return why;
    }
    if (sample < 0 && count != p->inputs) {
        snprintf(why, 128, "the network takes %u values, not %u", p->inputs, count);
        return why;
    }
    return sample < 0 && !all_finite(values, count) ? "the values must be finite numbers" : NULL;
}

void push_receive(nns_run *run, const void *received) {
    const uint8_t *at = received;
    network *n = network_of(run);
    uint64_t number = le_u64(at + 8);
    int64_t sample = le_i64(at + 16);
    char why[128];
    const char *error = n ? push_check(n->pushes, sample, le_u32(at + 24), at + 32, why)
                          : "the program takes no samples (nns_on_push)";
    if (!error && (!number || (number & PUSH_PIN_BIT))) error = "the number makes no sense";
    if (!error && copies_tend(&n->pushes->answers, push_answer_bytes(n))) error = "out of memory";
    if (!error && !push_send(run, &n->pushes->asked,
                             push_job_new(n->pushes, number, sample, sample < 0 ? at + 32 : NULL)))
        error = "too many samples wait for the program";
    if (!error) return;
    uint64_t serial = atomic_load(&run->serial);
    pushed_refuse(run, number, atomic_load(&run->stamps[serial & 1].step), error);
}

static void forget_job(pushes *p, const push_job *job) {
    for (uint32_t i = 0; i < atomic_load(&p->pins_made); i++)
        if (p->pins[i]->job == job) p->pins[i]->job = NULL;
}

static void free_done(pushes *p, push_queue *q) {
    uint32_t tail = atomic_load(&q->tail);
    while (q->freed != tail) {
        push_job *job = q->jobs[q->freed % PUSHES_MAX];
        if (!atomic_load_explicit(&job->done, memory_order_acquire)) return;
        forget_job(p, job);
        mem_free(job);
        q->freed++;
    }
}

// Behind free_done: of what is done all is there.
static void tend_answers(nns_run *run, pushes *p) {
    if (!atomic_load(&p->answers.made)) return;
    if (pushes_under_way(run)) copies_tend(&p->answers, push_answer_bytes(network_of(run)));
    pushed_write(run, p);
}

int64_t pushes_tend(nns_run *run, int64_t now_ns) {
    pushes *p = network_of(run)->pushes;
    free_done(p, &p->asked);
    free_done(p, &p->pinned);
    tend_answers(run, p);
    if (atomic_load(&p->pins_made) == 0) return NS_PER_S;
    if (now_ns >= p->pins_due_ns) {
        pins_push(run, p);
        p->pins_due_ns = now_ns + NS_PER_S;
    }
    return p->pins_due_ns - now_ns;
}

void pushes_finish(nns_run *run) {
    tend_answers(run, network_of(run)->pushes);
}

static bool waits(const push_queue *q) {
    return atomic_load(&q->tail) != q->freed;
}

bool pushes_under_way(nns_run *run) {
    const network *n = network_of(run);
    return n && (waits(&n->pushes->asked) || waits(&n->pushes->pinned));
}

static void free_queue(push_queue *q) {
    for (uint32_t i = q->freed; i != atomic_load(&q->tail); i++)
        mem_free(q->jobs[i % PUSHES_MAX]);
}

void pushes_fini(nns_run *run) {
    pushes *p = network_of(run)->pushes;
    if (!p) return;
    free_queue(&p->asked);
    free_queue(&p->pinned);
    for (uint32_t i = 0; i < atomic_load(&p->pins_made); i++)
        pin_free(p->pins[i]);
    copies_fini(&p->answers);
    buf_fini(&p->answer);
    mem_free(p->words);
    mem_free(p);
}
