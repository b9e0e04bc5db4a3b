// Unit snapshot.c makes a snapshot of the whole network: what its units did, its weights as one byte each, its strongest
// gradients and updates.
//
// Place on the path: as look.c; the server keeps snapshots as key frames and differences of codes, which is why a weight's
// scale is sticky (quantise.c). Where no server takes them and they pile up, only every second, fourth, ... one is written;
// the others wait in the flight recorder. The first one behind a NaN or infinity is always written, and marked: the server keeps it
// and those just before it, as it does where a person keeps the moment.
#include "digest_state.h"

#include "base/mem.h"
#include "quantise.h"

#include <string.h>

#define EVERY_MAX 1024u

static bool kept(const digest *d) {
    return (d->set.why & WANT_BIT(WANT_KEEP)) != 0;
}

void snapshot_begin(digest *d) {
    capture_head head = set_head(d, CAPTURE_SNAPSHOT);
    d->set.snapshot = (d->set.why & (WANT_BIT(WANT_SNAPSHOT) | WANT_BIT(WANT_KEEP))) != 0;
    if (d->set.snapshot) capture_begin(&d->set.snapshot_capture, &head);
}

static void add_codes(digest *d, const tensor *t, uint32_t handle, tensor_view *v) {
    const links *l = v->own.snapshot;
    size_t cells = (size_t)l->cell_rows * l->cell_columns;
    v->scale = quantise_scale(v->scale, moments_largest(&v->own.moments));
    capture_section section = {.quantity = QUANTITY_WEIGHT,
                               .coding = CODING_I8,
                               .layer = t->layer,
                               .tensor = handle,
                               .scale = v->scale,
                               .nonfinite = v->own.moments.nonfinite};
    section_matrix_shape(&section, l);
    buf *out = &d->set.snapshot_capture;
    size_t at = capture_add(out, &section, NULL);
    if (!out->failed) quantise_codes((int8_t *)out->data + at, l->cells, cells, v->scale);
}

static void add_strong(digest *d, int quantity, const tensor *t, uint32_t handle, links *l) {
    if (l && l->strong.wanted)
        section_strong(&d->set.snapshot_capture, quantity, t->layer, handle, l);
}

void snapshot_tensor(digest *d, uint32_t handle, tensor_view *v) {
    const tensor *t = tensor_at(d, handle);
    if (!d->set.snapshot) return;
    if (t->role == NNS_WEIGHT && v->own.snapshot) add_codes(d, t, handle, v);
    if (t->role == NNS_WEIGHT_GRAD)
        add_strong(d, QUANTITY_STRONG_GRADIENT, t, handle, v->own.snapshot);
    if (t->role == NNS_UPDATE) add_strong(d, QUANTITY_STRONG_UPDATE, t, handle, v->own.snapshot);
    if (t->role == NNS_WEIGHT && v->updated)
        add_strong(d, QUANTITY_STRONG_UPDATE, t, handle, v->change.snapshot);
    if (t->role == NNS_BIAS) section_bias(&d->set.snapshot_capture, QUANTITY_BIAS, t, handle, v);
}

// The pile is looked at before each one: beyond its size the distance doubles, without a pile every one is written again.
static bool is_turn(digest *d) {
    if (kept(d) || d->alarmed) return true;
    uint64_t pile = outlet_unread(&d->out, CAPTURE_SNAPSHOT);
    if (pile == 0) d->snapshot_every = 1;
    if (d->snapshot_every > 1 && ++d->snapshot_skipped < d->snapshot_every) return false;
    d->snapshot_skipped = 0;
    if (pile > OUTLET_PILE_BYTES && d->snapshot_every < EVERY_MAX)
        d->snapshot_every = d->snapshot_every ? d->snapshot_every * 2 : 2;
    return true;
}

static void round_pairs(uint8_t *at, size_t count) {
    for (size_t i = 0; i < count; i++, at += sizeof(link_pair)) {
        link_pair pair;
        memcpy(&pair, at, sizeof pair);
        quantise_round(&pair.value, 1);
        memcpy(at, &pair, sizeof pair);
    }
}

// The strongest links keep 12 bits, which halves them as they are stored. All but them and the weights stays exact.
static void round_sections(buf *capture) {
    capture_section s;
    size_t at = 0;
    while (capture_next(capture->data, capture->length, &at, &s) == 0) {
        uint8_t *data = capture->data + (s.data - capture->data);
        if (s.coding == CODING_PAIR) round_pairs(data, s.elements);
    }
}

void snapshot_end(digest *d) {
    buf *capture = &d->set.snapshot_capture;
    if (!d->set.snapshot) return;
    uint32_t count = layers_of(d);
    for (uint32_t i = 1; i <= count; i++)
        sections_of_layer(d, capture, i);
    capture_head head = set_head(d, CAPTURE_SNAPSHOT);
    if (kept(d)) head.flags |= CAPTURE_KEPT;
    if (d->alarmed) head.flags |= CAPTURE_FLIGHT;
    capture_rehead(capture, &head);
    capture_end(capture, 0);
    if (capture->failed) return;
    round_sections(capture);
    if (!is_turn(d) || !outlet_capture(&d->out, capture)) flight_keep(&d->flight, capture);
    d->alarmed = false;
}
