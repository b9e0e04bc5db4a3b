// Unit salvage_test.c kills a process at random moments and proves that nothing which it had
// published before is lost and nothing doubled. NNS_ROUNDS sets the number of kills (50).
//
// The victim: two threads write counters into small lanes, a third is the helper: it moves the
// lanes into segments and, like the real one, is slow at times, so that the kill finds lanes full,
// half copied, or just released. A blob is put now and then. What each thread published it notes in
// memory that this process shares.
//
// The salvager is itself killed at a random moment in half of the rounds, then another one is sent.
// Then the segments are read as ingest does: numbers in order, a torn end skipped, sequences that
// are known skipped.
#include "journal/salvage.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/le.h"
#include "base/mem.h"
#include "journal/lane.h"
#include "journal/place.h"
#include "journal/segment.h"
#include "journal/stage.h"
#include "support/check.h"
#include "support/temp.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define RUN "01kaq8z3v5m4n6p7q8r9s0t1v0"

enum { WRITERS = 2, CAPACITY = 16384, BLOB_BYTES = 700 };

// What the victim notes, in memory shared with the test.
typedef struct notes {
    _Atomic uint64_t published[WRITERS]; // the highest counter whose lane_publish returned
    _Atomic uint64_t blobs;              // the highest number that stage_put gave
    _Atomic uint64_t ready;              // 1: alive held, lanes made
} notes;

static char folder[256], lanes[PATH_CAP];
static nns_id process;
static notes *shared;

typedef struct victim {
    lane lanes[WRITERS];
    stage blobs;
    segment_writer journal;
    uint64_t seed;
    uint32_t turn;
} victim;

static victim v;

static int setup(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", temp_make());
    setenv("NNSCOPE_SHM", folder, 1);
    assert_int_equal(place_lanes(lanes), 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    temp_remove(folder);
    munmap(shared, sizeof *shared);
    return 0;
}

// One scalar, behind its step; false: no room (counted in the lane).
static bool write_counter(lane *l, uint32_t series, uint64_t counter) {
    int64_t step = (int64_t)(counter / 10);
    uint8_t *at = NULL;
    if ((l->step == step && !l->dropped) || lane_open_step(l, step, clock_mono_ns()))
        at = lane_room(l, 16);
    if (!at) {
        lane_lose(l);
        return false;
    }
    le_put_u64(at, RECORD_SCALAR | UINT64_C(2) << 16 | (uint64_t)series << 32);
    le_put_f64(at + 8, (double)counter);
    lane_publish(l, 16);
    return true;
}

static void *writer(void *argument) {
    uint32_t series = (uint32_t)(uintptr_t)argument;
    uint8_t blob[BLOB_BYTES];
    for (uint64_t counter = 1;; counter++) {
        if (write_counter(&v.lanes[series], series, counter))
            atomic_store(&shared->published[series], counter);
        else
            sched_yield();
        if (series == 0 && counter % 2000 == 0) {
            memset(blob, (int)(v.blobs.next_number & 0xFF), sizeof blob);
            uint64_t number = stage_put(&v.blobs, blob, sizeof blob);
            if (number) atomic_store(&shared->blobs, number);
        }
    }
    return NULL;
}

// Moves one lane; now and then waits between the write and the release: there a kill leaves a
// double.
static void copy_lane(uint32_t i, uint64_t *random) {
    const uint8_t *at;
    size_t ready = lane_ready(&v.lanes[i], &at);
    if (segment_append(&v.journal, i, *v.lanes[i].head, at, ready)) _exit(3);
    if (random_below(random, 3) == 0) clock_sleep_ns((int64_t)random_below(random, 3000000));
    lane_release(&v.lanes[i], ready);
}

static void helper(void) {
    uint64_t random = v.seed, failed = 0;
    for (;;) {
        for (uint32_t i = 0; i < WRITERS; i++)
            copy_lane(i, &random);
        if (random_below(&random, 8) == 0) stage_drain(&v.blobs, folder, process.text, &failed);
        clock_sleep_ns((int64_t)random_below(&random, 1500000));
    }
}

static void be_the_victim(uint64_t seed) {
    pthread_t thread;
    alive_info info = {.opened_ms = clock_wall_ms(), .name = "victim"};
    memcpy(info.lanes, lanes, strlen(lanes) + 1); // at most 511: place_lanes
    v.seed = seed;
    prctl(PR_SET_PDEATHSIG, SIGKILL); // a failed test leaves nothing behind
    if (alive_hold(folder, process.text, &info) < 0) _exit(1);
    for (uint32_t i = 0; i < WRITERS; i++)
        if (lane_make(&v.lanes[i], lanes, process.text, i, CAPACITY)) _exit(1);
    if (stage_make(&v.blobs, lanes, process.text, CAPACITY)) _exit(1);
    if (segment_writer_init(&v.journal, folder, RUN, process.text)) _exit(1);
    for (uintptr_t i = 0; i < WRITERS; i++)
        if (pthread_create(&thread, NULL, writer, (void *)i)) _exit(1);
    atomic_store(&shared->ready, 1);
    helper();
}

static void kill_a_victim(uint64_t *random) {
    memset((void *)shared, 0, sizeof *shared);
    assert_int_equal(id_new(&process), 0);
    uint64_t seed = random_next(random);
    pid_t child = fork();
    if (child == 0) be_the_victim(seed);
    while (!atomic_load(&shared->ready) && waitpid(child, NULL, WNOHANG) == 0)
        sched_yield();
    clock_sleep_ns((int64_t)random_below(random, 15 * NS_PER_MS));
    assert_int_equal(alive_check(folder, process.text), 1);
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

// A salvager in a process of its own, killed after `after_ns` when that is not negative. -> killed
// or not
static bool salvage_by_child(int64_t after_ns) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        uint64_t bytes;
        int result = salvage(folder, RUN, process.text, &bytes);
        _exit(result == 0 ? 0 : result == NNS_E_NOT_FOUND ? 4 : 5);
    }
    if (after_ns >= 0) {
        clock_sleep_ns(after_ns);
        kill(child, SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) return true;
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 4);
    return false;
}

// What a reader of one lane knows.
typedef struct follower {
    uint64_t next;    // sequence
    uint64_t counter; // last seen, dropped ones included
    uint64_t doubled; // bytes that came again, and were skipped
} follower;

static void follow_record(follower *f, uint32_t series, const uint8_t *at) {
    if (le_u16(at) == RECORD_GAP) f->counter += le_u64(at + 8);
    if (le_u16(at) == RECORD_STEP) assert_int_equal(le_i64(at + 8), (f->counter + 1) / 10);
    if (le_u16(at) != RECORD_SCALAR) return;
    assert_int_equal(le_u32(at + 4), series);
    f->counter++;
    assert_true(le_f64(at + 8) == (double)f->counter); // none lost, none doubled, in order
}

static void follow_block(follower *f, const segment_block *block) {
    assert_true(block->first <= f->next); // no hole
    uint64_t known = f->next - block->first;
    if (known > block->bytes) known = block->bytes;
    f->doubled += known;
    for (size_t at = known; at < block->bytes;) {
        size_t n = record_check(block->records + at, block->bytes - at);
        assert_true(n > 0);
        follow_record(f, block->lane, block->records + at);
        at += n;
    }
    f->next += block->bytes - known;
}

static void read_journal(follower followers[WRITERS]) {
    uint32_t *numbers;
    size_t count;
    assert_int_equal(segment_list(folder, process.text, &numbers, &count), 0);
    for (size_t i = 0; i < count; i++) {
        char path[PATH_CAP];
        segment_reader r;
        segment_block block;
        segment_path(path, folder, process.text, numbers[i]);
        int result = segment_open(&r, path);
        if (result == NNS_E_AGAIN) continue; // killed before its header was whole
        assert_int_equal(result, 0);
        while (!(result = segment_next(&r, &block)))
            follow_block(&followers[block.lane], &block);
        assert_true(result == NNS_E_AGAIN || result == NNS_E_CORRUPT);
        segment_close(&r);
    }
    mem_free(numbers);
}

static void expect_blobs(void) {
    for (uint64_t n = 1; n <= shared->blobs; n++) {
        char path[PATH_CAP];
        buf got = {0};
        stage_blob_path(path, folder, process.text, n);
        assert_int_equal(file_read(path, BLOB_BYTES, &got), 0);
        assert_int_equal(got.length, BLOB_BYTES);
        assert_int_equal(got.data[0], n & 0xFF);
        assert_int_equal(got.data[BLOB_BYTES - 1], n & 0xFF);
        buf_fini(&got);
    }
}

// Nothing of the process stays but segments and blobs.
static void expect_clean(const char *where, bool segments) {
    DIR *dir = opendir(where);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (strncmp(name, process.text, ID_LENGTH) != 0) continue;
        assert_true(segments && name[ID_LENGTH] == '-' && !strstr(name, ".tmp"));
        unlinkat(dirfd(dir), name, 0);
    }
    closedir(dir);
}

static void nothing_lost_nothing_doubled(void **state) {
    (void)state;
    uint64_t random = random_seed(), doubled = 0, records = 0, salvagers_killed = 0;
    for (unsigned round = 0; round < rounds(50); round++) {
        follower followers[WRITERS] = {0};
        kill_a_victim(&random);
        for (int i = 0; round % 2 && i < 3; i++)
            salvagers_killed += salvage_by_child((int64_t)random_below(&random, 3 * NS_PER_MS));
        salvage_by_child(-1);
        assert_int_equal(alive_check(folder, process.text), NNS_E_NOT_FOUND);
        read_journal(followers);
        for (int i = 0; i < WRITERS; i++) {
            assert_true(followers[i].counter >= shared->published[i]);
            doubled += followers[i].doubled;
            records += followers[i].counter;
        }
        expect_blobs();
        expect_clean(lanes, false);
        expect_clean(folder, true);
    }
    printf("%llu records, %llu salvagers killed, %llu bytes came twice and were skipped\n",
           (unsigned long long)records, (unsigned long long)salvagers_killed,
           (unsigned long long)doubled);
}

// Of several salvagers at once each ends well, and the journal is whole.
static void salvagers_at_once(void **state) {
    (void)state;
    uint64_t random = random_seed();
    for (int round = 0; round < 5; round++) {
        follower followers[WRITERS] = {0};
        pid_t children[4];
        int moved = 0;
        kill_a_victim(&random);
        for (int i = 0; i < 4; i++) {
            children[i] = fork();
            uint64_t bytes;
            if (children[i] == 0) _exit(salvage(folder, RUN, process.text, &bytes) + 100);
        }
        for (int i = 0; i < 4; i++) {
            int status;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_true(WIFEXITED(status));
            int result = WEXITSTATUS(status) - 100;
            assert_true(result == 0 || result == NNS_E_BUSY || result == NNS_E_NOT_FOUND);
            moved += result == 0;
        }
        assert_int_equal(moved, 1);
        read_journal(followers);
        for (int i = 0; i < WRITERS; i++)
            assert_true(followers[i].counter >= shared->published[i]);
        expect_clean(lanes, false);
        expect_clean(folder, true);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_lost_nothing_doubled, setup, teardown),
        cmocka_unit_test_setup_teardown(salvagers_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
