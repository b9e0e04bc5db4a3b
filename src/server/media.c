// Unit media.c stores what is not a number: histograms, text, images, samples. One row each, whose JSON is the
// object that the API shows. Calls with the lock.
//
//     {"series", "kind", "step", "time", "number", "hash", "url", "data": {...}}
//     data: histogram {low, high, counts}; text {text}; image {width, height, format, caption};
//           sample {width, height, truth, probabilities, pixels (base64)}
#include "run.h"

#include "base/log.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *media_object(run *r, const live_series *s, int64_t step, int64_t time_ms,
                            const char *hash, json_t *data) {
    json_t *item = json_pack("{s:s,s:s,s:I,s:f,s:I}", "series", s->name, "kind",
                             record_series_word(s->kind), "step", (json_int_t)step, "time",
                             (double)time_ms / 1000.0, "number", (json_int_t)r->next_media);
    if (hash) {
        char url[160];
        snprintf(url, sizeof url, "api/v1/runs/%s/blobs/%s", r->row.key, hash);
        json_object_set_new(item, "hash", json_string(hash));
        json_object_set_new(item, "url", json_string(url));
    }
    if (data) json_object_set(item, "data", data);
    return item;
}

void media_put(core *c, run *r, live_series *s, int64_t step, int64_t time_ms, const char *hash,
               json_t *data) {
    json_t *item = media_object(r, s, step, time_ms, hash, data);
    char *text = json_printed(item);
    json_decref(item);
    json_decref(data);
    if (!text) return;
    store_series_info info;
    store_series_get(s->stored, &info);
    int result =
        store_put_media(c->store, r->row.id, info.id, step, time_ms, s->kind, hash, text, NULL, 0);
    if (result)
        log_warn("media of run %s cannot be stored: %s", r->row.key, error_sentence(result));
    recent_push(&r->media, RECENT_MEDIA, r->next_media++, text);
    c->rows_dirty = true;
    r->change++;
    run_touch(c, r);
}
