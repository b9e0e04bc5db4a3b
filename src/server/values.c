// Unit values.c answers with the numbers of tensors and of units. On workers; what is wanted of the present is asked of the
// program by a short look (look.c) first:
//
//     asked for now, alive --> look_wait --capture that has it--> worker: numbers of it
//                                  \--NOW_NS are over--> worker: newest snapshot
//     asked for a step, or over -----------------------> worker: nearest snapshot at or before
#include "inspect.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define NOW_NS (2 * NS_PER_S)

static bool fits(const inspect_job *k, const capture_section *s) {
    if (s->coding == CODING_PAIR || s->coding == CODING_TRIPLE || s->coding & CODING_PACKED)
        return false;
    if (k->units) return s->layer == k->number && s->quantity == k->quantity && !s->item;
    return s->tensor == k->number && s->quantity == k->quantity;
}

// What others look at may hold it too, coded or folded: not that, where the program gives it as it is.
static bool look_fits(const looking *l, const capture_section *s) {
    return fits((const inspect_job *)l->answer, s) &&
           (!l->ask.count || (s->coding == CODING_F32 && !s->full[0]));
}

static bool find(const inspect_job *k, recode_bytes in, capture_section *out) {
    for (size_t at = 0; capture_next(in.data, in.length, &at, out) == 0;)
        if (fits(k, out)) return true;
    return false;
}

static void shape_json(const uint32_t *shape, int dims, buf *out) {
    buf_char(out, '[');
    for (int i = 0; i < dims; i++)
        buf_print(out, "%s%u", i ? "," : "", shape[i]);
    buf_char(out, ']');
}

static const char *coding_word(int coding) {
    static const char *const words[] = {"", "f32", "i8", "u8", "u32", "", "", "f16"};
    return coding > 0 && coding < 8 ? words[coding] : "";
}

static void member(buf *out, const char *name, const char *text) {
    buf_print(out, ",\"%s\":", name);
    json_text(out, text);
}

// The program's own numbers: neither folded nor coded, nor of a kind that float32 cannot hold.
static bool is_exact(const capture_section *s, const char *dtype) {
    static const char *const narrower[] = {"float64", "int32", "int64"};
    for (size_t i = 0; dtype && i < sizeof narrower / sizeof *narrower; i++)
        if (!strcmp(dtype, narrower[i])) return false;
    return !s->full[0] &&
           (s->coding == CODING_F32 || s->coding == CODING_U32 || s->coding == CODING_U8);
}

static void put_json(const inspect_job *k, const json_t *meta, const capture_section *s,
                     int64_t step, bool snapshot, buf *out) {
    bool exact = is_exact(s, json_string_value(json_object_get(meta, "dtype")));
    buf_print(out, "{\"step\":%lld,\"snapshot\":%s", (long long)step, snapshot ? "true" : "false");
    if (k->units)
        member(out, "layer", k->layer);
    else
        member(out, "name", k->name);
    member(out, "quantity", capture_quantity_word(s->quantity));
    const char *const words[] = {"role", "dtype"};
    for (size_t i = 0; !k->units && i < 2; i++)
        member(out, words[i], json_string_value(json_object_get(meta, words[i])));
    buf_print(out, ",\"exact\":%s", exact ? "true" : "false");
    member(out, "coding", coding_word(s->coding));
    buf_text(out, ",\"shape\":");
    shape_json(s->shape, s->dims, out);
    buf_text(out, ",\"full\":");
    json_t *full = k->units ? NULL : json_object_get(meta, "shape");
    if (json_is_array(full))
        json_print(full, out);
    else
        shape_json(s->shape, s->dims, out);
    buf_print(out, ",\"folded\":%s,\"nonfinite\":%llu,\"values\":", s->full[0] ? "true" : "false",
              (unsigned long long)s->nonfinite);
    section_json(s, out);
    buf_char(out, '}');
}

static void put_csv(const capture_section *s, buf *out) {
    size_t columns = s->dims > 1 ? s->elements / (s->shape[0] ? s->shape[0] : 1) : 1;
    for (size_t i = 0; i < s->elements && !out->failed; i++) {
        json_float(out, section_value(s, i));
        buf_text(out, (i + 1) % columns ? "," : "\n");
    }
}

static void put_capture(const capture_section *s, const capture_head *head, buf *out) {
    capture_head h = *head;
    h.number = 0;
    size_t begin = capture_begin(out, &h);
    capture_add(out, s, s->data);
    capture_end(out, begin);
}

static bool put_values(inspect_job *k, const json_t *meta, recode_bytes in, bool snapshot) {
    capture_head head;
    capture_section s;
    core_reply *reply = &k->j.reply;
    if (!in.length || capture_open(in.data, in.length, &head) || !find(k, in, &s)) return false;
    if (k->form == CORE_JSON) put_json(k, meta, &s, head.step, snapshot, &reply->body);
    if (k->form == CORE_CSV) put_csv(&s, &reply->body);
    if (k->form == CORE_COLUMNS) put_capture(&s, &head, &reply->body);
    if (k->form == CORE_CSV) reply->type = "text/csv; charset=utf-8";
    if (k->form == CORE_COLUMNS) reply->type = "application/vnd.nnscope.capture";
    reply_json(reply, 200);
    return true;
}

static int quantity_of_role(const char *role) {
    static const struct {
        const char *role;
        int quantity;
    } roles[] = {{"weight", QUANTITY_WEIGHT},
                 {"weight_grad", QUANTITY_WEIGHT_GRADIENT},
                 {"update", QUANTITY_UPDATE},
                 {"bias", QUANTITY_BIAS},
                 {"bias_grad", QUANTITY_BIAS_GRADIENT}};
    for (size_t i = 0; role && i < sizeof roles / sizeof *roles; i++)
        if (strcmp(role, roles[i].role) == 0) return roles[i].quantity;
    return QUANTITY_TENSOR;
}

static uint32_t what_of(int quantity) {
    if (quantity == QUANTITY_WEIGHT || quantity == QUANTITY_BIAS)
        return LOOK_WEIGHTS | LOOK_MATRICES;
    if (quantity == QUANTITY_WEIGHT_GRADIENT || quantity == QUANTITY_BIAS_GRADIENT)
        return LOOK_GRADIENTS | LOOK_MATRICES;
    if (quantity == QUANTITY_UPDATE) return LOOK_UPDATES | LOOK_MATRICES;
    if (quantity == QUANTITY_CLASS_MEAN) return LOOK_CLASSES;
    if (quantity == QUANTITY_WEIGHT_IN) return LOOK_WEIGHTS;
    return quantity < QUANTITY_WEIGHT ? LOOK_UNITS : LOOK_VALUES;
}

// Which section is meant. NULL: the reply says why not.
static const json_t *resolve(inspect_job *k, const json_t *model) {
    const char *name = k->units ? k->layer : k->name;
    const json_t *item =
        model_named(json_object_get(model, k->units ? "layers" : "tensors"), name, &k->number);
    if (!item) {
        reply_error(&k->j.reply, 404, k->units ? "unknown_layer" : "unknown_tensor",
                    "the run has no %s \"%.255s\"", k->units ? "layer" : "tensor", name);
        return NULL;
    }
    if (!k->units) k->quantity = quantity_of_role(json_string_value(json_object_get(item, "role")));
    return item;
}

static void work_values(core *c, job *j, store_reader *reader) {
    inspect_job *k = (inspect_job *)j;
    decoded *d = NULL;
    if (!k->now) core_settle(c);
    json_t *model = inspect_model(c, reader, k->run);
    const json_t *meta = resolve(k, model);
    recode_bytes now = k->now ? (recode_bytes){k->now->data, k->now->length} : (recode_bytes){0};
    if (meta && !put_values(k, meta, now, false)) {
        int result = snapshot_nearest(c, reader, k->run, k->step, &d);
        if (result)
            inspect_no_snapshot(&j->reply, result);
        else if (!put_values(k, meta, snapshot_bytes(d), true))
            reply_error(&j->reply, 404, "not_recorded",
                        "neither is that seen now, nor does the nearest snapshot hold it");
        snapshot_drop(c, d);
    }
    json_decref(model);
}

void look_answer(core *c, looking *l, frame *f) {
    inspect_job *k = (inspect_job *)l->answer;
    if (f) atomic_fetch_add(&f->uses, 1);
    k->now = f;
    job_submit(&c->workers, &k->j);
    mem_free(l);
}

static double elements_of(const json_t *tensor) {
    double n = 1;
    size_t i;
    json_t *extent;
    json_array_foreach(json_object_get(tensor, "shape"), i, extent)
        n *= json_number_value(extent);
    return n;
}

// Just this tensor, whole: none of the matrices that come with it else.
static void ask_exact(looking *l, uint32_t number) {
    l->ask.what &= ~(uint32_t)LOOK_MATRICES;
    l->ask.units[l->ask.count++][1] = number;
}

// Lock held. True: the program is asked first.
static bool ask_now(core *c, run *r, inspect_job *k) {
    uint32_t number = 0;
    const json_t *item = k->units ? model_layer(r->network, k->layer, &number)
                                  : model_tensor(r->network, k->name, &number);
    looking *l = item && r->loaded && run_speaker(r) ? mem_new(sizeof *l) : NULL;
    if (!l) return false;
    k->number = number;
    if (!k->units) k->quantity = quantity_of_role(json_string_value(json_object_get(item, "role")));
    l->ask = (look_ask){.what = what_of(k->quantity), .units_hz10 = 100, .links_hz10 = 100};
    if (k->units)
        l->ask.what &= ~(uint32_t)LOOK_MATRICES;
    else if (elements_of(item) <= LOOK_EXACT_ELEMENTS)
        ask_exact(l, number);
    l->fits = look_fits;
    l->answer = &k->j;
    l->deadline_ns = clock_mono_ns() + NOW_NS;
    look_wait(c, r, l);
    return true;
}

static int quantity_of(const char *word) {
    for (int q = 1; word && q < 64; q++)
        if (strcmp(capture_quantity_word(q), word) == 0) return q;
    return 0;
}

static bool read_wishes(inspect_job *k, const core_values *q) {
    k->step = q->step;
    k->form = q->form;
    k->units = !q->tensor;
    snprintf(k->name, sizeof k->name, "%s", q->tensor ? q->tensor : "");
    snprintf(k->layer, sizeof k->layer, "%s", q->layer ? q->layer : "");
    k->quantity = k->units ? quantity_of(q->quantity ? q->quantity : "activation") : 0;
    return !k->units || (k->quantity && k->quantity < QUANTITY_WEIGHT) ||
           k->quantity == QUANTITY_BIAS || k->quantity == QUANTITY_BIAS_GRADIENT;
}

void core_get_values(core *c, const core_values *q, core_done done, void *context) {
    inspect_job *k = inspect_new(c, q->run, work_values, done, context);
    if (!k) return;
    if (!read_wishes(k, q)) {
        reply_error(&k->j.reply, 422, "invalid",
                    "quantity is activation, gradient, marks, mean, active, class_mean, "
                    "selectivity, weight_in, bias or bias_gradient");
        job_answer(c, &k->j);
        return;
    }
    core_lock(c);
    run *r = registry_find(c, q->run);
    bool asked = r && q->step == INT64_MAX && ask_now(c, r, k);
    core_unlock(c);
    if (!asked) job_submit(&c->workers, &k->j);
}
