// A temporary folder for each test of a program: cmocka_unit_test_setup_teardown(test, setup, teardown).
#ifndef NNS_TESTS_SUPPORT_FOLDER_H
#define NNS_TESTS_SUPPORT_FOLDER_H

#include "temp.h"

static char folder[256];

static int setup(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", temp_make());
    return 0;
}

static int teardown(void **state) {
    (void)state;
    temp_remove(folder);
    return 0;
}

#endif
