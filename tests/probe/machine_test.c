// Tests of what the helpers find out by themselves: GPUs (through a stand-in for the driver's library), git, the
// command line without secrets; and how soon values are seen while somebody looks.
#include "heard.h"

#include "base/clock.h"

#include <sys/stat.h>
#include <sys/wait.h>

static heard h;

static int setup(void **state) {
    (void)state;
    heard_init(&h);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    heard_fini(&h);
    return 0;
}

// The value of a fact, valid until the next call; "" when there is none.
static const char *fact(const char *key) {
    for (size_t i = 0; i < h.count; i++) {
        const uint8_t *at = h.items[i].at;
        size_t n = le_u16(at + 8);
        if (h.items[i].kind == RECORD_FACT && n == strlen(key) && !memcmp(at + 16, key, n))
            return heard_text(at + 16 + n, le_u32(at + 12));
    }
    return "";
}

// Facts are there however short the run is; samples come after the first step, once a second.
static bool has_power(const heard *all, uint64_t unused) {
    uint32_t series = heard_series(all, "gpu/0/power", SERIES_SCALAR);
    (void)unused;
    return series && heard_nth(all, RECORD_SCALAR, series, 0);
}

static void record_run(bool gpus, const nns_options *options) {
    nns_run *run = nns_open(options);
    nns_step(run, 1);
    assert_true(heard_appears(&h, nns_run_id(run)));
    if (gpus) assert_true(heard_until(&h, has_power, 0));
    nns_close(run, 0);
    heard_read(&h);
}

static double value_of(const char *name) {
    const heard_record *r = heard_nth(&h, RECORD_SCALAR, heard_series(&h, name, SERIES_SCALAR), 0);
    return r ? le_f64(r->at + 8) : -1;
}

static void gpus_are_sampled(void **state) {
    (void)state;
    const char *path = getenv("LD_LIBRARY_PATH");
    if (!path || !strstr(path, "fake")) {
        print_message("skipped: run by ctest, which puts the stand-in into LD_LIBRARY_PATH\n");
        skip();
    }
    record_run(true, &(nns_options){.quiet = true});
    assert_true(value_of("gpu/0/utilization") == 50 && value_of("gpu/1/utilization") == 51);
    assert_true(value_of("gpu/1/memory") == 2e9);
    assert_true(value_of("gpu/0/power") == 250.5 && value_of("gpu/1/power") == -1);
    assert_true(value_of("gpu/0/temperature") == 65);
    assert_non_null(strstr(fact("machine"), "\"gpus\":[\"Fake 0\",\"Fake 1\"]"));
}

static void secrets_stay(void **state) {
    (void)state;
    static const char *const argv[] = {"train",        "--lr",   "3",          "--api-key=abc",
                                       "--token",      "def",    "--password", "--auth=ghi",
                                       "HF_TOKEN=jkl", "tokens", "--seed=7",   NULL};
    char **arguments = (char **)(uintptr_t)argv;
    setenv("SLURM_JOB_TOKEN", "mno", 1);
    setenv("OMP_NUM_THREADS", "3", 1);
    record_run(false,
               &(nns_options){.quiet = true, .no_system = true, .argc = 11, .argv = arguments});
    assert_non_null(strstr(fact("process"),
                           "[\"train\",\"--lr\",\"3\",\"--api-key=***\",\"--token\",\"***\","
                           "\"--password\",\"--auth=***\",\"HF_TOKEN=***\",\"tokens\","
                           "\"--seed=7\"]"));
    assert_non_null(strstr(fact("environment"), "\"OMP_NUM_THREADS\":\"3\""));
    assert_null(strstr(fact("environment"), "mno"));
    unsetenv("SLURM_JOB_TOKEN");
}

// --- git -----------------------------------------------------------------------------------------

static bool shell(const char *line) {
    char text[1200];
    snprintf(text, sizeof text,
             "cd '%s/tree' && export HOME='%s' GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a "
             "GIT_COMMITTER_NAME=a "
             "GIT_COMMITTER_EMAIL=a GIT_CONFIG_NOSYSTEM=1; (%s) >/dev/null 2>&1",
             h.dir, h.dir, line);
    return system(text) == 0;
}

static void git_says(const char *wanted) {
    record_run(false, &(nns_options){.quiet = true, .no_system = true});
    if (!strstr(fact("git"), wanted)) fail_msg("%s is not in %s", wanted, fact("git"));
}

static void git_is_read(void **state) {
    (void)state;
    char tree[400], here[PATH_CAP];
    snprintf(tree, sizeof tree, "%s/tree", h.dir);
    mkdir(tree, 0700);
    if (!shell("git init -b trunk . && mkdir sub && seq 100 > a && echo b > sub/b && ln -s a link "
               "&& git add . && "
               "git commit -m one")) {
        print_message("skipped: no git here\n");
        skip();
    }
    assert_non_null(getcwd(here, sizeof here));
    snprintf(tree, sizeof tree, "%s/tree/sub", h.dir); // from a folder below
    assert_int_equal(chdir(tree), 0);
    git_says("\"branch\":\"trunk\",\"dirty\":false");
    shell("touch -d '1 hour ago' a"); // another time, the same contents
    git_says("\"dirty\":false");
    shell("sed -i s/99/98/ a"); // the same size
    git_says("\"dirty\":true");
    shell("git checkout a; echo c > c; git add c"); // staged only
    git_says("\"dirty\":true");
    shell(
        "git commit -m two; git pack-refs --all; git update-index --index-version 4"); // packed, version 4
    git_says("\"branch\":\"trunk\",\"dirty\":false");
    shell("rm sub/b; git checkout --detach");
    git_says("\"dirty\":true");
    assert_null(strstr(fact("git"), "branch"));
    assert_int_equal(chdir(here), 0);
}

// --- pace ----------------------------------------------------------------------------------------

static void watch(uint32_t seconds) {
    inbox_writer w;
    uint8_t one[16] = {0};
    le_put_u16(one, RECORD_WATCH);
    le_put_u16(one + 2, 2);
    le_put_u32(one + 4, seconds);
    le_put_u64(one + 8, 30);
    assert_int_equal(inbox_open_writer(&w, h.folder, h.process), 0);
    assert_int_equal(inbox_append(&w, one, sizeof one), 0);
    inbox_close_writer(&w);
}

static int compare(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

// Milliseconds from a value to its place in a file, the median of some.
static int delay_ms(nns_run *run, nns_series s) {
    enum { TRIES = 9 };
    int waits[TRIES];
    for (int i = 0; i < TRIES; i++) {
        size_t before = 0;
        heard_read(&h);
        while (heard_nth(&h, RECORD_SCALAR, s, before))
            before++;
        nns_scalar(run, s, i);
        for (waits[i] = 0; waits[i] < 1000 && !heard_nth(&h, RECORD_SCALAR, s, before);
             waits[i]++) {
            sleep_ms(1);
            heard_read(&h);
        }
        sleep_ms(37);
    }
    qsort(waits, TRIES, sizeof *waits, compare);
    return waits[TRIES / 2];
}

static void who_looks_sees_soon(void **state) {
    (void)state;
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    nns_series s = nns_series_open(run, "s");
    nns_step(run, 0);
    sleep_ms(600);
    heard_find(&h, nns_run_id(run));
    int alone = delay_ms(run, s);
    watch(20);
    sleep_ms(300); // longer than any of its paces: it has heard of it
    int watched = delay_ms(run, s);
    print_message("to the file: %d ms alone, %d ms watched\n", alone, watched);
    assert_true(watched <= 40);
    assert_true(alone > watched);
    nns_close(run, 0);
}

static off_t journal_bytes(void) {
    struct stat st;
    char path[PATH_CAP];
    assert_int_equal(segment_path(path, h.folder, h.process, 1), 0);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

// Writes cost most of the helper's CPU: nobody looks, so there are two a second, whatever the pace of its wakes.
static void what_nobody_waits_for_is_written_seldom(void **state) {
    (void)state;
    int writes = 0;
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    nns_series s = nns_series_open(run, "s");
    nns_step(run, 0);
    sleep_ms(1200);
    heard_find(&h, nns_run_id(run));
    int64_t until = clock_mono_ns() + 2 * NS_PER_S;
    for (off_t before = journal_bytes(), now; clock_mono_ns() < until; before = now) {
        nns_scalar(run, s, 1);
        sleep_ms(5);
        now = journal_bytes();
        writes += now > before;
    }
    print_message("writes in two seconds: %d\n", writes);
    assert_in_range(writes, 1, 7);
    nns_close(run, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {CASE(gpus_are_sampled), CASE(secrets_stay),
                                       CASE(git_is_read), CASE(who_looks_sees_soon),
                                       CASE(what_nobody_waits_for_is_written_seldom)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
