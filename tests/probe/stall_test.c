// Unit stall_test.c tests a disk that stalls, then fails, then is slow, under a run whose network is looked at and whose snapshots
// are kept: training goes on at its pace, what cannot be written is thinned and counted, memory has its bounds, and all of it comes
// back when the disk does.
#include "heard.h"

#include "base/clock.h"
#include "journal/capture.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { UNITS = 128, INPUTS = 784, ROWS = 32 };
#ifdef __SANITIZE_ADDRESS__
#define GROWN_KB_MAX (512 << 10) // what was freed is kept from use
#else
#define GROWN_KB_MAX (16 << 10)
#endif

static heard h;
static nns_run *run;
static nns_series loss;
static float weight[UNITS][INPUTS], act[ROWS][UNITS];
static int64_t step;
static long slept; // how often the training thread slept in nnscope's calls

// --- the disk --------------------------------------------------------------------------------------

// What the library's threads meet when they write into a file: in the place of the system's calls.
enum { WELL, STALLED, FAILING, SLOW };
static _Atomic int disk;
static _Atomic int met;
static _Thread_local bool is_test;

static bool disk_fails(int fd) {
    struct stat st;
    if (is_test || disk == WELL || fstat(fd, &st) || !S_ISREG(st.st_mode)) return false;
    atomic_fetch_add(&met, 1);
    if (disk == SLOW) sleep_ms(150);
    while (disk == STALLED)
        sleep_ms(5);
    errno = EIO;
    return disk == FAILING;
}

ssize_t pwritev(int fd, const struct iovec *piece, int count, off_t offset) {
    ssize_t all = 0;
    if (disk_fails(fd)) return -1;
    for (int i = 0; i < count; i++) {
        ssize_t n = pwrite(fd, piece[i].iov_base, piece[i].iov_len, offset + all);
        if (n < 0) return all ? all : n;
        all += n;
        if ((size_t)n < piece[i].iov_len) break;
    }
    return all;
}

ssize_t write(int fd, const void *data, size_t bytes) {
    struct iovec piece = {(void *)(uintptr_t)data, bytes};
    return disk_fails(fd) ? -1 : writev(fd, &piece, 1);
}

int fdatasync(int fd) {
    return disk_fails(fd) ? -1 : fsync(fd);
}

// --- the run ---------------------------------------------------------------------------------------

static int setup(void **state) {
    (void)state;
    is_test = true;
    step = 0;
    heard_init(&h);
    run = nns_open(&(nns_options){.quiet = true, .no_system = true, .budget = 0.9});
    assert_non_null(run);
    loss = nns_series_open(run, "loss");
    nns_layer fc = nns_layer_describe(
        run, &(nns_layer_info){.name = "fc", .kind = "dense", .dims = 1, .shape = {UNITS}});
    assert_true(nns_tensor_add(run, &(nns_tensor_info){.layer = fc,
                                                       .role = NNS_WEIGHT,
                                                       .dtype = NNS_FLOAT32,
                                                       .data = weight,
                                                       .dims = 2,
                                                       .shape = {UNITS, INPUTS}}));
    assert_true(nns_tensor_add(run, &(nns_tensor_info){.layer = fc,
                                                       .role = NNS_ACT,
                                                       .dtype = NNS_FLOAT32,
                                                       .data = act,
                                                       .dims = 2,
                                                       .shape = {ROWS, UNITS}}));
    assert_true(heard_appears(&h, nns_run_id(run)));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    disk = WELL;
    nns_close(run, 0);
    heard_fini(&h);
    return 0;
}

static void look(void) {
    uint8_t at[24] = {0};
    inbox_writer w;
    le_put_u16(at, RECORD_LOOK);
    le_put_u16(at + 2, 3);
    le_put_u32(at + 4, 60);
    le_put_u32(at + 8, LOOK_UNITS | LOOK_WEIGHTS);
    le_put_u16(at + 12, 300);
    le_put_u16(at + 14, 300);
    le_put_u32(at + 16, 1000);
    assert_int_equal(inbox_open_writer(&w, h.folder, h.process), 0);
    assert_int_equal(inbox_append(&w, at, sizeof at), 0);
    inbox_close_writer(&w);
}

static long sleeps(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

static void train_a_step(void) {
    for (int i = 0; i < INPUTS; i++)
        weight[step % UNITS][i] = sinf((float)(step + i));
    long before = sleeps();
    nns_before_update(run);
    nns_step(run, step++);
    nns_scalar(run, loss, (double)step);
    slept += sleeps() - before;
}

// -> steps in this time.
static int64_t train(int64_t ns) {
    int64_t until = clock_mono_ns() + ns, first = step;
    while (clock_mono_ns() < until) {
        train_a_step();
        sleep_ms(1);
    }
    return step - first;
}

// The server takes the blobs away when it has read them.
static void take_blobs(void) {
    DIR *dir = opendir(h.folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[PATH_CAP];
        const char *end = strrchr(entry->d_name, '.');
        if (!end || strcmp(end, ".blob")) continue; // not yet under its own name
        snprintf(path, sizeof path, "%s/%s", h.folder, entry->d_name);
        unlink(path);
    }
    if (dir) closedir(dir);
}

// Captures of this kind that were written, of states behind `after`.
static int captures(uint32_t kind, int64_t after) {
    const heard_record *r;
    int found = 0;
    for (size_t n = 0; (r = heard_nth(&h, RECORD_CAPTURE, kind, n)); n++)
        found += le_i64(r->at + 16) > after && le_u64(r->at + 24);
    return found;
}

// What the run says was thinned in the second in which that was most.
static double thinned_at_once(void) {
    uint32_t series = heard_series(&h, "nnscope/captures_thinned", SERIES_SCALAR);
    double most = 0;
    for (size_t i = 0; series && i < h.count; i++)
        if (h.items[i].kind == RECORD_SCALAR && h.items[i].a == series)
            most = fmax(most, le_f64(h.items[i].at + 8));
    return most;
}

// Trains until looks and a snapshot of what comes from now on have arrived, and so much is said to be thinned.
static void expect_captures(double thinned) {
    int64_t from = step;
    bool there = false;
    for (int i = 0; i < 600 && !there; i++) {
        train(NS_PER_S / 10);
        take_blobs();
        heard_read(&h);
        there = captures(CAPTURE_LOOK, from) >= 3 && captures(CAPTURE_SNAPSHOT, from) >= 1 &&
                thinned_at_once() >= thinned;
    }
    assert_true(there);
}

static long resident_kb(void) {
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
    fclose(f);
    return resident * 4;
}

// All values of the loss, once and in order.
static void expect_all_losses(void) {
    uint32_t series = heard_series(&h, "loss", SERIES_SCALAR);
    int64_t n = 0;
    for (size_t i = 0; i < h.count; i++)
        if (h.items[i].kind == RECORD_SCALAR && h.items[i].a == series)
            assert_true(le_f64(h.items[i].at + 8) == (double)++n);
    assert_true(n > 0);
}

// --- tests -----------------------------------------------------------------------------------------

// A second's steps.
static int64_t pace(int64_t ns) {
    return train(ns) * NS_PER_S / ns;
}

static void goes_through(int trouble, int64_t ns, int64_t well, double thinned) {
    long resident = resident_kb();
    atomic_store(&met, 0);
    slept = 0;
    disk = trouble;
    int64_t ill = pace(ns);
    long grown = resident_kb() - resident;
    disk = WELL;
    assert_true(atomic_load(&met) > 0);
    assert_true(slept < 5);       // a page of memory may be waited for, the disk never
    assert_true(ill >= well / 3); // others work on this machine too
    assert_true(grown < GROWN_KB_MAX);
    expect_captures(thinned);
    print_message("%lld steps a second, well %lld; %ld kB more\n", (long long)ill, (long long)well,
                  grown);
}

static void a_disk_with_captures(void **state) {
    (void)state;
    nns_stats stats;
    look();
    train_a_step(); // its lane is made
    expect_captures(0);
    int64_t well = pace(NS_PER_S / 2);
    // Two kinds of looks at 30 a second: so much is not thinned in one that goes well.
    goes_through(STALLED, 2 * NS_PER_S, well, 80);
    nns_stats_get(run, &stats);
    assert_int_equal(stats.failed_bytes, 0);
    goes_through(FAILING, NS_PER_S * 7 / 10, well, 0);
    nns_stats_get(run, &stats);
    assert_true(stats.failed_bytes > 0); // captures; what stands in lanes is written later
    goes_through(SLOW, NS_PER_S * 7 / 10, well, 0);
    nns_stats_get(run, &stats);
    assert_int_equal(stats.dropped_records, 0);
    expect_all_losses();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_disk_with_captures, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
