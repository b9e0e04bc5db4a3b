// Ingest: points per second of one core from a journal that lies there to a committed store, and over HTTP as
// newline-delimited JSON through core_post_points. CPU time of the whole process is what counts.
#include "base/clock.h"
#include "base/le.h"
#include "base/log.h"
#include "base/mem.h"
#include "journal/segment.h"
#include "server/core.h"
#include "measure.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SERIES = 10, STEPS = 1000000, BLOCK_STEPS = 1000, HTTP_OBJECTS = 100000, HTTP_SERIES = 5 };

static double cpu_s(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void head(buf *out, uint16_t kind, uint16_t words, uint32_t a) {
    buf_u32(out, (uint32_t)kind | (uint32_t)words << 16);
    buf_u32(out, a);
}

static void declare(buf *out) {
    for (uint32_t i = 1; i <= SERIES; i++) {
        char name[8] = {0};
        snprintf(name, sizeof name, "s%u", i);
        size_t length = strlen(name);
        head(out, RECORD_SERIES, 3, i);
        uint64_t rest = (uint64_t)SERIES_SCALAR | (uint64_t)length << 16;
        buf_u64(out, rest);
        buf_add(out, name, 8);
    }
}

static void make_journal(const char *dir, const char *run, const char *proc) {
    char folder[PATH_CAP];
    segment_writer w;
    buf out = {0};
    uint64_t sequence = 0, noise = 1;
    file_path(folder, "%s/runs/%s", dir, run);
    if (file_folder(folder) || segment_writer_init(&w, folder, run, proc)) exit(1);
    declare(&out);
    for (int64_t step = 0; step < STEPS; step++) {
        head(&out, RECORD_STEP, 3, 0);
        buf_i64(&out, step);
        buf_i64(&out, clock_mono_ns());
        for (uint32_t i = 1; i <= SERIES; i++) {
            head(&out, RECORD_SCALAR, 2, i);
            noise = noise * 6364136223846793005u + 1442695040888963407u;
            buf_f64(&out,
                    (double)(float)((double)(noise >> 40) / 16777216.0 + 1.0 / (double)(step + 1)));
        }
        if (step % BLOCK_STEPS != BLOCK_STEPS - 1) continue;
        if (segment_append(&w, 0, sequence, out.data, out.length)) exit(1);
        sequence += out.length;
        buf_clear(&out);
    }
    segment_writer_fini(&w);
    buf_fini(&out);
}

static uint64_t points_of(core *c, const char *run) {
    core_reply reply = {0};
    core_get_run(c, run, &reply);
    buf_char(&reply.body, 0);
    const char *at = reply.status == 200 ? strstr((char *)reply.body.data, "\"points\":") : NULL;
    uint64_t points = at ? strtoull(at + 9, NULL, 10) : 0;
    buf_fini(&reply.body);
    return points;
}

static core *open_or_exit(const char *dir) {
    core *c = NULL;
    char *error = NULL;
    if (core_open(&c, &(core_options){.dir = dir}, &error)) {
        fprintf(stderr, "%s\n", error ? error : "?");
        exit(1);
    }
    return c;
}

static void bench_journal(const char *dir) {
    nns_id run, proc;
    if (id_new(&run) || id_new(&proc)) exit(1);
    make_journal(dir, run.text, proc.text);
    double cpu = cpu_s();
    int64_t start = clock_mono_ns();
    core *c = open_or_exit(dir);
    while (points_of(c, run.text) < (uint64_t)SERIES * STEPS)
        clock_sleep_ns(5 * NS_PER_MS);
    core_close(c); // commits
    double wall = (double)(clock_mono_ns() - start) / 1e9;
    cpu = cpu_s() - cpu;
    bench_line_least("ingest", (double)SERIES * STEPS / cpu / 1e6, "M_points/s/core", 8);
    printf("# ingest: %.2f s wall, %.2f s CPU, %.1f M points/s wall\n", wall, cpu,
           (double)SERIES * STEPS / wall / 1e6);
}

static void done(void *context, core_reply *reply) {
    *(int *)context = reply->status;
}

static void bench_http(const char *dir) {
    core *c = open_or_exit(dir);
    core_reply reply = {0};
    core_author who = {.name = "bench", .from = "api"};
    char run[27] = "";
    core_post_run(c, "{}", 2, &who, &reply);
    memcpy(run, strstr((char *)reply.body.data, "\"id\":\"") + 6, 26);
    buf_fini(&reply.body);
    buf body = {0};
    double cpu = cpu_s();
    for (int i = 0, status = 0; i < HTTP_OBJECTS; i++) {
        buf_print(&body,
                  "{\"step\":%d,\"train/loss\":%.9g,\"train/accuracy\":%.9g,\"lr\":0.001,\"grad/"
                  "norm\":%.9g,\"time/step\":%.9g}\n",
                  i, 1.0 / (i + 1) + 0.123456789, 0.5 + i * 1e-6, 3.14159265 * i,
                  0.0123 + i * 1e-9);
        if (i % 1000 != 999) continue;
        core_post_points(c, run, (char *)body.data, body.length, done, &status);
        while (!status) {
            core_poll(c);
            if (!status) clock_sleep_ns(50000);
        }
        if (status != 200) exit(1);
        status = 0;
        buf_clear(&body);
    }
    double with = cpu_s() - cpu;
    while (points_of(c, run) < (uint64_t)HTTP_OBJECTS * HTTP_SERIES)
        clock_sleep_ns(2 * NS_PER_MS);
    core_close(c);
    double all = cpu_s() - cpu;
    cpu = cpu_s(); // what making the bodies cost is not the server's
    for (int i = 0; i < HTTP_OBJECTS; i++) {
        buf_print(&body,
                  "{\"step\":%d,\"train/loss\":%.9g,\"train/accuracy\":%.9g,\"lr\":0.001,\"grad/"
                  "norm\":%.9g,\"time/step\":%.9g}\n",
                  i, 1.0 / (i + 1) + 0.123456789, 0.5 + i * 1e-6, 3.14159265 * i,
                  0.0123 + i * 1e-9);
        buf_clear(&body);
    }
    double making = cpu_s() - cpu;
    buf_fini(&body);
    bench_line_least("ingest_http", (double)HTTP_OBJECTS * HTTP_SERIES / (all - making) / 1e3,
                     "k_points/s/core", 500);
    printf("# ingest_http: %.3f s CPU to the answers, %.3f s to the committed store\n",
           with - making, all - making);
}

int main(void) {
    bench_begin();
    log_set_level(LOG_ERROR);
    bench_journal(bench_dir);
    bench_http(bench_dir);
    return bench_end();
}
