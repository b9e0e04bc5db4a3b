// Unit place_test.c tests where things lie and that folders and FIFOs are private, ours and no
// links.
#include "journal/place.h"

#include "base/error.h"
#include "support/check.h"
#include "support/temp.h"

#include <fcntl.h>

static char folder[256];

static int setup(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", temp_make());
    return 0;
}

static int teardown(void **state) {
    (void)state;
    unsetenv("NNSCOPE_SHM");
    temp_remove(folder);
    return 0;
}

static void data_directory(void **state) {
    (void)state;
    char out[PATH_CAP];
    setenv("NNSCOPE_DIR", "/a/b", 1);
    setenv("XDG_DATA_HOME", "/c", 1);
    setenv("HOME", "/d", 1);
    assert_int_equal(place_data("/x", out), 0);
    assert_string_equal(out, "/x");
    assert_int_equal(place_data("", out), 0);
    assert_string_equal(out, "/a/b");
    setenv("NNSCOPE_DIR", "", 1);
    assert_int_equal(place_data(NULL, out), 0);
    assert_string_equal(out, "/c/nnscope");
    unsetenv("XDG_DATA_HOME");
    assert_int_equal(place_data(NULL, out), 0);
    assert_string_equal(out, "/d/.local/share/nnscope");
    unsetenv("HOME");
    assert_int_equal(place_data(NULL, out), NNS_E_NOT_FOUND);
    assert_int_equal(place_data("here", out), 0);
    assert_true(out[0] == '/' && strcmp(strrchr(out, '/'), "/here") == 0);
}

static void making(void **state) {
    (void)state;
    char dir[PATH_CAP], path[PATH_CAP];
    struct stat st;
    file_path(dir, "%s/data/here", folder);
    assert_int_equal(place_make(dir), 0);
    assert_int_equal(place_make(dir), 0);
    file_path(path, "%s/wake", dir);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    file_path(path, "%s/runs", dir);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void lanes_folder(void **state) {
    (void)state;
    char out[PATH_CAP], want[PATH_CAP];
    file_path(want, "%s/nnscope-%u", folder, (unsigned)geteuid());
    setenv("NNSCOPE_SHM", folder, 1);
    assert_int_equal(place_lanes(out), 0);
    assert_string_equal(out, want);
    assert_true(place_lanes_valid(out));
    assert_int_equal(chmod(out, 0755), 0);
    assert_false(place_lanes_valid(out));
    assert_int_equal(place_lanes(out), 0); // ours: closed again
    assert_true(place_lanes_valid(out));
    assert_false(place_lanes_valid(folder));
    assert_false(place_lanes_valid(strrchr(out, '/') + 1));
    assert_false(place_lanes_valid(""));
}

static void lanes_folder_is_no_link(void **state) {
    (void)state;
    char out[PATH_CAP], link[PATH_CAP], target[PATH_CAP];
    file_path(link, "%s/nnscope-%u", folder, (unsigned)geteuid());
    file_path(target, "%s/elsewhere", folder);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, link), 0);
    setenv("NNSCOPE_SHM", folder, 1);
    assert_false(place_lanes_valid(link));
    if (place_lanes(out) == 0) assert_string_not_equal(out, link); // the next place, or none
}

static void fifos(void **state) {
    (void)state;
    char path[PATH_CAP], link[PATH_CAP], bytes[8];
    file_path(path, "%s/bell", folder);
    int fd = place_fifo(path), again = place_fifo(path);
    assert_true(fd >= 0 && again >= 0);
    for (int i = 0; i < 100000; i++) // far more than it holds: never waits
        place_ring(fd);
    place_ring(-1);
    assert_int_equal(read(again, bytes, sizeof bytes), sizeof bytes);
    close(fd);
    close(again);
    file_path(link, "%s/link", folder);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(place_fifo(link), NNS_E_PERMISSION);
    file_path(path, "%s/file", folder);
    assert_int_equal(file_write(path, "", 0), 0);
    assert_int_equal(place_fifo(path), NNS_E_EXISTS);
}

static void this_machine(void **state) {
    (void)state;
    char boot[BOOT_CAP], host[HOST_CAP];
    place_boot(boot);
    place_host(host);
    assert_true(strlen(boot) == 36 || boot[0] == 0);
    assert_true(host[0] != 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_directory),
        cmocka_unit_test_setup_teardown(making, setup, teardown),
        cmocka_unit_test_setup_teardown(lanes_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(lanes_folder_is_no_link, setup, teardown),
        cmocka_unit_test_setup_teardown(fifos, setup, teardown),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
