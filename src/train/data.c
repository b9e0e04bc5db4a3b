// Unit data.c finds the images to learn from, checks them and splits them.
//
// Places, in order: the folder that was named; otherwise $NNSCOPE_DATA/mnist and ../shared/data/mnist;
// otherwise digits are drawn. A place counts when it has any of the four files of MNIST; then all four
// must be there and whole. Names end in -ubyte or -ubyte.gz, with - or . before idx.
#include "data.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "digits.h"
#include "idx.h"
#include "parallel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, FILES };

static const struct {
    const char *stem;
    int dimensions;
} files[FILES] = {{"train-images", 3}, {"train-labels", 1}, {"t10k-images", 3}, {"t10k-labels", 1}};

// The path of file `i` in the folder, whichever of its names is there.
static bool find_file(const char *folder, int i, char path[PATH_CAP]) {
    for (int form = 0; form < 4; form++) {
        int result = file_path(path, "%s/%s%cidx%d-ubyte%s", folder, files[i].stem,
                               form & 1 ? '.' : '-', files[i].dimensions, form & 2 ? ".gz" : "");
        if (!result && access(path, F_OK) == 0) return true;
    }
    return false;
}

static bool has_any(const char *folder) {
    char path[PATH_CAP];
    for (int i = 0; i < FILES; i++)
        if (find_file(folder, i, path)) return true;
    return false;
}

static int read_idx(const char *folder, int i, buf *bytes, idx *out, why *w) {
    char path[PATH_CAP];
    if (!find_file(folder, i, path))
        return why_set(w, NNS_E_NOT_FOUND,
                       "%s/%s-idx%d-ubyte: not there (nor with .gz), but others of MNIST are",
                       folder, files[i].stem, files[i].dimensions);
    buf raw = {0};
    int result = file_read(path, IDX_BYTES_CAP, &raw);
    if (result) why_set(w, result, "%s: offset %zu: %s", path, raw.length, error_sentence(result));
    if (!result) result = idx_unpack(path, raw.data, raw.length, bytes, w);
    if (!result) result = idx_parse(path, bytes->data, bytes->length, files[i].dimensions, out, w);
    buf_fini(&raw);
    return result;
}

static int check_pair(const char *folder, int i, const idx *images, const idx *labels, why *w) {
    if (images->count == labels->count) return 0;
    return why_set(w, NNS_E_CORRUPT, "%s/%s: offset 4: %u labels for %u images", folder,
                   files[i].stem, labels->count, images->count);
}

// Training labels define the classes; a test label outside them could never be predicted.
static int check_labels(const char *folder, const data *d, why *w) {
    for (uint32_t i = 0; i < d->test.count; i++)
        if (d->test.labels[i] >= d->classes)
            return why_set(w, NNS_E_CORRUPT,
                           "%s/%s: offset %u: class %d, the training labels have %d classes",
                           folder, files[TEST_LABELS].stem, 8 + i, d->test.labels[i], d->classes);
    return 0;
}

static int count_classes(const data_set *set) {
    int classes = 2;
    for (uint32_t i = 0; i < set->count; i++)
        if (set->labels[i] >= classes) classes = set->labels[i] + 1;
    return classes;
}

static int read_all(data *d, const char *folder, why *w) {
    idx part[FILES];
    int result = 0;
    for (int i = 0; i < FILES && !result; i++)
        result = read_idx(folder, i, &d->bytes[i], &part[i], w);
    for (int i = 0; i < FILES && !result; i += 2)
        result = check_pair(folder, i + 1, &part[i], &part[i + 1], w);
    if (result) return result;
    const idx *train = &part[TRAIN_IMAGES], *test = &part[TEST_IMAGES];
    if (train->rows != test->rows || train->columns != test->columns)
        return why_set(
            w, NNS_E_CORRUPT, "%s/%s: offset 8: images of %u x %u, but %u x %u in training", folder,
            files[TEST_IMAGES].stem, test->rows, test->columns, train->rows, train->columns);
    d->rows = train->rows, d->columns = train->columns;
    d->train = (data_set){train->count, train->items, part[TRAIN_LABELS].items};
    d->test = (data_set){test->count, test->items, part[TEST_LABELS].items};
    d->classes = count_classes(&d->train);
    return check_labels(folder, d, w);
}

typedef struct drawing_job {
    uint64_t seed, first;
    uint8_t *images, *labels;
} drawing_job;

static void draw_range(void *context, size_t begin, size_t end) {
    const drawing_job *job = context;
    size_t pixels = DIGITS_SIDE * DIGITS_SIDE;
    digits_draw(job->seed, job->first + begin, (uint32_t)(end - begin),
                job->images + begin * pixels, job->labels + begin);
}

static int draw_set(uint64_t seed, uint64_t first, uint32_t count, buf bytes[2], data_set *set,
                    why *w) {
    size_t pixels = DIGITS_SIDE * DIGITS_SIDE;
    buf_zero(&bytes[0], count * pixels);
    buf_zero(&bytes[1], count);
    if (bytes[0].failed || bytes[1].failed)
        return why_set(w, NNS_E_NO_MEMORY, "out of memory for %u digits", count);
    drawing_job job = {seed, first, bytes[0].data, bytes[1].data};
    parallel_for(count, 256, draw_range, &job);
    *set = (data_set){count, bytes[0].data, bytes[1].data};
    return 0;
}

static uint32_t at_most(uint32_t count, uint32_t limit) {
    return limit && count > limit ? limit : count;
}

static int draw_all(data *d, const data_options *options, why *w) {
    uint32_t train = options->quick ? 6000 : 60000, test = options->quick ? 1000 : 10000;
    if (options->limit && options->limit < train) { // no more than split() will keep
        train = at_most(train, options->limit / 11 * 12 + 24);
        test = at_most(test, options->limit / 6 + 1);
    }
    d->drawn = true;
    d->rows = d->columns = DIGITS_SIDE;
    d->classes = 10;
    snprintf(d->source, sizeof d->source, "digits drawn by seed %llu",
             (unsigned long long)options->seed);
    int result = draw_set(options->seed, 0, train, &d->bytes[0], &d->train, w);
    if (!result)
        result = draw_set(options->seed, UINT64_C(1) << 40, test, &d->bytes[2], &d->test, w);
    return result;
}

// The last twelfth of the training images (5000 of 60000) is held out.
static void split(data *d, uint32_t limit) {
    size_t pixels = (size_t)d->rows * d->columns;
    uint32_t sixth = limit ? (limit + 5) / 6 : 0;
    uint32_t held = d->train.count > 1 ? (d->train.count + 11) / 12 : 0;
    uint32_t kept = d->train.count - held;
    d->validation =
        (data_set){at_most(held, sixth), d->train.images + kept * pixels, d->train.labels + kept};
    if (!held) d->validation = d->train;
    d->train.count = at_most(kept, limit);
    d->test.count = at_most(d->test.count, sixth);
}

// Exact sums of bytes, so that scale and shift have the same bits everywhere.
static void measure(data *d) {
    uint64_t sum = 0, squares = 0;
    size_t bytes = (size_t)d->train.count * d->rows * d->columns;
    for (size_t i = 0; i < bytes; i++) {
        uint32_t v = d->train.images[i];
        sum += v;
        squares += v * v;
    }
    double mean = (double)sum / (double)bytes;
    double variance = (double)squares / (double)bytes - mean * mean;
    double deviation = variance > 1e-6 ? sqrt(variance) : 1;
    d->scale = (float)(1 / deviation);
    d->shift = (float)(-mean / deviation);
    d->checksum =
        hash_crc32c(hash_crc32c(0, d->train.images, bytes), d->train.labels, d->train.count);
}

// A folder that holds MNIST, or NULL.
static const char *find_folder(const data_options *options, char folder[PATH_CAP]) {
    if (options->folder) return has_any(options->folder) ? options->folder : NULL;
    const char *root = getenv("NNSCOPE_DATA");
    if (root && *root && !file_path(folder, "%s/mnist", root) && has_any(folder)) return folder;
    return has_any("../shared/data/mnist") ? "../shared/data/mnist" : NULL;
}

int data_open(data *d, const data_options *options, why *w) {
    char place[PATH_CAP];
    *d = (data){0};
    const char *folder = options->draw ? NULL : find_folder(options, place);
    int result = folder ? read_all(d, folder, w) : draw_all(d, options, w);
    if (result) {
        data_close(d);
        return result;
    }
    if (folder) snprintf(d->source, sizeof d->source, "MNIST in %s", folder);
    split(d, options->limit);
    measure(d);
    return 0;
}

void data_close(data *d) {
    for (int i = 0; i < FILES; i++)
        buf_fini(&d->bytes[i]);
    *d = (data){0};
}

KERNEL void scale_row(size_t n, const uint8_t *restrict bytes, float scale, float shift,
                      float *restrict x) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)bytes[i] * scale + shift;
}

typedef struct gather_job {
    const data *d;
    const data_set *set;
    const uint32_t *index; // (count)
    float *x;              // (count, pixels)
    uint8_t *truth;        // (count)
} gather_job;

static void gather_range(void *context, size_t begin, size_t end) {
    const gather_job *job = context;
    size_t pixels = (size_t)job->d->rows * job->d->columns;
    for (size_t i = begin; i < end; i++) {
        size_t at = job->index[i];
        job->truth[i] = job->set->labels[at];
        scale_row(pixels, job->set->images + at * pixels, job->d->scale, job->d->shift,
                  job->x + i * pixels);
    }
}

void data_gather(const data *d, const data_set *set, const uint32_t *index, size_t count, float *x,
                 uint8_t *truth) {
    gather_job job = {d, set, index, x, truth};
    size_t pixels = (size_t)d->rows * d->columns;
    parallel_for(count, 65536 / pixels + 1, gather_range, &job);
}
