// Unit digits.c draws handwritten-looking digits: each class is a few ways to write it (strokes of
// straight lines and arcs in a unit square), bent by random control points, turned, sheared, scaled
// and moved, drawn with a pen of random width and blackness, and blurred by noise. It costs about 10 us
// an image. The task is like MNIST for a network: a linear model fails, a trained MLP reaches 97-99 %.
#include "digits.h"

#include "random.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define POINTS_CAP 64
#define PIXELS (DIGITS_SIDE * DIGITS_SIDE)
#define PI 3.14159265f

typedef struct point {
    float x, y; // x to the right, y down
} point;

// Strokes as one list of points; `lift[i]` means the pen is up between point i-1 and i.
typedef struct drawing {
    int count;
    point at[POINTS_CAP];
    uint8_t lift[POINTS_CAP];
    random_state *random;
} drawing;

static void add(drawing *d, float x, float y, int lift) {
    if (d->count == POINTS_CAP) return;
    d->lift[d->count] = (uint8_t)lift;
    d->at[d->count++] = (point){x, y};
}

static float jitter(drawing *d, float amount) {
    return random_uniform(d->random, -amount, amount);
}

static void move(drawing *d, float x, float y) {
    add(d, x + jitter(d, 0.06f), y + jitter(d, 0.06f), 1);
}

static void line(drawing *d, float x, float y) {
    add(d, x + jitter(d, 0.06f), y + jitter(d, 0.06f), 0);
}

// An arc of an ellipse around (x, y), angles in turns, clockwise from three o'clock as y goes down.
typedef struct arc {
    float x, y, rx, ry, from, to;
} arc;

static void draw_arc(drawing *d, arc a, int lift) {
    const int steps = 10;
    float rx = a.rx * (1 + jitter(d, 0.16f)), ry = a.ry * (1 + jitter(d, 0.12f));
    float x = a.x + jitter(d, 0.03f), y = a.y + jitter(d, 0.03f);
    float from = a.from + jitter(d, 0.03f), to = a.to + jitter(d, 0.03f);
    for (int i = 0; i <= steps; i++) {
        float angle = 2 * PI * (from + (to - from) * (float)i / (float)steps);
        add(d, x + rx * cosf(angle), y + ry * sinf(angle), i == 0 ? lift : 0);
    }
}

static void zero(drawing *d, int way) {
    float from = random_uniform(d->random, 0.6f, 0.9f);
    float width = way == 0 ? 0.30f : way == 1 ? 0.22f : 0.36f;
    draw_arc(d,
             (arc){0.5f, 0.5f, width, 0.42f, from, from + random_uniform(d->random, 0.94f, 1.05f)},
             1);
}

static void one(drawing *d, int way) {
    if (way == 0) {
        move(d, 0.5f, 0.08f), line(d, 0.5f, 0.92f);
    } else {
        move(d, 0.33f, 0.25f), line(d, 0.52f, 0.08f), line(d, 0.52f, 0.92f);
    }
    if (way == 2) move(d, 0.34f, 0.92f), line(d, 0.70f, 0.92f);
}

static void two(drawing *d, int way) {
    draw_arc(d, (arc){0.5f, 0.31f, 0.26f, 0.23f, 0.52f, 1.08f}, 1);
    if (way == 2) { // a loop at the foot
        line(d, 0.36f, 0.78f);
        draw_arc(d, (arc){0.32f, 0.82f, 0.10f, 0.08f, 0.95f, 0.05f}, 0);
    } else {
        line(d, 0.22f, 0.90f);
    }
    line(d, 0.80f, 0.90f + (way == 1 ? 0.03f : 0.0f));
}

static void three(drawing *d, int way) {
    if (way == 2) { // a flat top
        move(d, 0.24f, 0.10f), line(d, 0.74f, 0.10f), line(d, 0.46f, 0.42f);
    } else {
        draw_arc(d, (arc){0.46f, 0.29f, 0.24f, 0.20f, 0.56f, 1.22f}, 1);
    }
    draw_arc(d, (arc){0.46f, 0.68f, 0.28f, 0.23f, 0.78f, 1.42f}, way == 1);
}

static void four(drawing *d, int way) {
    if (way == 0) { // open
        move(d, 0.26f, 0.10f), line(d, 0.22f, 0.55f), line(d, 0.78f, 0.53f);
        move(d, 0.70f, 0.12f), line(d, 0.66f, 0.92f);
    } else { // closed
        move(d, 0.64f, 0.92f), line(d, 0.64f, 0.08f), line(d, 0.20f, 0.62f);
        line(d, 0.84f, way == 1 ? 0.62f : 0.58f);
    }
}

static void five(drawing *d, int way) {
    if (way == 1) { // the bar drawn last
        move(d, 0.30f, 0.12f), line(d, 0.28f, 0.44f);
    } else {
        move(d, 0.74f, 0.10f), line(d, 0.32f, 0.11f), line(d, 0.28f, 0.45f);
    }
    draw_arc(d, (arc){0.46f, 0.66f, 0.27f, 0.24f, 0.68f, 1.40f}, 0);
    if (way == 1) move(d, 0.30f, 0.12f), line(d, 0.76f, 0.09f);
}

static void six(drawing *d, int way) {
    draw_arc(d, (arc){0.66f, 0.56f, 0.42f, 0.48f, 0.74f - 0.02f * (float)way, 0.50f}, 1);
    draw_arc(d, (arc){0.49f, 0.70f, 0.25f, 0.20f, 0.50f, way == 2 ? -0.42f : -0.52f}, 0);
}

static void seven(drawing *d, int way) {
    move(d, 0.20f, 0.12f), line(d, 0.80f, 0.11f);
    if (way == 2) line(d, 0.56f, 0.50f);
    line(d, way == 1 ? 0.36f : 0.46f, 0.92f);
    if (way == 1) move(d, 0.36f, 0.52f), line(d, 0.74f, 0.50f);
}

static void eight(drawing *d, int way) {
    float upper = way == 1 ? 0.17f : 0.22f, lower = way == 2 ? 0.22f : 0.27f;
    draw_arc(d, (arc){0.5f, 0.28f, upper, 0.19f, 0.25f, 1.25f}, 1);
    draw_arc(d, (arc){0.5f, 0.70f, lower, 0.22f, 0.75f, -0.26f}, 0);
}

static void nine(drawing *d, int way) {
    draw_arc(d, (arc){0.5f, 0.31f, 0.24f, 0.22f, 0.98f, -0.02f}, 1);
    if (way == 0)
        line(d, 0.72f, 0.92f);
    else if (way == 1)
        line(d, 0.58f, 0.93f);
    else
        draw_arc(d, (arc){0.40f, 0.44f, 0.33f, 0.46f, 0.96f, 1.34f}, 0);
}

static void draw_digit(drawing *d, int digit) {
    static void (*const shapes[10])(drawing *, int) = {zero, one, two,   three, four,
                                                       five, six, seven, eight, nine};
    shapes[digit](d, (int)random_below(d->random, 3));
}

// Turn, shear, scale, move; then a gentle bend, so that straight lines are not all straight.
static void distort(drawing *d) {
    random_state *r = d->random;
    float angle = 0.22f * random_normal(r), shear = 0.22f * random_normal(r);
    float sx = random_uniform(r, 13.0f, 20.0f), sy = random_uniform(r, 16.5f, 21.0f);
    float cx = 13.5f + 1.6f * random_normal(r), cy = 13.5f + 1.6f * random_normal(r);
    float bend_x = 0.07f * random_normal(r), bend_y = 0.07f * random_normal(r);
    float phase = random_uniform(r, 0, 2 * PI), c = cosf(angle), s = sinf(angle);
    for (int i = 0; i < d->count; i++) {
        float x = d->at[i].x - 0.5f, y = d->at[i].y - 0.5f;
        float u = x + bend_x * sinf(5 * y + phase) - shear * y;
        float v = y + bend_y * sinf(5 * x + phase);
        d->at[i] = (point){cx + sx * (c * u - s * v), cy + sy * (s * u + c * v)};
    }
}

// Squared distance of (x, y) to the segment from a to b.
static float distance2(point a, point b, float x, float y) {
    float dx = b.x - a.x, dy = b.y - a.y, px = x - a.x, py = y - a.y;
    float t = (px * dx + py * dy) / (dx * dx + dy * dy + 1e-6f);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    px -= t * dx, py -= t * dy;
    return px * px + py * py;
}

typedef struct box {
    int left, right, top, bottom;
} box;

static int clip(float v) {
    return v < 0 ? 0 : v > DIGITS_SIDE - 1 ? DIGITS_SIDE - 1 : (int)v;
}

static box box_of(point a, point b, float reach) {
    return (box){
        .left = clip(floorf(fminf(a.x, b.x) - reach)),
        .right = clip(ceilf(fmaxf(a.x, b.x) + reach)),
        .top = clip(floorf(fminf(a.y, b.y) - reach)),
        .bottom = clip(ceilf(fmaxf(a.y, b.y) + reach)),
    };
}

// Ink is 1 within the pen's radius and falls to 0 over one pixel; of several strokes the darkest counts.
static void draw_segment(point a, point b, float radius, float ink[PIXELS]) {
    box area = box_of(a, b, radius + 0.5f);
    for (int y = area.top; y <= area.bottom; y++)
        for (int x = area.left; x <= area.right; x++) {
            float *cell = &ink[y * DIGITS_SIDE + x];
            float far = distance2(a, b, (float)x, (float)y);
            if (far > (radius + 0.5f) * (radius + 0.5f)) continue;
            float value = radius + 0.5f - sqrtf(far);
            value = value > 1 ? 1 : value;
            if (value > *cell) *cell = value;
        }
}

static void draw_strokes(const drawing *d, float radius, float ink[PIXELS]) {
    memset(ink, 0, PIXELS * sizeof *ink);
    for (int i = 1; i < d->count; i++)
        if (!d->lift[i]) draw_segment(d->at[i - 1], d->at[i], radius, ink);
}

// Blackness, and noise on every pixel: four sums of bytes from one random word are nearly normal.
static void expose(random_state *r, const float ink[PIXELS], uint8_t image[PIXELS]) {
    float black = random_uniform(r, 170, 255), noise = random_uniform(r, 0, 0.16f);
    for (int i = 0; i < PIXELS; i += 4) {
        uint64_t bits = random_next(r);
        for (int k = 0; k < 4; k++, bits >>= 16) {
            float sum = (float)(bits & 255) + (float)(bits >> 8 & 255) - 255.0f;
            float value = black * ink[i + k] + noise * sum;
            image[i + k] = value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)value;
        }
    }
}

void digits_draw(uint64_t seed, uint64_t first, uint32_t count, uint8_t *images, uint8_t *labels) {
    float ink[PIXELS];
    for (uint32_t i = 0; i < count; i++) {
        random_state random;
        random_seed(&random, seed, first + i + 1);
        drawing d = {.random = &random};
        labels[i] = (uint8_t)random_below(&random, 10);
        draw_digit(&d, labels[i]);
        distort(&d);
        draw_strokes(&d, random_uniform(&random, 0.75f, 1.9f), ink);
        expose(&random, ink, images + (size_t)i * PIXELS);
    }
}
