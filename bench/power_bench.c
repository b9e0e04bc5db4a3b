// Bench of what a power cut would cost: the oldest point that is not yet on the disk, at the worst moment. Every
// fdatasync of the library is watched (--wrap): when it returns, the bytes that the file had when it was called are safe.
// The segments are read afterwards: a point is as late as the first sync that covers its block.
// A segment is deleted only after the store has committed it (synchronous FULL), so that nothing behind this is later.
#include "measure.h"

#include "base/clock.h"
#include "base/le.h"
#include "journal/place.h"
#include "journal/segment.h"

#include <nnscope.h>

#include <sys/stat.h>

#define SECONDS 10
#define SYNCS_MAX 4096

typedef struct sync_done {
    ino_t file;
    off_t bytes;
    int64_t at_ns;
} sync_done;

static sync_done syncs[SYNCS_MAX]; // the library syncs in one thread
static int sync_count;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd) {
    struct stat before;
    bool seen = fstat(fd, &before) == 0;
    int result = __real_fdatasync(fd);
    if (seen && !result && sync_count < SYNCS_MAX)
        syncs[sync_count++] = (sync_done){before.st_ino, before.st_size, bench_now()};
    return result;
}

// Ten values a millisecond, each the moment at which it was logged.
static void log_moments(nns_run *run) {
    nns_series series = nns_series_open(run, "moment");
    int64_t until = bench_now() + SECONDS * 1000000000ll;
    for (int64_t step = 0; bench_now() < until && nns_step(run, step); step++) {
        for (int i = 0; i < 10; i++)
            nns_scalar(run, series, (double)bench_now());
        bench_sleep_us(1000);
    }
}

static int64_t safe_at(ino_t file, int64_t end) {
    for (int i = 0; i < sync_count; i++)
        if (syncs[i].file == file && syncs[i].bytes >= end) return syncs[i].at_ns;
    return INT64_MAX; // the cut came before
}

// The latest of the moments in a block's records, as seconds until they were safe.
static double worst_of_block(const segment_block *block, int64_t safe_ns, size_t *points) {
    double worst = 0;
    for (size_t at = 0, n; at < block->bytes; at += n) {
        n = record_check(block->records + at, block->bytes - at);
        if (n == 0) break;
        if (le_u16(block->records + at) != RECORD_SCALAR) continue;
        double late = ((double)safe_ns - le_f64(block->records + at + 8)) * 1e-9;
        if (le_f64(block->records + at + 8) < 1e9) continue; // another series
        (*points)++;
        if (late > worst) worst = late;
    }
    return worst;
}

static double worst_of_segment(const char *path, size_t *points) {
    struct stat st;
    segment_reader reader;
    segment_block block;
    double worst = 0;
    if (stat(path, &st) || segment_open(&reader, path)) return 0;
    while (segment_next(&reader, &block) == 0) {
        int64_t safe = safe_at(st.st_ino, reader.offset);
        if (safe == INT64_MAX) break;
        double late = worst_of_block(&block, safe, points);
        if (late > worst) worst = late;
    }
    segment_close(&reader);
    return worst;
}

int main(void) {
    bench_begin();
    nns_run *run = nns_open(
        &(nns_options){.project = "bench", .name = "power", .quiet = true, .no_system = true});
    char id[32], folder[PATH_CAP], command[PATH_CAP + 64], path[PATH_CAP];
    snprintf(id, sizeof id, "%s", nns_run_id(run));
    log_moments(run);
    nns_close(run, 0);
    if (place_run(bench_dir, id, folder)) return 2;
    snprintf(command, sizeof command, "ls '%s'/*.seg", folder);
    FILE *list = popen(command, "r");
    double worst = 0;
    size_t points = 0;
    while (list && fgets(path, sizeof path, list)) {
        path[strcspn(path, "\n")] = 0;
        double late = worst_of_segment(path, &points);
        if (late > worst) worst = late;
    }
    if (list) pclose(list);
    printf("# %d syncs, %zu points\n", sync_count, points);
    if (points < 1000) return 2;
    bench_line("power_cut_loss", worst, "s", 1.5);
    return bench_end();
}
