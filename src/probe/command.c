// Unit command.c takes commands from the inbox, checks them against the declared parameters and hands them,
// in order, to the safe point; it also takes the answers back.
//
// Place on the path: helper.c reads the inbox and calls command_receive; step.c asks commands_pending at
// every step (one atomic load) and takes orders with command_next; commands_tend frees what is done.
//
//     inbox --command_receive--> order --queue--> trainer: command_next ... done --commands_tend--> freed
//                  | not valid
//                  '--> REPLY refused, from the helper's lane
//
// Invariants:
//   1. Only the helper makes and frees orders; between queueing and `done` an order is the trainer's.
//   2. queue[i % COMMANDS_MAX] for i in freed..tail; the trainer has taken those below head <= tail.
//   3. An order holds all memory that the trainer needs for its answer (`said`): it never allocates.
#include "command.h"

#include "lanes.h"
#include "push.h"

#include "base/mem.h"

#include <linux/futex.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void commands_init(commands *c, order **memory) {
    *c = (commands){.waiting_step = INT64_MAX, .queue = memory, .waiting = memory + COMMANDS_MAX};
}

static void order_free(order *o) {
    if (!o) return;
    if (o->verb == COMMAND_PIN) pin_free(o->pin);
    mem_free(o->values);
    buf_fini(&o->texts);
    buf_fini(&o->json);
    buf_fini(&o->said);
    mem_free(o);
}

void commands_fini(commands *c) {
    for (uint32_t i = c->freed; i != atomic_load(&c->tail); i++)
        order_free(c->queue[i % COMMANDS_MAX]);
    commands_init(c, c->queue);
}

void command_wake(commands *c) {
    atomic_fetch_add(&c->bell, 1);
    syscall(SYS_futex, &c->bell, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

// --- answers -----------------------------------------------------------------------------------

static bool reply(nns_run *run, uint32_t state, uint64_t number, int64_t step, const buf *json) {
    size_t bytes = lanes_padded(32 + json->length);
    uint8_t *at = json->failed ? NULL : lanes_try(run, bytes, atomic_load(&run->serial) > 0);
    if (!at) return false;
    lanes_head(at, RECORD_REPLY, bytes, state);
    le_put_u64(at + 8, number);
    le_put_i64(at + 16, step);
    le_put_u32(at + 24, (uint32_t)json->length);
    le_put_u32(at + 28, 0);
    memcpy(at + 32, json->data, json->length);
    lanes_end(at);
    return true;
}

bool command_answer(nns_run *run, const order *o) {
    return reply(run, REPLY_APPLIED, o->number, o->applied_step, &o->said);
}

static int64_t step_now(nns_run *run) {
    return atomic_load(&run->stamps[atomic_load(&run->serial) & 1].step);
}

// Why a value or a command is refused. `param` may be NULL.
typedef struct refusal {
    const char *code;
    const char *message;
    const param *param;
} refusal;

static void refuse(nns_run *run, uint64_t number, const refusal *r) {
    buf json = {0};
    buf_print(&json, "{\"code\":\"%s\",\"message\":", r->code);
    buf_json(&json, r->message, strlen(r->message));
    if (r->param) {
        buf_text(&json, ",\"parameter\":");
        buf_json(&json, r->param->name, strlen(r->param->name));
        if (r->param->flags & PARAM_BOUNDED) {
            buf_text(&json, ",\"min\":");
            buf_number(&json, r->param->min);
            buf_text(&json, ",\"max\":");
            buf_number(&json, r->param->max);
        }
    }
    buf_char(&json, '}');
    reply(run, REPLY_REFUSED, number, step_now(run), &json);
    buf_fini(&json);
}

// --- checks ------------------------------------------------------------------------------------

static const refusal fine = {0};

static refusal no(const char *code, const char *message, const param *p) {
    return (refusal){code, message, p};
}

static refusal check_bounds(const param *p, double v) {
    if (!isfinite(v)) return no("wrong_type", "the value must be a finite number", p);
    if ((p->flags & PARAM_BOUNDED) && !(v >= p->min && v <= p->max))
        return no("out_of_bounds", "the value is outside the bounds of the parameter", p);
    if (p->stored == STORED_F32 && !isfinite((float)v))
        return no("out_of_bounds", "the value is too large for this parameter", p);
    return fine;
}

static refusal check_int(const param *p, double v) {
    if (!isfinite(v) || v != trunc(v))
        return no("wrong_type", "the value must be a whole number", p);
    if (fabs(v) > 9007199254740992.0)
        return no("out_of_bounds", "the value is too large for a whole number", p);
    return check_bounds(p, v);
}

static bool is_word(const command_value *v, const char *word) {
    return v->text_bytes == strlen(word) && !memcmp(v->text, word, v->text_bytes);
}

static refusal check_bool(const param *p, const command_value *v, assignment *a) {
    if (v->is_text && (is_word(v, "true") || is_word(v, "false")))
        a->number = is_word(v, "true");
    else if (v->is_text || (v->number != 0 && v->number != 1))
        return no("wrong_type", "the value must be true or false", p);
    return fine;
}

static refusal check_choice(const param *p, const command_value *v, assignment *a) {
    uint32_t index = UINT32_MAX;
    if (v->is_text)
        index = param_word(p, v->text, v->text_bytes);
    else if (v->number == trunc(v->number) && v->number >= 0 && v->number < p->choice_count)
        index = (uint32_t)v->number;
    if (index == UINT32_MAX) return no("out_of_bounds", "the value is not one of the choices", p);
    a->number = index;
    return fine;
}

static refusal check_text(const param *p, const command_value *v) {
    if (!v->is_text) return no("wrong_type", "the value must be a text", p);
    if (v->text_bytes > PARAM_TEXT_BYTES) return no("out_of_bounds", "the text is too long", p);
    if (memchr(v->text, 0, v->text_bytes)) return no("wrong_type", "the text has a zero byte", p);
    return fine;
}

static refusal check_value(const param *p, const command_value *v, assignment *a) {
    if (p->flags & PARAM_READ_ONLY)
        return no("read_only", "the program shows this parameter only", p);
    if (v->is_floats) return no("wrong_type", "the value must not be a list of numbers", p);
    a->number = v->number;
    if (p->type == PARAM_TEXT_TYPE) return check_text(p, v);
    if (p->type == PARAM_BOOL) return check_bool(p, v, a);
    if (p->type == PARAM_CHOICE) return check_choice(p, v, a);
    if (v->is_text) return no("wrong_type", "the value must be a number", p);
    return p->type == PARAM_INT ? check_int(p, v->number) : check_bounds(p, v->number);
}

static refusal check_set(nns_run *run, const command *c, order *o) {
    if (c->count == 0) return no("invalid", "the command names no parameter", NULL);
    for (uint16_t i = 0; i < c->count; i++) {
        const command_value *v = &c->values[i];
        assignment *a = &o->values[i];
        a->param = param_find(&run->params, v->name, v->name_bytes);
        if (!a->param)
            return no("unknown_parameter", "the run has no parameter of this name", NULL);
        refusal r = check_value(a->param, v, a);
        if (r.code) return r;
    }
    return fine;
}

// Is there a network to look at, and (prune) a call that says what it would be worth?
static refusal check_network(nns_run *run, uint32_t verb) {
    network *n = network_of(run);
    if (!n || !n->digesting) return no("invalid", "the program shows nothing of a network", NULL);
    if (verb == COMMAND_PRUNE && !atomic_load(&n->evaluate))
        return no("invalid", "the program cannot evaluate other weights (nns_on_evaluate)", NULL);
    network_prepare(run, verb == COMMAND_KEEP ? WANT_KEEP : WANT_PRUNE);
    return fine;
}

static refusal check_pin(nns_run *run, const command *c, order *o) {
    const char *error =
        c->verb == COMMAND_PIN ? pin_check(run, c, &o->pin) : unpin_check(run, c, &o->pin);
    return error ? no("invalid", error, NULL) : fine;
}

static refusal check(nns_run *run, const command *c, order *o) {
    switch (c->verb) {
    case COMMAND_SET:
        return check_set(run, c, o);
    case COMMAND_STEP:
        if (c->argument < 1) return no("invalid", "the number of steps must be at least 1", NULL);
        return fine;
    case COMMAND_KEEP:
    case COMMAND_PRUNE:
        return check_network(run, c->verb);
    case COMMAND_PIN:
    case COMMAND_UNPIN:
        return check_pin(run, c, o);
    case COMMAND_PAUSE:
    case COMMAND_RESUME:
    case COMMAND_STOP:
        return fine;
    default:
        return no("invalid", "this version of the library does not know the command", NULL);
    }
}

// --- orders ------------------------------------------------------------------------------------

// Texts and "to" values are copied out of the inbox; then everything that the answer may need is
// allocated and touched.
static bool order_copy(order *o, const command *c) {
    size_t said = 64;
    for (uint16_t i = 0; i < o->count; i++) {
        assignment *a = &o->values[i];
        bool text = a->param->stored == STORED_TEXT;
        a->json_at = o->json.length;
        if (text) {
            a->text_at = o->texts.length;
            a->text_bytes = c->values[i].text_bytes;
            buf_add(&o->texts, c->values[i].text, a->text_bytes);
            buf_json(&o->json, c->values[i].text, a->text_bytes);
        } else {
            double stored = a->param->stored == STORED_F32 ? (double)(float)a->number : a->number;
            param_json(a->param, stored, &o->json);
        }
        a->json_bytes = o->json.length - a->json_at;
        said +=
            a->json_bytes + 6 * strlen(a->param->name) + (text ? 6 * PARAM_TEXT_BYTES : 1600) + 32;
    }
    uint8_t *at = buf_room(&o->said, said);
    if (at) memset(at, 0, said);
    return at && !o->json.failed && !o->texts.failed;
}

static order *order_new(const command *c) {
    order *o = mem_new(sizeof *o);
    if (!o) return NULL;
    o->verb = c->verb;
    o->number = c->number;
    o->argument = c->argument;
    o->at_step = c->at_step;
    o->count = c->verb == COMMAND_SET ? c->count : 0;
    o->values = mem_array(c->count + 1u, sizeof *o->values);
    if (o->values) return o;
    order_free(o);
    return NULL;
}

static bool queue_full(const commands *c) {
    return atomic_load(&c->tail) - c->freed >= COMMANDS_MAX;
}

static void hand_over(nns_run *run, order *o) {
    commands *c = &run->commands;
    uint32_t tail = atomic_load(&c->tail);
    c->queue[tail % COMMANDS_MAX] = o;
    atomic_store_explicit(&c->tail, tail + 1, memory_order_release);
    command_wake(c);
}

void command_receive(nns_run *run, const void *at) {
    command c;
    command_value values[COMMAND_VALUES_MAX];
    if (command_decode(at, &c, values)) return;
    order *o = order_new(&c);
    refusal r = o ? check(run, &c, o) : no("busy", "out of memory", NULL);
    if (!r.code && queue_full(&run->commands))
        r = no("busy", "too many commands wait for the program", NULL);
    if (!r.code && !order_copy(o, &c)) r = no("busy", "out of memory", NULL);
    if (!r.code) {
        hand_over(run, o);
        return;
    }
    refuse(run, c.number, &r);
    order_free(o);
}

// Pins are the helper's: they begin and end once the command was applied.
static void take_pin(nns_run *run, order *o) {
    if (o->verb == COMMAND_PIN) pin_apply(run, o->pin);
    if (o->verb == COMMAND_UNPIN) pin_drop(o->pin);
    o->pin = NULL;
}

bool commands_tend(nns_run *run) {
    commands *c = &run->commands;
    uint32_t tail = atomic_load(&c->tail);
    bool under_way = false;
    for (uint32_t i = c->freed; i != tail; i++) {
        order *o = c->queue[i % COMMANDS_MAX];
        if (o && !atomic_load_explicit(&o->done, memory_order_acquire)) {
            under_way |= o->at_step <= step_now(run);
        } else if (o && (!o->unsent || command_answer(run, o))) {
            take_pin(run, o);
            order_free(o);
            c->queue[i % COMMANDS_MAX] = NULL;
        }
    }
    while (c->freed != tail && !c->queue[c->freed % COMMANDS_MAX])
        c->freed++;
    return under_way;
}

// --- trainer -----------------------------------------------------------------------------------

static void lowest(commands *c) {
    c->waiting_step = INT64_MAX;
    for (uint32_t i = 0; i < c->waiting_count; i++)
        if (c->waiting[i]->at_step < c->waiting_step) c->waiting_step = c->waiting[i]->at_step;
}

static order *take_waiting(commands *c, int64_t step) {
    for (uint32_t i = 0; i < c->waiting_count; i++) {
        order *o = c->waiting[i];
        if (o->at_step > step) continue;
        c->waiting_count--;
        memmove(&c->waiting[i], &c->waiting[i + 1], (c->waiting_count - i) * sizeof o);
        lowest(c);
        return o;
    }
    return NULL;
}

order *command_next(commands *c, int64_t step) {
    if (c->waiting_step <= step) return take_waiting(c, step);
    while (atomic_load_explicit(&c->tail, memory_order_acquire) != c->head) {
        order *o = c->queue[c->head++ % COMMANDS_MAX];
        if (o->at_step <= step) return o;
        c->waiting[c->waiting_count++] = o; // fits: no more than COMMANDS_MAX are on their way
        if (o->at_step < c->waiting_step) c->waiting_step = o->at_step;
    }
    return NULL;
}
