// Unit decode_media.c reads the records of what is no number (record.h draws them): histograms, texts, samples, confusion
// matrices become JSON, an image waits for its blob. On the path: decode.c has found the series -> here -> media.c, blob.c.
// With the lock.
#include "run.h"

#include "base/le.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { BINS_MAX = 4096, CLASSES_MAX = 256 }; // beyond, no row is made: it would be megabytes

int media_kind(uint32_t record_kind) {
    switch (record_kind) {
    case RECORD_HISTOGRAM:
        return SERIES_HISTOGRAM;
    case RECORD_TEXT:
        return SERIES_TEXT;
    case RECORD_IMAGE:
        return SERIES_IMAGE;
    case RECORD_SAMPLE:
        return SERIES_SAMPLE;
    default:
        return SERIES_CONFUSION;
    }
}

static json_t *number_json(double v) {
    if (isfinite(v)) return json_real(v);
    return json_string(isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
}

static json_t *floats_json(const uint8_t *at, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, number_json((double)le_f32(at + 4 * i)));
    return list;
}

json_t *text_json(const uint8_t *at, size_t bytes) {
    json_t *text = json_stringn((const char *)at, bytes);
    if (text) return text;
    buf clean = {0}; // not UTF-8: by way of our own writer, which mends it
    buf_json(&clean, (const char *)at, bytes);
    text = clean.failed ? NULL
                        : json_loadb((char *)clean.data, clean.length,
                                     JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    buf_fini(&clean);
    return text ? text : json_string("");
}

static json_t *base64_json(const uint8_t *at, size_t bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buf out = {0};
    for (size_t i = 0; i < bytes; i += 3) {
        uint32_t v = (uint32_t)at[i] << 16 | (i + 1 < bytes ? (uint32_t)at[i + 1] << 8 : 0) |
                     (i + 2 < bytes ? at[i + 2] : 0);
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63],
                        i + 1 < bytes ? digits[v >> 6 & 63] : '=',
                        i + 2 < bytes ? digits[v & 63] : '='};
        buf_add(&out, four, 4);
    }
    json_t *text = json_stringn(out.failed ? "" : (char *)out.data, out.failed ? 0 : out.length);
    buf_fini(&out);
    return text;
}

static json_t *counts_json(const uint8_t *at, uint32_t classes) {
    json_t *rows = json_array();
    for (size_t i = 0; i < classes; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < classes; k++)
            json_array_append_new(row,
                                  json_integer((json_int_t)le_u32(at + 4 * (i * classes + k))));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *words_json(const uint8_t *at, size_t bytes) {
    json_t *words = json_array();
    for (size_t n; bytes; at += n + 1, bytes -= n + 1) { // each ends with a 0, as record_check saw
        n = strlen((const char *)at);
        json_array_append_new(words, text_json(at, n));
    }
    return words;
}

static json_t *histogram_json(const uint8_t *at) {
    uint32_t bins = le_u32(at + 8);
    if (bins > BINS_MAX) return NULL;
    return json_pack("{s:o,s:o,s:o}", "low", number_json(le_f64(at + 16)), "high",
                     number_json(le_f64(at + 24)), "counts", floats_json(at + 32, bins));
}

static json_t *sample_json(const uint8_t *at) {
    uint32_t width = le_u16(at + 8), height = le_u16(at + 10), classes = le_u32(at + 16);
    return json_pack("{s:i,s:i,s:i,s:o,s:o}", "width", (int)width, "height", (int)height, "truth",
                     (int)le_i32(at + 12), "probabilities", floats_json(at + 24, classes), "pixels",
                     base64_json(at + 24 + 4 * (size_t)classes, (size_t)width * height));
}

static json_t *confusion_json(const uint8_t *at) {
    uint32_t classes = le_u32(at + 8);
    if (classes > CLASSES_MAX) return NULL;
    return json_pack("{s:i,s:o,s:o}", "classes", (int)classes, "counts",
                     counts_json(at + 16, classes), "words",
                     words_json(at + 16 + 4 * (size_t)classes * classes, le_u32(at + 12)));
}

static void take_image(core *c, process *p, const lane_state *l, live_series *s,
                       const uint8_t *at) {
    size_t caption = le_u16(at + 18);
    media_due due = {.series = s,
                     .blob = le_u64(at + 24),
                     .step = l->step,
                     .time_ms = l->time_ms,
                     .width = le_u32(at + 8),
                     .height = le_u32(at + 12),
                     .format = le_u16(at + 16)};
    if (caption > sizeof due.caption - 1) caption = sizeof due.caption - 1;
    memcpy(due.caption, at + 40, caption);
    blob_due(c, p, &due);
    p->state_dirty = true;
}

static json_t *data_json(uint32_t kind, const uint8_t *at) {
    switch (kind) {
    case RECORD_HISTOGRAM:
        return histogram_json(at);
    case RECORD_TEXT:
        return json_pack("{s:o}", "text", text_json(at + 16, le_u32(at + 8)));
    case RECORD_SAMPLE:
        return sample_json(at);
    default:
        return confusion_json(at);
    }
}

void media_take(core *c, process *p, const lane_state *l, live_series *s, uint32_t kind,
                const uint8_t *at) {
    json_t *data = kind == RECORD_IMAGE ? NULL : data_json(kind, at);
    if (kind == RECORD_IMAGE)
        take_image(c, p, l, s, at);
    else if (data)
        media_put(c, p->run, s, l->step, l->time_ms, NULL, data);
}
