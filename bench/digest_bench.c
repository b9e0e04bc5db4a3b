// Bench of looking inside: the worker's kernel against memcpy, the size of a stored key frame, what a viewer at 10 Hz costs a
// network of 784-512-256-10 (share as SEMANTICS 21), the longest hold of a network of 100 M parameters in 100 layers.
#include "measure.h"

#include "base/le.h"
#include "journal/capture.h"
#include "journal/inbox.h"
#include "journal/record.h"
#include "probe/links.h"
#include "probe/moments.h"
#include "probe/quantise.h"
#include "server/recode.h"

#include <nnscope.h>

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#define STEP_NS 1000000
#define LOOK_STEPS 8000
#define LARGE_STEP_NS 4000000
#define LARGE_STEPS 2500

static volatile double sink;

static double normal(void) {
    double u = drand48() + 1e-300, v = drand48();
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static float *normals(size_t count, double deviation) {
    float *values = malloc(count * sizeof *values);
    if (!values) exit(2);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(normal() * deviation);
    return values;
}

// Statistics ---------------------------------------------------------------------------------------

// Pairs of one and the other, so that both see the same machine; the median of their ratios.
static void statistics(void) {
    enum { COUNT = 1 << 20, PAIRS = 301 };
    static double ratio[PAIRS];
    float *from = normals(COUNT, 0.05), *to = normals(COUNT, 0.05);
    for (int i = 0; i < PAIRS; i++) {
        int64_t began = bench_now();
        memcpy(to, from, COUNT * sizeof *to);
        __asm__ volatile("" ::"r"(to) : "memory");
        int64_t between = bench_now();
        moments m;
        moments_init(&m);
        moments_add(&m, from, COUNT);
        int64_t after = bench_now();
        sink = m.mean + m.m2;
        ratio[i] = (double)(between - began) / (double)(after - between);
    }
    bench_line_least("stats_of_memcpy", bench_median(ratio, PAIRS), "ratio", 0.6);
    free(from);
    free(to);
}

// Snapshots ----------------------------------------------------------------------------------------

static void add_codes(buf *capture, const float *values, uint32_t rows, uint32_t columns) {
    size_t count = (size_t)rows * columns;
    float largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(values[i]));
    capture_section section = {.quantity = QUANTITY_WEIGHT,
                               .coding = CODING_I8,
                               .dims = 2,
                               .layer = 1,
                               .tensor = 1,
                               .shape = {rows, columns},
                               .scale = quantise_scale(0, largest)};
    size_t at = capture_add(capture, &section, NULL);
    quantise_codes((int8_t *)capture->data + at, values, count, section.scale);
}

static int strongest_first(const void *a, const void *b) {
    float x = fabsf(((const link_pair *)a)->value), y = fabsf(((const link_pair *)b)->value);
    return (x < y) - (x > y);
}

static void add_pairs(buf *capture, int quantity) {
    enum { PAIRS = 3000 };
    static link_pair pairs[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = (link_pair){(uint32_t)(drand48() * 1e6),
                               (float)(1e-3 - 2e-4 * log(drand48())) * (drand48() < 0.5 ? -1 : 1)};
        quantise_round(&pairs[i].value, 1);
    }
    qsort(pairs, PAIRS, sizeof *pairs, strongest_first);
    capture_section section = {
        .quantity = quantity, .coding = CODING_PAIR, .dims = 1, .layer = 1, .shape = {PAIRS}};
    capture_add(capture, &section, pairs);
}

static void add_units(buf *capture, int quantity, uint32_t units) {
    float *values = normals(units, 1);
    capture_section section = {
        .quantity = quantity, .coding = CODING_F32, .dims = 1, .layer = 1, .shape = {units}};
    capture_add(capture, &section, values);
    free(values);
}

// A whole snapshot of one layer, 1000 units of 1000 inputs, as the server stores it; with its strongest pairs and what its
// units did.
static void key_frame(void) {
    static const int quantities[] = {QUANTITY_ACTIVATION, QUANTITY_GRADIENT,    QUANTITY_MEAN,
                                     QUANTITY_ACTIVE,     QUANTITY_SELECTIVITY, QUANTITY_WEIGHT_IN};
    float *values = normals(1000 * 1000, 0.05);
    buf capture = {0}, packed = {0};
    size_t begin = capture_begin(&capture, &(capture_head){.kind = CAPTURE_SNAPSHOT});
    add_codes(&capture, values, 1000, 1000);
    add_pairs(&capture, QUANTITY_STRONG_GRADIENT);
    add_pairs(&capture, QUANTITY_STRONG_UPDATE);
    for (size_t i = 0; i < sizeof quantities / sizeof quantities[0]; i++)
        add_units(&capture, quantities[i], 1000);
    capture_end(&capture, begin);
    if (recode_pack((recode_bytes){capture.data, capture.length}, (recode_bytes){0}, &packed))
        exit(2);
    bench_line("snapshot_key_frame_1m", (double)packed.length / 1000, "kB", 900);
    buf_fini(&capture);
    buf_fini(&packed);
    free(values);
}

// A program ----------------------------------------------------------------------------------------

static nns_run *run;
static char folder[600], process[64];

static void find_process(void) {
    snprintf(folder, sizeof folder, "%s/runs/%s", bench_dir, nns_run_id(run));
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (strlen(entry->d_name) > 26) snprintf(process, sizeof process, "%.26s", entry->d_name);
    if (dir) closedir(dir);
}

// What the server writes while somebody looks at everything ten times a second.
static void look(uint16_t links_hz10) {
    inbox_writer w;
    uint8_t asked[24] = {0};
    le_put_u16(asked, RECORD_LOOK);
    le_put_u16(asked + 2, sizeof asked / 8);
    le_put_u32(asked + 4, 15);
    le_put_u32(asked + 8, LOOK_UNITS | LOOK_WEIGHTS | LOOK_MATRICES | LOOK_GRADIENTS |
                              LOOK_OUTCOME | LOOK_CLASSES);
    le_put_u16(asked + 12, 100);
    le_put_u16(asked + 14, links_hz10);
    le_put_u32(asked + 16, 3000);
    if (inbox_open_writer(&w, folder, process)) return;
    inbox_append(&w, asked, sizeof asked);
    inbox_close_writer(&w);
}

static int taken;
static double taken_mb;

// The viewer's side: blobs are taken, or they would pile up.
static void take_blobs(void) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[900];
    while (dir && (entry = readdir(dir))) {
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 5, ".blob")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        struct stat st;
        if (stat(path, &st) == 0) taken_mb += (double)st.st_size * 1e-6;
        taken++;
        unlink(path);
    }
    if (dir) closedir(dir);
}

static void work(int64_t ns) {
    static float memory[1 << 16];
    int64_t until = bench_now() + ns;
    double sum = 0;
    while (bench_now() < until)
        for (int i = 0; i < 1 << 12; i++)
            sum += (double)(memory[(i * 17) & ((1 << 16) - 1)] += 1.0f);
    sink = sum;
}

static nns_layer layer(const char *name, const char *kind, int64_t units) {
    return nns_layer_describe(
        run, &(nns_layer_info){
                 .name = name, .kind = kind, .activation = "relu", .dims = 1, .shape = {units}});
}

static void tensor(nns_layer of, nns_role role, nns_dtype dtype, int dims, int64_t a, int64_t b) {
    size_t count = (size_t)(a * (dims > 1 ? b : 1));
    void *data = dtype == NNS_FLOAT32 ? (void *)normals(count, 0.05) : calloc(count, 4);
    nns_tensor_add(run, &(nns_tensor_info){.layer = of,
                                           .role = role,
                                           .dtype = dtype,
                                           .dims = dims,
                                           .shape = {a, b},
                                           .data = data});
}

static void describe_small(void) {
    enum { ROWS = 128 };
    static const int64_t widths[] = {784, 512, 256, 10};
    static const char *const names[] = {"input", "fc1", "fc2", "output"};
    nns_layer input = layer("input", "input", 784);
    tensor(input, NNS_INPUT, NNS_FLOAT32, 2, ROWS, 784);
    for (int i = 1; i < 4; i++) {
        nns_layer l = layer(names[i], "dense", widths[i]);
        tensor(l, NNS_WEIGHT, NNS_FLOAT32, 2, widths[i], widths[i - 1]);
        tensor(l, NNS_WEIGHT_GRAD, NNS_FLOAT32, 2, widths[i], widths[i - 1]);
        tensor(l, NNS_BIAS, NNS_FLOAT32, 1, widths[i], 0);
        tensor(l, NNS_ACT, NNS_FLOAT32, 2, ROWS, widths[i]);
        tensor(l, NNS_PRE_GRAD, NNS_FLOAT32, 2, ROWS, widths[i]);
        if (i < 3) continue;
        tensor(l, NNS_LABEL, NNS_INT32, 1, ROWS, 0);
        tensor(l, NNS_PREDICTION, NNS_FLOAT32, 2, ROWS, 10);
        tensor(l, NNS_SAMPLE_LOSS, NNS_FLOAT32, 1, ROWS, 0);
    }
}

// Time in nns_step of the later half of all steps: the governor has learnt by then what copies cost.
static void looked_at(void) {
    run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    describe_small();
    find_process();
    int64_t inside = 0, began = 0;
    double cpu = 0;
    for (int64_t step = 0; step < LOOK_STEPS; step++) {
        if (step % 2000 == 0) look(20);
        if (step % 200 == 0) take_blobs();
        if (step == LOOK_STEPS / 2) cpu = bench_threads_cpu("nnscope-digest"), began = bench_now();
        int64_t before = bench_now();
        nns_step(run, step);
        if (began) inside += bench_now() - before;
        work(STEP_NS);
    }
    double wall = (double)(bench_now() - began);
    bench_line("network_view_share", 100 * (double)inside / wall, "%", 1);
    printf("the worker used %.1f %% of a core\n",
           100e9 * (bench_threads_cpu("nnscope-digest") - cpu) / wall);
    nns_close(run, 0);
}

// Holds by the thread's own clock: that other processes take the processor away meanwhile is not ours.
static void large(void) {
    enum { LAYERS = 100, WIDTH = 1000 };
    static double holds[LARGE_STEPS];
    double longest = 0;
    taken = 0;
    taken_mb = 0;
    run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    for (int i = 0; i < LAYERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "fc%d", i);
        nns_layer l = layer(name, "dense", WIDTH);
        tensor(l, NNS_WEIGHT, NNS_FLOAT32, 2, WIDTH, WIDTH);
        tensor(l, NNS_ACT, NNS_FLOAT32, 2, 64, WIDTH);
    }
    find_process();
    for (int64_t step = 0; step < LARGE_STEPS; step++) {
        if (step % 2000 == 0) look(10);
        if (step % 100 == 0) take_blobs();
        int64_t before = bench_ns(CLOCK_THREAD_CPUTIME_ID);
        nns_step(run, step);
        holds[step] = (double)(bench_ns(CLOCK_THREAD_CPUTIME_ID) - before) * 1e-6;
        work(LARGE_STEP_NS);
    }
    for (int i = 1; i < LARGE_STEPS; i++)
        longest = fmax(longest, holds[i]);
    bench_line("network_100m_longest_hold", longest, "ms", 5);
    nns_close(run, 0);
    printf("it left %d captures of %.1f MB in all\n", taken, taken_mb);
}

int main(void) {
    bench_begin();
    setvbuf(stdout, NULL, _IOLBF, 0);
    statistics();
    key_frame();
    looked_at();
    large();
    return bench_end();
}
