// Captured output that is longer than what is kept of it: both ends and a word between them stay, on the disk and in
// what the API gives; where a file's middle cannot be freed, capturing ends with a word instead.
#include "core_support.h"

#include "base/file.h"
#include "base/id.h"
#include "journal/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MIB = 1 << 20, LINE = 64, PRINTED = 66 * MIB, KEPT_MAX = 66 * MIB, HEAD = MIB };

static bool no_freeing;

// In the library's place of the system's.
int fallocate(int fd, int mode, off_t from, off_t bytes) {
    if (!no_freeing) return (int)syscall(SYS_fallocate, fd, mode, from, bytes);
    errno = EOPNOTSUPP;
    return -1;
}

static nns_run *begin(const char *dir, const char *id) {
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    return nns_open(&(nns_options){
        .dir = dir, .id = id, .quiet = true, .no_system = true, .capture_output = true});
}

static void print_lines(int bytes) {
    static char lines[MIB + 1];
    for (int i = 0; i < bytes / LINE; i++) {
        int at = i % (MIB / LINE);
        snprintf(lines + (size_t)at * LINE, LINE + 1, "%-62dx\n", i);
        if (at == MIB / LINE - 1 && write(1, lines, MIB) != MIB) _exit(9);
    }
}

static void print_much(const char *dir, const char *id) {
    nns_run *run = begin(dir, id);
    print_lines(PRINTED);
    clock_sleep_ns(1200 * NS_PER_MS); // a second of the helper's: cut once, and again at the end
    print_lines(PRINTED / 2);
    printf("the last words\n");
    nns_close(run, 0);
}

static bool goes_to_null(void) {
    struct stat at, null;
    return fstat(1, &at) == 0 && stat("/dev/null", &null) == 0 && at.st_rdev == null.st_rdev;
}

static void print_where_nothing_is_freed(const char *dir, const char *id) {
    no_freeing = true;
    nns_run *run = begin(dir, id);
    print_lines(PRINTED);
    for (int i = 0; i < 3000 && !goes_to_null(); i++)
        clock_sleep_ns(10 * NS_PER_MS);
    printf("\nnot recorded\n");
    fflush(stdout);
    nns_close(run, 0);
}

// The one PROC.out of the run.
static void find_output(char path[PATH_CAP], const char *dir, const char *id) {
    char folder[PATH_CAP];
    struct dirent *e;
    assert_int_equal(place_run(dir, id, folder), 0);
    DIR *d = opendir(folder);
    assert_non_null(d);
    path[0] = 0;
    while ((e = readdir(d)))
        if (strstr(e->d_name, ".out"))
            assert_int_equal(file_path(path, "%s/%s", folder, e->d_name), 0);
    closedir(d);
    assert_true(path[0]);
}

static json_t *log_at(core *c, const char *id, int64_t offset, int limit) {
    answer a = {0};
    core_get_log(c, id, NULL, offset, limit, false, got, &a);
    await(c, &a);
    assert_int_equal(a.status, 200);
    json_t *json = json_of(&a);
    mem_free(a.text);
    return json;
}

static int64_t number_in(const json_t *json, const char *name) {
    return json_integer_value(json_object_get(json, name));
}

// From the beginning to the end, as who follows reads it. -> bytes of text
static int64_t read_through(core *c, const char *id, int64_t size, int64_t gap[2]) {
    int64_t at = 0, bytes = 0;
    while (at < size) {
        json_t *piece = log_at(c, id, at, 4 * MIB);
        size_t n = json_string_length(json_object_get(piece, "text"));
        int64_t from = number_in(piece, "offset");
        assert_true(n > 0);
        assert_int_equal(strlen(text_in(piece, "text")), n); // no byte of the gap
        if (from != at) assert_true(at == gap[0] && from == gap[1]);
        assert_int_equal(number_in(piece, "next"), from + (int64_t)n);
        at = from + (int64_t)n;
        bytes += (int64_t)n;
        json_decref(piece);
    }
    return bytes;
}

static void test_long_output(void **state) {
    char path[PATH_CAP];
    struct stat st;
    nns_id id;
    assert_int_equal(id_new(&id), 0);
    core *c = open_core(*state);
    reap(trainer(print_much, *state, id.text));
    assert_true(wait_run(c, id.text, "finished", -1, 3000));
    find_output(path, *state, id.text);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, PRINTED / 2 * 3 + 15);
    assert_in_range(st.st_blocks * 512, MIB, KEPT_MAX);

    json_t *piece = log_at(c, id.text, 0, LINE), *both = json_object_get(piece, "gap");
    assert_memory_equal(text_in(piece, "text"), "0 ", 2);
    int64_t gap[2] = {json_integer_value(json_array_get(both, 0)),
                      json_integer_value(json_array_get(both, 1))};
    json_decref(piece);
    assert_int_equal(gap[0], HEAD);
    assert_int_equal(read_through(c, id.text, st.st_size, gap), st.st_size - (gap[1] - gap[0]));

    char word[80];
    snprintf(word, sizeof word, "\n[nnscope: %lld bytes of output were left out here]",
             (long long)(gap[1] - gap[0] + 96));
    piece = log_at(c, id.text, HEAD - 96, 4096); // up to the gap, not into it
    assert_memory_equal(text_in(piece, "text"), word, strlen(word));
    assert_int_equal(number_in(piece, "next"), HEAD);
    json_decref(piece);
    piece = log_at(c, id.text, gap[1] - 100, 200); // what of these bytes there is
    assert_int_equal(number_in(piece, "offset"), gap[1]);
    assert_int_equal(number_in(piece, "next"), gap[1] + 100);
    json_decref(piece);
    piece = log_at(c, id.text, -15, 100);
    assert_string_equal(text_in(piece, "text"), "the last words\n");
    json_decref(piece);
    core_close(c);
}

static void test_nothing_is_freed(void **state) {
    nns_id id;
    assert_int_equal(id_new(&id), 0);
    core *c = open_core(*state);
    reap(trainer(print_where_nothing_is_freed, *state, id.text));
    assert_true(wait_run(c, id.text, "finished", -1, 3000));
    json_t *piece = log_at(c, id.text, -300, 300);
    assert_non_null(strstr(text_in(piece, "text"), "the rest of the output is not recorded"));
    assert_null(strstr(text_in(piece, "text"), "\nnot recorded"));
    assert_true(json_is_null(json_object_get(piece, "gap")));
    assert_in_range(number_in(piece, "size"), 60 * MIB, PRINTED + 200);
    json_decref(piece);
    core_close(c);
}

const body bodies[] = {{"print_much", print_much},
                       {"print_where_nothing_is_freed", print_where_nothing_is_freed},
                       {0}};

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_long_output, make, unmake),
        cmocka_unit_test_setup_teardown(test_nothing_is_freed, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
