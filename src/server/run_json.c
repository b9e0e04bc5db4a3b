// Unit run_json.c writes run, parameter and series objects as the API shows them, and keeps in the row's
// `extra` what a run object needs beside the row's own columns. Calls with the lock.
//
//     extra: {"next_event", "next_command", "generation", "ordinals", "generation_step", "rewinds": [ms, ...],
//             "main": {"series", "last", "best", "direction", "spark", "stride", "sum", "have"}, "step_share", "helper_share", "failed_bytes",
//             "rewound", "stepped", "generation_attempt", "next_media", "processes": [...]}
#include "run.h"

#include "base/clock.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void key(buf *out, const char *name) {
    buf_print(out, ",\"%s\":", name);
}

static void number_or_null(buf *out, double v) {
    if (isnan(v))
        buf_text(out, "null");
    else
        buf_number(out, v);
}

static void float_or_null(buf *out, float v) {
    if (isnan(v))
        buf_text(out, "null");
    else
        json_float(out, v);
}

static void raw_or(buf *out, const char *json, const char *otherwise) {
    buf_text(out, json && *json ? json : otherwise);
}

// --- processes ----------------------------------------------------------------------------------

static const char *process_word(const process *p) {
    if (p->newer) return "newer";
    if (p->state == PROC_OVER)
        return p->crashed ? "crashed" : p->lost ? "lost" : p->status ? "failed" : "finished";
    if (p->paused) return "paused";
    return p->started || p->http ? "running" : "starting";
}

static void process_json(const process *p, buf *out) {
    buf_print(out, "{\"id\":\"%s\",\"rank\":%d,\"host\":", p->id.text, p->info.rank);
    if (p->http)
        buf_text(out, "null");
    else
        json_text(out, p->info.host);
    buf_print(out, ",\"pid\":%d,\"state\":\"%s\",\"salvageable\":%s}", p->info.pid, process_word(p),
              p->flags & BEAT_PRIVATE_LANES ? "false" : "true");
}

static void processes_json(const run *r, buf *out) {
    bool first = true;
    if (r->over_processes && *r->over_processes) {
        buf_text(out, r->over_processes);
        first = false;
    }
    for (size_t i = 0; i < r->process_count; i++) {
        if (!first) buf_char(out, ',');
        first = false;
        process_json(r->processes[i], out);
    }
}

// What processes leave in the run object when the run is forgotten.
void run_keep_processes(run *r) {
    buf all = {0};
    processes_json(r, &all);
    buf_char(&all, 0);
    if (!all.failed) run_set_text(&r->over_processes, (char *)all.data);
    buf_fini(&all);
}

// The processes of the past as text; those that live again are shown from memory instead.
static void load_processes(run *r, const json_t *list, const char *without) {
    buf out = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        const char *id = json_string_value(json_object_get(item, "id"));
        if (!id || strcmp(id, without) == 0 || process_find(r, id)) continue;
        char *text = json_printed(item);
        if (out.length) buf_char(&out, ',');
        if (text) buf_text(&out, text);
        mem_free(text);
    }
    buf_char(&out, 0);
    if (!out.failed) run_set_text(&r->over_processes, (char *)out.data);
    buf_fini(&out);
}

// A process of the past lives again: it is shown from memory.
void run_forget_past(run *r, const char *id) {
    if (!r->over_processes || !strstr(r->over_processes, id)) return;
    buf all = {0};
    buf_print(&all, "[%s]", r->over_processes);
    json_t *list = all.failed ? NULL : json_loadb((char *)all.data, all.length, 0, NULL);
    buf_fini(&all);
    load_processes(r, list, id);
    json_decref(list);
}

// --- main series --------------------------------------------------------------------------------

static const char *const direction_words[4] = {"", "lower", "higher", ""};

static void main_json(const run *r, buf *out, bool kept) {
    if (!r->main_name) {
        buf_text(out, "null");
        return;
    }
    buf_text(out, "{\"series\":");
    json_text(out, r->main_name);
    key(out, "last");
    number_or_null(out, r->main_last);
    key(out, "best");
    number_or_null(out, r->main_best);
    key(out, "direction");
    buf_print(out, "\"%s\"", direction_words[r->main_direction & 3]);
    key(out, "spark");
    buf_char(out, '[');
    uint32_t by = kept || r->spark_count <= 32 ? 1 : 2;
    for (uint32_t i = 0; i < r->spark_count; i += by) {
        double v =
            by == 2 && i + 1 < r->spark_count ? (r->spark[i] + r->spark[i + 1]) / 2 : r->spark[i];
        if (i) buf_char(out, ',');
        float_or_null(out, (float)v);
    }
    buf_char(out, ']');
    if (kept) {
        buf_print(out, ",\"stride\":%llu,\"have\":%u,\"sum\":", (unsigned long long)r->spark_stride,
                  r->spark_have);
        buf_number(out, r->spark_sum);
    }
    buf_char(out, '}');
}

// --- extra --------------------------------------------------------------------------------------

void run_extra(run *r) {
    if (!r->details_known) run_extra_load(r);
    buf out = {0};
    buf_print(&out,
              "{\"next_event\":%llu,\"next_command\":%llu,\"next_media\":%llu,\"generation\":%u,"
              "\"ordinals\":%u,\"generation_step\":%lld",
              (unsigned long long)r->next_event, (unsigned long long)r->next_command,
              (unsigned long long)r->next_media, r->generation, r->ordinals,
              (long long)r->generation_step);
    buf_print(&out,
              ",\"rewound\":%s,\"stepped\":%s,\"generation_attempt\":%u,\"failed_bytes\":%llu",
              r->generation_rewound ? "true" : "false", r->generation_stepped ? "true" : "false",
              r->generation_attempt, (unsigned long long)r->failed_bytes);
    key(&out, "rewinds");
    for (uint32_t i = 0; i < r->rewind_count; i++)
        buf_print(&out, "%c%lld", i ? ',' : '[', (long long)r->rewinds[i]);
    buf_text(&out, r->rewind_count ? "]" : "[]");
    key(&out, "main");
    main_json(r, &out, true);
    key(&out, "step_share");
    buf_number(&out, r->step_share);
    key(&out, "helper_share");
    buf_number(&out, r->helper_share);
    key(&out, "processes");
    buf_char(&out, '[');
    processes_json(r, &out);
    buf_text(&out, "]}");
    buf_char(&out, 0);
    if (!out.failed) run_set_text(&r->row.extra, (char *)out.data);
    buf_fini(&out);
}

static double number_in(const json_t *o, const char *name) {
    json_t *v = json_object_get(o, name);
    const char *word = json_string_value(v);
    if (word)
        return strcmp(word, "Infinity") == 0    ? INFINITY
               : strcmp(word, "-Infinity") == 0 ? -INFINITY
                                                : NAN;
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static void load_spark(run *r, const json_t *main) {
    json_t *spark = json_object_get(main, "spark");
    json_int_t stride = json_integer_value(json_object_get(main, "stride")),
               have = json_integer_value(json_object_get(main, "have"));
    for (size_t i = 0; i < json_array_size(spark) && i < SPARK - 1; i++)
        r->spark[r->spark_count++] = json_number_value(json_array_get(spark, i));
    r->spark_stride = stride > 0 ? (uint64_t)stride : 1;
    if (have <= 0 || have >= stride || have > UINT32_MAX) return;
    r->spark_have = (uint32_t)have;
    r->spark_sum = number_in(main, "sum");
}

static void load_main(run *r, const json_t *main) {
    const char *name = json_string_value(json_object_get(main, "series"));
    if (!name) return;
    run_set_text(&r->main_name, name);
    r->main_rank = main_rank_of(name);
    r->main_last = number_in(main, "last");
    r->main_best = number_in(main, "best");
    const char *direction = json_string_value(json_object_get(main, "direction"));
    for (int i = 1; direction && i < 3; i++)
        if (strcmp(direction, direction_words[i]) == 0) r->main_direction = (uint8_t)i;
    load_spark(r, main);
}

static uint64_t count_of(const json_t *o, const char *name, uint64_t least) {
    json_int_t v = json_integer_value(json_object_get(o, name));
    return v > 0 && (uint64_t)v > least ? (uint64_t)v : least;
}

void run_extra_load(run *r) {
    if (r->details_known) return;
    r->details_known = true;
    json_t *extra = r->row.extra ? json_loads(r->row.extra, 0, NULL) : NULL;
    if (!json_is_object(extra)) {
        json_decref(extra);
        return;
    }
    r->next_event = count_of(extra, "next_event", r->next_event);
    r->next_command = count_of(extra, "next_command", r->next_command);
    r->next_media = count_of(extra, "next_media", r->next_media);
    r->generation = (uint32_t)count_of(extra, "generation", r->generation);
    r->ordinals = (uint32_t)count_of(extra, "ordinals", r->ordinals);
    json_t *step = json_object_get(extra, "generation_step");
    if (step) r->generation_step = json_integer_value(step);
    r->generation_rewound = json_is_true(json_object_get(extra, "rewound"));
    r->generation_stepped = json_is_true(json_object_get(extra, "stepped"));
    r->generation_attempt = (uint32_t)count_of(extra, "generation_attempt", 0);
    r->failed_bytes = count_of(extra, "failed_bytes", 0);
    r->step_share = json_number_value(json_object_get(extra, "step_share"));
    r->helper_share = json_number_value(json_object_get(extra, "helper_share"));
    json_t *rewinds = json_object_get(extra, "rewinds");
    for (size_t i = 0; i < json_array_size(rewinds); i++)
        run_rewind_add(r, json_integer_value(json_array_get(rewinds, i)));
    load_main(r, json_object_get(extra, "main"));
    load_processes(r, json_object_get(extra, "processes"), "");
    json_decref(extra);
}

// --- the run object -----------------------------------------------------------------------------

static void eta_json(const run *r, buf *out) {
    if (r->row.total_steps > 0 && r->steps_per_s > 0 && !state_over(r->row.state))
        json_float(out,
                   (float)((double)(r->row.total_steps - r->row.last_step - 1) / r->steps_per_s));
    else
        buf_text(out, "null");
}

static void figures_json(const run *r, buf *out) {
    buf_print(out, ",\"attempt\":%lld,\"epoch\":", (long long)r->row.attempt);
    buf_number(out, r->row.epoch);
    buf_print(out, ",\"total_steps\":%lld", (long long)r->row.total_steps);
    key(out, "steps_per_s");
    json_float(out, (float)r->steps_per_s);
    key(out, "eta_s");
    eta_json(r, out);
    key(out, "step_share");
    buf_number(out, r->step_share);
    key(out, "helper_share");
    buf_number(out, r->helper_share);
    buf_print(out, ",\"dropped\":%llu,\"failed_bytes\":%llu", (unsigned long long)r->row.dropped,
              (unsigned long long)r->failed_bytes);
    if (state_over(r->row.state) && r->row.state != STATE_CRASHED && r->row.state != STATE_LOST)
        buf_print(out, ",\"exit\":%d", r->row.exit_status);
    else
        buf_text(out, ",\"exit\":null");
    key(out, "paused_s");
    buf_number(out, (double)r->row.paused_ms / 1000.0);
    buf_print(out, ",\"points\":%llu", (unsigned long long)r->row.points);
}

static void object(run *r, buf *out, bool whole) {
    if (!r->details_known) run_extra_load(r);
    buf_print(out, "{\"id\":\"%s\",\"name\":", r->row.key);
    json_text(out, r->row.name && *r->row.name ? r->row.name : r->row.key);
    key(out, "project");
    json_text(out, r->row.project && *r->row.project ? r->row.project : "default");
    key(out, "group");
    json_text(out, r->row.group);
    buf_print(out, ",\"state\":\"%s\",\"last_step\":%lld", state_word(r->row.state),
              (long long)r->row.last_step);
    key(out, "tags");
    raw_or(out, r->row.tags, "[]");
    key(out, "notes");
    json_text(out, r->row.notes ? r->row.notes : "");
    key(out, "created");
    json_time(out, r->row.created_ms);
    key(out, "started");
    json_time(out, r->row.started_ms);
    key(out, "ended");
    json_time(out, r->row.ended_ms);
    figures_json(r, out);
    key(out, "processes");
    buf_char(out, '[');
    processes_json(r, out);
    buf_char(out, ']');
    key(out, "main");
    main_json(r, out, false);
    if (r->needs) {
        key(out, "needs");
        json_text(out, r->needs);
    }
    if (whole) {
        key(out, "facts");
        raw_or(out, r->row.facts, "{}");
    }
    buf_char(out, '}');
}

void run_json(run *r, buf *out, bool whole) {
    if (whole) {
        object(r, out, true);
        return;
    }
    if (r->json_version != r->version || !r->json.length) { // rendered once, however many look
        buf_clear(&r->json);
        object(r, &r->json, false);
        r->json_version = r->version;
    }
    buf_add(out, r->json.data, r->json.length);
}

// --- parameters and series ----------------------------------------------------------------------

void param_value_json(const param *q, double value, const char *text, buf *out) {
    if (q->type == PARAM_BOOL)
        buf_text(out, value != 0 ? "true" : "false");
    else if (q->type == PARAM_CHOICE && value >= 0 && value < q->choice_count)
        json_text(out, q->choices[(uint32_t)value]);
    else if (q->type == PARAM_TEXT_TYPE)
        json_text(out, text ? text : "");
    else
        buf_number(out, value);
}

void param_json(const param *q, buf *out) {
    bool bounded = q->flags & PARAM_BOUNDED;
    buf_text(out, "{\"name\":");
    json_text(out, q->name);
    buf_print(out, ",\"type\":\"%s\",\"value\":", record_param_word(q->type));
    param_value_json(q, q->value, q->text, out);
    key(out, "min");
    number_or_null(out, bounded ? q->min : NAN);
    key(out, "max");
    number_or_null(out, bounded ? q->max : NAN);
    buf_print(out, ",\"log\":%s,\"read_only\":%s", q->flags & PARAM_LOG ? "true" : "false",
              q->flags & PARAM_READ_ONLY ? "true" : "false");
    key(out, "unit");
    json_text(out, q->unit);
    key(out, "description");
    json_text(out, q->description);
    key(out, "choices");
    buf_char(out, '[');
    for (uint32_t i = 0; i < q->choice_count; i++) {
        if (i) buf_char(out, ',');
        json_text(out, q->choices[i]);
    }
    buf_char(out, ']');
    key(out, "changed_step");
    if (q->changed_step < 0)
        buf_text(out, "null");
    else
        buf_int(out, q->changed_step);
    key(out, "changed_by");
    json_text(out, q->changed_by);
    buf_char(out, '}');
}

void series_json(const store_series_info *info, buf *out) {
    buf_text(out, "{\"name\":");
    json_text(out, info->name);
    buf_print(out, ",\"kind\":\"%s\",\"unit\":", record_series_word((uint32_t)info->kind));
    json_text(out, info->unit && *info->unit ? info->unit : NULL);
    buf_print(out,
              ",\"direction\":\"%s\",\"points\":%llu,\"first_step\":%lld,\"last_step\":%lld,\"last_"
              "time\":",
              direction_words[info->direction & 3], (unsigned long long)info->points,
              (long long)info->first_step, (long long)info->last_step);
    buf_number(out, (double)info->last_time_ms / 1000.0);
    key(out, "last");
    number_or_null(out, info->last);
    key(out, "min");
    number_or_null(out, info->min);
    key(out, "max");
    number_or_null(out, info->max);
    key(out, "best");
    number_or_null(out, info->best);
    key(out, "best_step");
    number_or_null(out, isnan(info->best) ? NAN : (double)info->best_step);
    buf_print(out, ",\"nonfinite\":%llu}", (unsigned long long)info->nonfinite);
}
