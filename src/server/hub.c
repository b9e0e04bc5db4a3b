// Unit hub.c turns what ingest took in into live frames, one per channel, however many look. A pass:
//
//   1 ingest pushes points of watched series into taps (rings over ordinals)
//   2 hub_pass, after each pass of ingest: for each channel whose time has come, the points of each of its series since
//     the last frame become a block: raw, or buckets of 64 points or more above 512
//   3 the frame is put into the channel's ring; viewers take it from there at their own pace (viewer.c)
//
// Invariants: (1) frames of a channel are numbered without holes, and each block goes on where the last one of its
// series ended, or `gaps` has grown; while a snapshot is under way and in the frame after it blocks are raw, since they may
// repeat points of the snapshot, and only rows can be told apart by ordinals; (2) a ring holds at most 64 frames and 4 MiB; who falls off gets a snapshot;
// (3) a series has a tap exactly while a channel has it.
#include "hub.h"
#include "network.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Data come at the pace of the probe: a frame that is nearly due is not kept until more of them come.
#define EARLY_NS (2 * NS_PER_MS)

enum { TAP_MIN = 64, TAP_MAX = 1 << 16, RAW_MAX = 512, BUCKET_MIN = 64 };

// --- frames -------------------------------------------------------------------------------------

frame *frame_of(buf *bytes, bool text) {
    frame *f = bytes->failed ? NULL : mem_new(sizeof *f);
    uint8_t *data = f ? mem_grow(NULL, FRAME_FRONT + bytes->length, 1) : NULL;
    if (data) {
        memcpy(data + FRAME_FRONT, bytes->data, bytes->length);
        *f = (frame){.uses = 1, .text = text, .length = bytes->length, .data = data + FRAME_FRONT};
    } else {
        mem_free(f);
        f = NULL;
    }
    buf_fini(bytes);
    return f;
}

frame *frame_of_front(buf *bytes, bool text) {
    frame *f = bytes->failed || bytes->length < FRAME_FRONT ? NULL : mem_new(sizeof *f);
    if (f) {
        *f = (frame){.uses = 1,
                     .text = text,
                     .length = bytes->length - FRAME_FRONT,
                     .data = bytes->data + FRAME_FRONT};
        *bytes = (buf){0};
    }
    buf_fini(bytes);
    return f;
}

void frame_release(frame *f) {
    if (!f || atomic_fetch_sub(&f->uses, 1) != 1) return;
    mem_free(f->data - FRAME_FRONT);
    mem_free(f);
}

// --- taps ---------------------------------------------------------------------------------------

static bool tap_open(live_series *s) {
    if (!s->tap) {
        tap *t = mem_new(sizeof *t);
        point *ring = t ? mem_array(TAP_MIN, sizeof *ring) : NULL;
        if (!ring) {
            mem_free(t);
            return false;
        }
        store_series_info info;
        store_series_get(s->stored, &info);
        *t = (tap){.ring = ring,
                   .capacity = TAP_MIN,
                   .first = info.points,
                   .end = info.points,
                   .low = info.points};
        s->tap = t;
        series_mind(s);
    }
    s->tap->uses++;
    return true;
}

static void tap_release(live_series *s) {
    assert(s->tap && s->tap->uses > 0);
    if (--s->tap->uses) return;
    mem_free(s->tap->ring);
    mem_free(s->tap);
    s->tap = NULL;
    series_mind(s);
}

static bool tap_grow(tap *t) {
    if (t->capacity >= TAP_MAX) return false;
    point *ring = mem_array(t->capacity * 2, sizeof *ring);
    if (!ring) return false;
    for (uint64_t i = t->first; i < t->end; i++)
        ring[i & (t->capacity * 2 - 1)] = t->ring[i & (t->capacity - 1)];
    mem_free(t->ring);
    t->ring = ring;
    t->capacity *= 2;
    return true;
}

void tap_push(live_series *s, const lane_state *l, double value) {
    tap *t = s->tap;
    if (t->end - t->first == t->capacity && !(t->low <= t->first && tap_grow(t))) t->first++;
    t->ring[t->end++ & (t->capacity - 1)] =
        (point){.step = l->step, .time_ms = l->time_ms, .value = value, .attempt = l->attempt};
}

// --- patterns -----------------------------------------------------------------------------------

static bool matches(const char *pattern, const char *name) {
    const char *star = NULL, *from = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            from = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

bool patterns_match(char *const *patterns, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (matches(patterns[i], name)) return true;
    return false;
}

// --- channels -----------------------------------------------------------------------------------

static void add_member(channel *ch, live_series *s) {
    if (s->kind != SERIES_SCALAR || !patterns_match(ch->patterns, ch->pattern_count, s->name))
        return;
    channel_member *members = mem_grow(ch->members, ch->member_count + 1, sizeof *members);
    if (!members) return;
    ch->members = members;
    if (!tap_open(s)) return;
    members[ch->member_count++] = (channel_member){.series = s, .next = s->tap->end};
}

void hub_series_new(core *c, run *r, live_series *s) {
    for (channel *ch = c->channels; ch; ch = ch->next)
        if (ch->run == r) add_member(ch, s);
}

static void drop_members(channel *ch) {
    for (size_t i = 0; i < ch->member_count; i++)
        tap_release(ch->members[i].series);
    mem_free(ch->members);
    ch->members = NULL;
    ch->member_count = 0;
}

void hub_run_gone(core *c, run *r) {
    for (channel *ch = c->channels; ch; ch = ch->next) {
        if (ch->run != r) continue;
        drop_members(ch);
        if (r->deleted) ch->run = NULL;
    }
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool same(const channel *ch, const run *r, char *const *sorted, size_t count, int rate,
                 bool text) {
    if (ch->run != r || ch->rate != rate || ch->text != text || ch->pattern_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(ch->patterns[i], sorted[i]) != 0) return false;
    return true;
}

static void channel_free(channel *ch) {
    drop_members(ch);
    while (ch->first < ch->head)
        frame_release(ch->ring[ch->first++ % RING_FRAMES]);
    for (size_t i = 0; i < ch->pattern_count; i++)
        mem_free(ch->patterns[i]);
    mem_free(ch->patterns);
    mem_free(ch);
}

static channel *channel_new(core *c, run *r, char **sorted, size_t count, int rate, bool text) {
    channel *ch = mem_new(sizeof *ch);
    if (!ch) return NULL;
    *ch = (channel){.next = c->channels,
                    .run = r,
                    .patterns = sorted,
                    .pattern_count = count,
                    .rate = rate,
                    .text = text};
    c->channels = ch;
    for (size_t i = 0; i < r->series_count; i++)
        add_member(ch, r->series[i]);
    return ch;
}

static char **sorted_copy(char *const *patterns, size_t count) {
    char **sorted = mem_array(count ? count : 1, sizeof *sorted);
    for (size_t i = 0; sorted && i < count; i++) {
        sorted[i] = mem_text(patterns[i], strlen(patterns[i]));
        if (sorted[i]) continue;
        while (i-- > 0)
            mem_free(sorted[i]);
        mem_free(sorted);
        return NULL;
    }
    if (sorted) qsort(sorted, count, sizeof *sorted, by_text);
    return sorted;
}

channel *channel_open(core *c, run *r, char *const *patterns, size_t count, int rate, bool text) {
    char **sorted = sorted_copy(patterns, count);
    if (!sorted) return NULL;
    channel *ch = c->channels;
    while (ch && !same(ch, r, sorted, count, rate, text))
        ch = ch->next;
    if (!ch) {
        ch = channel_new(c, r, sorted, count, rate, text);
        if (ch) sorted = NULL;
    }
    if (sorted) {
        for (size_t i = 0; i < count; i++)
            mem_free(sorted[i]);
        mem_free(sorted);
    }
    if (!ch) return NULL;
    ch->uses++;
    r->watchers++;
    run_watch_lease(c, r);
    return ch;
}

void subscription_wait(subscription *s, bool waiting) {
    if (s->waiting == waiting) return;
    s->waiting = waiting;
    s->channel->waiting += waiting ? 1 : -1;
    s->channel->raw_once = true;
}

void channel_release(core *c, channel *ch) {
    if (ch->run) ch->run->watchers--;
    if (--ch->uses) return;
    channel **at = &c->channels;
    while (*at != ch)
        at = &(*at)->next;
    *at = ch->next;
    channel_free(ch);
}

void hub_fini(core *c) {
    while (c->viewers)
        viewer_close(c->viewers);
    while (c->channels) {
        channel *ch = c->channels;
        c->channels = ch->next;
        channel_free(ch);
    }
    frame_release(c->runs_frame);
    mem_free(c->columns_room);
}

// --- blocks -------------------------------------------------------------------------------------

typedef struct columns_room { // reused from frame to frame
    int64_t step[TAP_MAX], step_last[RAW_MAX * 2], time_ms[TAP_MAX];
    double value[TAP_MAX];
    float min[RAW_MAX * 2], max[RAW_MAX * 2], mean[RAW_MAX * 2], last[RAW_MAX * 2];
    uint32_t count[RAW_MAX * 2], nonfinite[RAW_MAX * 2];
} columns_room;

static columns_room *room_of(core *c) {
    if (!c->columns_room) c->columns_room = mem_new(sizeof(columns_room));
    return c->columns_room;
}

static float outward(double v, bool up) {
    float f = (float)v;
    if (up && (double)f < v) return nextafterf(f, INFINITY);
    if (!up && (double)f > v) return nextafterf(f, -INFINITY);
    return f;
}

static const point *point_at(const tap *t, uint64_t ordinal) {
    return &t->ring[ordinal & (t->capacity - 1)];
}

static void fill_bucket(columns_room *room, size_t k, const tap *t, uint64_t from, uint64_t to) {
    double min = INFINITY, max = -INFINITY, sum = 0;
    uint32_t finite = 0;
    for (uint64_t i = from; i < to; i++) {
        double v = point_at(t, i)->value;
        if (v < min) min = v;
        if (v > max) max = v;
        if (!isfinite(v)) continue;
        sum += v;
        finite++;
    }
    if (min > max) min = max = NAN; // NaN only
    room->step[k] = point_at(t, from)->step;
    room->step_last[k] = point_at(t, to - 1)->step;
    room->time_ms[k] = point_at(t, from)->time_ms;
    room->min[k] = outward(min, false);
    room->max[k] = outward(max, true);
    room->mean[k] = finite ? (float)(sum / finite) : NAN;
    room->last[k] = (float)point_at(t, to - 1)->value;
    room->count[k] = (uint32_t)(to - from);
    room->nonfinite[k] = (uint32_t)(to - from) - finite;
}

static store_columns raw_columns(columns_room *room, const tap *t, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i < to; i++) {
        const point *at = point_at(t, i);
        room->step[i - from] = at->step;
        room->time_ms[i - from] = at->time_ms;
        room->value[i - from] = at->value;
    }
    return (store_columns){.raw = true,
                           .rows = to - from,
                           .step = room->step,
                           .time_ms = room->time_ms,
                           .value = room->value};
}

static store_columns bucket_columns(columns_room *room, const tap *t, uint64_t from, uint64_t to) {
    uint64_t n = to - from, points = (n + RAW_MAX - 1) / RAW_MAX;
    if (points < BUCKET_MIN) points = BUCKET_MIN;
    size_t rows = 0;
    for (uint64_t i = from; i < to; i += points)
        fill_bucket(room, rows++, t, i, i + points < to ? i + points : to);
    return (store_columns){.rows = rows,
                           .step = room->step,
                           .step_last = room->step_last,
                           .time_ms = room->time_ms,
                           .min = room->min,
                           .max = room->max,
                           .mean = room->mean,
                           .last = room->last,
                           .count = room->count,
                           .nonfinite = room->nonfinite,
                           .bucket_width = (int64_t)points};
}

// The new points of a member as a block. False: none.
static bool put_block(channel *ch, channel_member *m, columns_room *room, buf *out, bool first) {
    tap *t = m->series->tap;
    if (m->next == t->end) return false;
    bool gap = m->next < t->first;
    uint64_t from = gap ? t->first : m->next;
    uint64_t most = ch->waiting || ch->raw_once ? TAP_MAX : RAW_MAX;
    store_columns c = t->end - from <= most ? raw_columns(room, t, from, t->end)
                                            : bucket_columns(room, t, from, t->end);
    c.ordinal = from;
    c.total = t->end;
    uint32_t attempt = point_at(t, t->end - 1)->attempt;
    if (ch->text) {
        if (!first) buf_char(out, ',');
        frame_text_block(m->series->name, attempt, &c, out);
    } else {
        frame_block(out, m->series->name, attempt, t->end, &c, gap);
    }
    m->next = t->end;
    ch->gaps += gap;
    return true;
}

static void push_frame(channel *ch, frame *f) {
    while (ch->first < ch->head &&
           (ch->head - ch->first == RING_FRAMES || ch->bytes + f->length > RING_BYTES_MAX)) {
        frame *oldest = ch->ring[ch->first++ % RING_FRAMES];
        ch->bytes -= oldest->length;
        frame_release(oldest);
    }
    ch->ring[ch->head++ % RING_FRAMES] = f;
    ch->bytes += f->length;
}

static void build(core *c, channel *ch, columns_room *room) {
    buf out = {0};
    uint32_t blocks = 0;
    size_t begin = 0;
    if (ch->text)
        buf_print(&out, "{\"type\":\"points\",\"run\":\"%s\",\"series\":{", ch->run->row.key);
    else
        begin = frame_begin(&out, FRAME_LIVE, 0, ch->run->row.key);
    for (size_t i = 0; i < ch->member_count; i++)
        blocks += put_block(ch, &ch->members[i], room, &out, blocks == 0);
    if (ch->text)
        buf_text(&out, "}}");
    else
        frame_end(&out, begin, blocks);
    if (!ch->waiting) ch->raw_once = false;
    frame *f = blocks ? frame_of(&out, ch->text) : NULL;
    if (f) {
        push_frame(ch, f);
        c->figures.frames++;
    } else {
        ch->gaps += blocks != 0; // no memory: a snapshot will do
    }
    buf_fini(&out);
}

static void set_low(core *c) {
    for (channel *ch = c->channels; ch; ch = ch->next)
        for (size_t i = 0; i < ch->member_count; i++)
            ch->members[i].series->tap->low = UINT64_MAX;
    for (channel *ch = c->channels; ch; ch = ch->next)
        for (size_t i = 0; i < ch->member_count; i++) {
            tap *t = ch->members[i].series->tap;
            if (ch->members[i].next < t->low) t->low = ch->members[i].next;
        }
}

void hub_pass(core *c) {
    if (!c->channels || !c->hub_due) return;
    columns_room *room = room_of(c);
    int64_t now = clock_mono_ns();
    bool later = false;
    for (channel *ch = room ? c->channels : NULL; ch;) {
        bool due = ch->run && now - ch->built_ns >= NS_PER_S / ch->rate - EARLY_NS;
        later |= ch->run && !due && ch->built_ns != now;
        if (due) {
            ch->built_ns = now;
            build(c, ch, room);
        }
        // Whoever was let in may have taken channels away, this one too: from the front, past those that are built.
        ch = due && core_breathe(c) ? c->channels : ch->next;
    }
    set_low(c);
    c->hub_due = later;
}
