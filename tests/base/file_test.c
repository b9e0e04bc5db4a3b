// Unit file_test.c tests whole files, private folders and locks between processes.
#include "base/file.h"

#include "base/error.h"
#include "support/check.h"
#include "support/temp.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static char folder[PATH_CAP], path[PATH_CAP];

static int setup(void **state) {
    (void)state;
    file_path(folder, "%s", temp_make());
    file_path(path, "%s/file", folder);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    temp_remove(folder);
    return 0;
}

static void write_and_read(void **state) {
    (void)state;
    static uint8_t data[200000];
    uint64_t random = random_seed();
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)random_next(&random);
    buf b = {0};
    struct stat st;
    assert_int_equal(file_read(path, 10, &b), NNS_E_NOT_FOUND);
    assert_int_equal(file_write(path, data, sizeof data), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, sizeof data, &b), 0);
    assert_int_equal(b.length, sizeof data);
    assert_memory_equal(b.data, data, sizeof data);
    buf_clear(&b);
    assert_int_equal(file_read(path, sizeof data - 1, &b), NNS_E_TOO_LARGE);
    assert_int_equal(file_write(path, "x", 1), 0);
    buf_clear(&b);
    assert_int_equal(file_read(path, 10, &b), 0);
    assert_int_equal(b.length, 1);
    buf_fini(&b);
}

static void pread_is_short_at_the_end(void **state) {
    (void)state;
    char data[8];
    assert_int_equal(file_write(path, "abcdef", 6), 0);
    int fd = open(path, O_RDONLY);
    assert_int_equal(file_pread(fd, data, 8, 0), 6);
    assert_int_equal(file_pread(fd, data, 2, 2), 2);
    assert_memory_equal(data, "cd", 2);
    assert_int_equal(file_pread(fd, data, 8, 100), 0);
    close(fd);
    assert_int_equal(file_pread(fd, data, 8, 0), NNS_E_IO);
}

static void folders_are_private(void **state) {
    (void)state;
    char below[PATH_CAP], link[PATH_CAP];
    struct stat st;
    file_path(below, "%s/a/b/c", folder);
    assert_int_equal(file_folder(below), 0);
    assert_int_equal(file_folder(below), 0);
    assert_int_equal(stat(below, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    file_path(link, "%s/link", folder);
    assert_int_equal(symlink(below, link), 0);
    assert_int_equal(file_folder(link), NNS_E_PERMISSION);
    assert_int_equal(file_write(path, "", 0), 0);
    assert_true(file_folder(path) < 0);
}

static void paths_have_a_limit(void **state) {
    (void)state;
    static char longer[PATH_CAP + 10], out[PATH_CAP];
    memset(longer, 'a', sizeof longer - 1);
    assert_int_equal(file_path(out, "%s", longer), NNS_E_TOO_LARGE);
    longer[PATH_CAP - 1] = 0;
    assert_int_equal(file_path(out, "%s", longer), 0);
}

// The child holds the lock until it is killed.
static void locks_die_with_their_process(void **state) {
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(file_write(path, "", 0), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_RDWR);
        if (file_lock(fd) == 0 && write(ready[1], "", 1) == 1) pause();
        _exit(1);
    }
    char c;
    assert_int_equal(read(ready[0], &c, 1), 1);
    int fd = open(path, O_RDWR);
    assert_int_equal(file_locked_by(fd), child);
    assert_int_equal(file_lock(fd), NNS_E_BUSY);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(file_locked_by(fd), 0);
    assert_int_equal(file_lock(fd), 0);
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(pread_is_short_at_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_are_private, setup, teardown),
        cmocka_unit_test(paths_have_a_limit),
        cmocka_unit_test_setup_teardown(locks_die_with_their_process, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
