// Unit pin.c keeps the samples that are pushed again and again: about once a second, as far as the budget lets; while the run
// holds, once at each step. The answers are ordinary series, pin/NAME/CLASS.
//
// Place on the path: the commands pin and unpin (command.c) make and end them, on the helper thread; pushes_tend pushes them as
// jobs with numbers of their own; the worker writes the series. A pin's memory stays until nns_close: the worker may read it.
#include "push.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const command_value *value_named(const command *c, const char *name) {
    for (uint16_t i = 0; i < c->count; i++)
        if (c->values[i].name_bytes == strlen(name) &&
            !memcmp(c->values[i].name, name, c->values[i].name_bytes))
            return &c->values[i];
    return NULL;
}

static const command_value *name_given(const command *c) {
    const command_value *v = value_named(c, "name");
    bool good = v && v->is_text && v->text_bytes <= PIN_NAME_BYTES_MAX &&
                series_name_valid(v->text, v->text_bytes);
    return good ? v : NULL;
}

void pin_free(pin *p) {
    if (!p) return;
    mem_free(p->input);
    mem_free(p->series);
    mem_free(p);
}

// pin/NAME/CLASS. A class word that makes no series' name is replaced by its number.
static bool name_series(nns_run *run, const pushes *all, pin *p) {
    const char *word = all->words;
    char name[SERIES_NAME_MAX + 1];
    p->series = mem_array(all->classes, sizeof *p->series);
    for (uint32_t i = 0; p->series && i < all->classes; i++, word += strlen(word) + 1) {
        snprintf(name, sizeof name, "%spin/%s/%s", run->prefix, p->name, word);
        p->series[i] = series_get(run, name, SERIES_SCALAR, NULL, NNS_NEITHER);
        if (p->series[i]) continue;
        snprintf(name, sizeof name, "%spin/%s/%u", run->prefix, p->name, i);
        p->series[i] = series_get(run, name, SERIES_SCALAR, NULL, NNS_NEITHER);
    }
    return p->series;
}

static pin *pin_new(const pushes *all, const command_value *name, int64_t sample,
                    const command_value *input) {
    pin *p = mem_new(sizeof *p);
    if (!p) return NULL;
    memcpy(p->name, name->text, name->text_bytes);
    p->sample = sample;
    p->held_step = INT64_MIN;
    if (sample >= 0) return p;
    p->input = mem_array(all->inputs, sizeof *p->input);
    if (p->input) {
        memcpy(p->input, input->text, all->inputs * sizeof *p->input);
        return p;
    }
    pin_free(p);
    return NULL;
}

static uint32_t pins_on(const pushes *all) {
    uint32_t on = 0;
    for (uint32_t i = 0; i < atomic_load(&all->pins_made); i++)
        on += atomic_load(&all->pins[i]->on);
    return on;
}

const char *pin_check(nns_run *run, const command *c, pin **made) {
    static _Thread_local char why[128];
    network *n = network_of(run);
    const command_value *name = name_given(c), *input = value_named(c, "input"),
                        *sample = value_named(c, "sample");
    bool by_number = sample && !sample->is_text && !sample->is_floats;
    bool by_values = input && input->is_floats;
    if (!n) return "the program takes no samples (nns_on_push)";
    if (!name) return "a pin needs a name of 1 to 100 bytes";
    if (by_number == by_values) return "a pin needs input (a list of numbers) or sample (a number)";
    if (by_number &&
        !(sample->number >= 0 && sample->number < 9e15 && sample->number == floor(sample->number)))
        return "sample must be a whole number, from 0";
    int64_t index = by_number ? (int64_t)sample->number : -1;
    const char *error =
        push_check(n->pushes, index, by_values ? (uint32_t)(input->text_bytes / 4) : 0,
                   by_values ? (const uint8_t *)input->text : NULL, why);
    if (error) return error;
    if (pins_on(n->pushes) >= PINS_MAX || atomic_load(&n->pushes->pins_made) >= PINS_EVER)
        return "too many pins: unpin some";
    *made = pin_new(n->pushes, name, index, input);
    return *made ? NULL : "out of memory";
}

static pin *pin_find(const pushes *all, const char *name, size_t bytes) {
    for (uint32_t i = 0; i < atomic_load(&all->pins_made); i++) {
        pin *p = all->pins[i];
        if (atomic_load(&p->on) && strlen(p->name) == bytes && !memcmp(p->name, name, bytes))
            return p;
    }
    return NULL;
}

const char *unpin_check(nns_run *run, const command *c, pin **found) {
    network *n = network_of(run);
    const command_value *name = name_given(c);
    *found = n && name ? pin_find(n->pushes, name->text, name->text_bytes) : NULL;
    return *found ? NULL : "no sample of this name is pinned";
}

void pin_apply(nns_run *run, pin *p) {
    pushes *all = network_of(run)->pushes;
    uint32_t made = atomic_load(&all->pins_made);
    pin *before = pin_find(all, p->name, strlen(p->name));
    if (before) atomic_store(&before->on, false);
    if (made == PINS_EVER || !name_series(run, all, p)) {
        pin_free(p);
        return;
    }
    atomic_store(&p->on, true);
    all->pins[made] = p;
    all->pins_due_ns = 0;
    atomic_store_explicit(&all->pins_made, made + 1, memory_order_release);
}

void pin_drop(pin *p) {
    atomic_store(&p->on, false);
}

const nns_series *pin_series(nns_run *run, uint64_t number, uint32_t *classes) {
    network *n = network_of(run);
    uint64_t index = number & ~PUSH_PIN_BIT;
    if (!(number & PUSH_PIN_BIT) || index >= atomic_load(&n->pushes->pins_made)) return NULL;
    const pin *p = n->pushes->pins[index];
    *classes = n->pushes->classes;
    return atomic_load(&p->on) ? p->series : NULL;
}

static bool push_pin(nns_run *run, pushes *p, uint32_t index) {
    pin *one = p->pins[index];
    push_job *job = push_job_new(p, PUSH_PIN_BIT | index, one->sample, one->input);
    if (job) job->asked = !one->pushed; // who pinned it waits for the first answer
    if (!push_send(run, &p->pinned, job)) return false;
    one->job = job;
    return one->pushed = true;
}

// While the run holds the answer stays the same: once is enough.
void pins_push(nns_run *run, pushes *p) {
    bool holds = atomic_load(&run->holds);
    int64_t step = atomic_load(&run->stamps[atomic_load(&run->serial) & 1].step);
    for (uint32_t i = 0; i < atomic_load(&p->pins_made); i++) {
        pin *one = p->pins[i];
        if (!atomic_load(&one->on) || one->job || (holds && one->held_step == step)) continue;
        if (push_pin(run, p, i) && holds) one->held_step = step;
    }
}
