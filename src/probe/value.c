// Unit value.c writes values: scalars, histograms, texts, images, samples, marks, progress.
//
// Place on the path: the calls that a training loop makes most; each puts one record (journal/record.h)
// into the calling thread's lane. nns_scalar is the product's innermost call: two compares, a 16-byte
// store and a release store when nothing is unusual; scalar_slowly does the rest.
#include "lanes.h"
#include "nonfinite.h"
#include "stats.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX 65536u
#define BINS_MAX 4096u
#define CAPTION_BYTES_MAX 1024u

static inline bool put_scalar(lane *l, nns_series series, double value) {
    uint8_t *at = lane_room(l, 16);
    if (unlikely(!at)) return false;
    lanes_head(at, RECORD_SCALAR, 16, series);
    le_put_f64(at + 8, value);
    lanes_count(l);
    lane_publish(l, 16);
    return true;
}

__attribute__((noinline, cold)) static void scalar_slowly(nns_run *run, nns_series series,
                                                          double value) {
    if (!run || series == 0) return;
    if (nonfinite_notable(run, value)) nonfinite_note(run, series, value);
    uint8_t *at = lanes_begin(run, 16, true);
    if (!at) return;
    lanes_head(at, RECORD_SCALAR, 16, series);
    le_put_f64(at + 8, value);
    lanes_end(at);
}

void nns_scalar(nns_run *run, nns_series series, double value) {
    lane_slot *slot = lanes_mine.slot;
    if (likely(lanes_mine.run == run && series != 0) &&
        likely(slot->serial == atomic_load_explicit(&run->serial, memory_order_relaxed)) &&
        likely(put_scalar(&slot->lane, series, value))) {
        if (unlikely(nonfinite_notable(run, value))) nonfinite_note(run, series, value);
        return;
    }
    scalar_slowly(run, series, value);
}

void nns_scalar_named(nns_run *run, const char *name, double value) {
    nns_scalar(run, series_get(run, name, SERIES_SCALAR, NULL, NNS_NEITHER), value);
}

static void histogram(nns_run *run, const char *name, double low, double high, const float *counts,
                      uint32_t bins) {
    if (!counts || bins == 0 || bins > BINS_MAX || !(low <= high)) return;
    nns_series series = series_get(run, name, SERIES_HISTOGRAM, NULL, NNS_NEITHER);
    size_t bytes = lanes_padded(32 + (size_t)bins * sizeof *counts);
    uint8_t *at = series ? lanes_begin(run, bytes, true) : NULL;
    if (!at) return;
    lanes_head(at, RECORD_HISTOGRAM, bytes, series);
    le_put_u32(at + 8, bins);
    le_put_u32(at + 12, 0);
    le_put_f64(at + 16, low);
    le_put_f64(at + 24, high);
    memcpy(at + 32, counts, bins * sizeof *counts);
    lanes_end(at);
}

void nns_histogram(nns_run *run, const char *name, double low, double high, const float *counts,
                   uint32_t bins) {
    int64_t began = stats_begin(run);
    histogram(run, name, low, high, counts, bins);
    stats_end(run, began);
}

// Bytes of `text` up to `most`, cut before a character that would not fit whole.
static size_t text_bytes(const char *text, size_t most) {
    size_t bytes = strnlen(text, most + 1);
    if (bytes <= most) return bytes;
    bytes = most;
    while (bytes && ((uint8_t)text[bytes] & 0xC0) == 0x80)
        bytes--;
    return bytes;
}

static void text_record(nns_run *run, const char *name, const char *text) {
    nns_series series = text ? series_get(run, name, SERIES_TEXT, NULL, NNS_NEITHER) : 0;
    if (!series) return;
    size_t length = text_bytes(text, TEXT_BYTES_MAX), bytes = lanes_padded(16 + length);
    uint8_t *at = lanes_begin(run, bytes, true);
    if (!at) return;
    lanes_head(at, RECORD_TEXT, bytes, series);
    le_put_u32(at + 8, (uint32_t)length);
    le_put_u32(at + 12, 0);
    memcpy(at + 16, text, length);
    lanes_end(at);
}

void nns_text(nns_run *run, const char *name, const char *text) {
    int64_t began = stats_begin(run);
    text_record(run, name, text);
    stats_end(run, began);
}

static bool image_sensible(nns_image_format format, uint32_t width, uint32_t height, size_t bytes) {
    uint64_t pixels = (uint64_t)width * height;
    switch (format) {
    case NNS_IMAGE_GRAY8:
        return pixels && bytes == pixels;
    case NNS_IMAGE_RGB8:
        return pixels && pixels < UINT32_MAX && bytes == pixels * 3;
    case NNS_IMAGE_RGBA8:
        return pixels && pixels < UINT32_MAX && bytes == pixels * 4;
    case NNS_IMAGE_PNG:
    case NNS_IMAGE_JPEG:
        return bytes > 0;
    }
    return false;
}

typedef struct picture {
    nns_image_format format;
    uint32_t width, height;
    const void *data;
    size_t bytes;
    const char *caption;
} picture;

// The pixels go to the staging area first, so that they are in a file before the record that names them.
static void image(nns_run *run, const char *name, const picture *p) {
    if (!p->data || !image_sensible(p->format, p->width, p->height, p->bytes)) return;
    nns_series series = series_get(run, name, SERIES_IMAGE, NULL, NNS_NEITHER);
    if (!series) return;
    uint64_t blob = run->has_stage ? stage_put(&run->stage, p->data, p->bytes) : 0;
    if (!blob) {
        atomic_fetch_add_explicit(&run->dropped_large, 1, memory_order_relaxed);
        return;
    }
    size_t caption = p->caption ? text_bytes(p->caption, CAPTION_BYTES_MAX) : 0;
    size_t bytes = lanes_padded(40 + caption);
    uint8_t *at = lanes_begin(run, bytes, true);
    if (!at) return;
    lanes_head(at, RECORD_IMAGE, bytes, series);
    le_put_u32(at + 8, p->width);
    le_put_u32(at + 12, p->height);
    le_put_u16(at + 16, (uint16_t)p->format);
    le_put_u16(at + 18, (uint16_t)caption);
    le_put_u32(at + 20, 0);
    le_put_u64(at + 24, blob);
    le_put_u64(at + 32, p->bytes);
    if (caption) memcpy(at + 40, p->caption, caption);
    lanes_end(at);
}

void nns_image(nns_run *run, const char *name, nns_image_format format, uint32_t width,
               uint32_t height, const void *data, size_t bytes, const char *caption) {
    int64_t began = stats_begin(run);
    image(run, name, &(picture){format, width, height, data, bytes, caption});
    stats_end(run, began);
}

typedef struct specimen {
    uint32_t width, height;
    const uint8_t *input;
    int truth;
    const float *probabilities;
    uint32_t classes;
} specimen;

static void sample(nns_run *run, const char *name, const specimen *s) {
    if (!s->input || !s->width || !s->height || s->width > UINT16_MAX || s->height > UINT16_MAX)
        return;
    if (s->classes > BINS_MAX || (s->classes && !s->probabilities)) return;
    size_t pixels = (size_t)s->width * s->height;
    size_t chances = s->classes * sizeof(float);
    size_t bytes = lanes_padded(24 + chances + pixels);
    nns_series series = series_get(run, name, SERIES_SAMPLE, NULL, NNS_NEITHER);
    uint8_t *at = series ? lanes_begin(run, bytes, true) : NULL;
    if (!at) return;
    lanes_head(at, RECORD_SAMPLE, bytes, series);
    le_put_u16(at + 8, (uint16_t)s->width);
    le_put_u16(at + 10, (uint16_t)s->height);
    le_put_i32(at + 12, s->truth);
    le_put_u32(at + 16, s->classes);
    le_put_u32(at + 20, 0);
    if (chances) memcpy(at + 24, s->probabilities, chances);
    memcpy(at + 24 + chances, s->input, pixels);
    lanes_end(at);
}

void nns_sample(nns_run *run, const char *name, uint32_t width, uint32_t height,
                const uint8_t *input, int truth, const float *probabilities, uint32_t classes) {
    int64_t began = stats_begin(run);
    sample(run, name, &(specimen){width, height, input, truth, probabilities, classes});
    stats_end(run, began);
}

// Epochs over steps as the series nnscope/epoch, for charts over epochs. It is a straight line until the batch changes, so only
// its corners are kept: a point where the line is left by more than a thousandth, or an epoch ends.
static bool is_corner(course *c, int64_t step, double epoch) {
    int64_t steps = step - atomic_load_explicit(&c->step, memory_order_relaxed);
    double from = atomic_load_explicit(&c->epoch, memory_order_relaxed);
    double rate = atomic_load_explicit(&c->rate, memory_order_relaxed);
    if (steps < 0 || epoch < from || floor(epoch) > floor(from)) return true;
    if (steps == 0) return false;
    if (rate == 0)
        atomic_store_explicit(&c->rate, (epoch - from) / (double)steps, memory_order_relaxed);
    return rate != 0 && fabs(from + rate * (double)steps - epoch) > 1e-3;
}

static void epoch_point(nns_run *run, double epoch) {
    course *c = &run->course;
    uint32_t series = atomic_load_explicit(&c->series, memory_order_relaxed);
    uint64_t serial = atomic_load_explicit(&run->serial, memory_order_acquire);
    int64_t step = atomic_load_explicit(&run->stamps[serial & 1].step, memory_order_relaxed);
    if (!isfinite(epoch) || serial == 0 || (series && !is_corner(c, step, epoch))) return;
    if (!series) {
        char name[64];
        snprintf(name, sizeof name, "%snnscope/epoch", run->prefix);
        series = series_get(run, name, SERIES_SCALAR, NULL, NNS_NEITHER);
        atomic_store_explicit(&c->series, series, memory_order_relaxed);
    }
    nns_scalar(run, series, epoch);
    atomic_store_explicit(&c->step, step, memory_order_relaxed);
    atomic_store_explicit(&c->epoch, epoch, memory_order_relaxed);
    atomic_store_explicit(&c->rate, 0, memory_order_relaxed);
}

void nns_progress(nns_run *run, double epoch, int64_t total_steps) {
    if (!run_is_open(run)) return;
    epoch_point(run, epoch);
    uint8_t *at = lanes_begin(run, 24, true);
    if (!at) return;
    lanes_head(at, RECORD_PROGRESS, 24, 0);
    le_put_f64(at + 8, epoch);
    le_put_i64(at + 16, total_steps > 0 ? total_steps : 0);
    lanes_end(at);
}
