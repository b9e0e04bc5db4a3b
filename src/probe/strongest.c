// Unit strongest.c keeps the strongest links of all that are offered.
//
// How: what beats the threshold is put behind what was kept; when the room is full, a selection brings the wanted ones to the
// front and the weakest of them is the new threshold. Most tiles are passed over by one compare a value.
#include "strongest.h"

#include "base/error.h"
#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TILE 32
#define ROOM_LEAST 64

int strongest_init(strongest *s, uint32_t wanted) {
    *s = (strongest){.wanted = wanted};
    if (!wanted) return 0;
    s->pairs = mem_array(2 * (size_t)wanted + ROOM_LEAST, sizeof *s->pairs);
    if (!s->pairs) s->wanted = 0;
    return s->pairs ? 0 : NNS_E_NO_MEMORY;
}

void strongest_fini(strongest *s) {
    mem_free(s->pairs);
    *s = (strongest){0};
}

static bool stronger(link_pair a, link_pair b) {
    float x = fabsf(a.value), y = fabsf(b.value);
    return x > y || (x == y && a.at < b.at);
}

static int order(const void *a, const void *b) {
    link_pair x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return stronger(x, y) ? -1 : stronger(y, x) ? 1 : 0;
}

static link_pair middle(link_pair a, link_pair b, link_pair c) {
    if (stronger(a, b)) return stronger(b, c) ? b : stronger(a, c) ? c : a;
    return stronger(a, c) ? a : stronger(b, c) ? c : b;
}

// Brings the `wanted` strongest to the front (Hoare's selection).
static void select_front(link_pair *pairs, size_t count, size_t wanted) {
    size_t low = 0, high = count;
    while (high - low > 1 && wanted > low && wanted < high) {
        link_pair pivot = middle(pairs[low], pairs[low + (high - low) / 2], pairs[high - 1]);
        size_t i = low, j = high - 1;
        for (;;) {
            while (stronger(pairs[i], pivot))
                i++;
            while (stronger(pivot, pairs[j]))
                j--;
            if (i >= j) break;
            link_pair swap = pairs[i];
            pairs[i++] = pairs[j];
            pairs[j--] = swap;
        }
        size_t border = i == j ? i + 1 : i; // pairs[i] == pivot when they met
        if (border >= high) border = high - 1;
        if (wanted < border)
            high = border;
        else
            low = border;
    }
}

// Keeps the wanted ones; what is weaker than the last of them need not be offered any more.
static void cut(strongest *s) {
    select_front(s->pairs, s->count, s->wanted);
    s->count = s->wanted;
    s->threshold = INFINITY;
    for (uint32_t i = 0; i < s->count; i++)
        if (fabsf(s->pairs[i].value) < s->threshold) s->threshold = fabsf(s->pairs[i].value);
}

static void offer_one(strongest *s, uint32_t at, float value) {
    if (value == 0 || !isfinite(value)) return;
    if (s->count == 2 * s->wanted + ROOM_LEAST) cut(s);
    if (fabsf(value) >= s->threshold) s->pairs[s->count++] = (link_pair){at, value};
}

void strongest_offer(strongest *s, uint32_t first, const float *values, size_t count) {
    for (size_t i = 0; i < count;) {
        size_t end = count - i > TILE ? i + TILE : count;
        int some = 0;
        for (size_t j = i; j < end; j++)
            some |= fabsf(values[j]) >= s->threshold;
        if (some)
            for (size_t j = i; j < end; j++)
                if (fabsf(values[j]) >= s->threshold) offer_one(s, first + (uint32_t)j, values[j]);
        i = end;
    }
}

void strongest_finish(strongest *s) {
    if (s->count > s->wanted) cut(s);
    if (s->count) qsort(s->pairs, s->count, sizeof *s->pairs, order);
}
