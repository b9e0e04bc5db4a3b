// IDX files, whole and broken in every way that the format knows; where data is looked for; drawn digits.
#include "base/error.h"
#include "train/data.h"
#include "train/digits.h"
#include "train/idx.h"
#include "train/parallel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

static char folder[64];

static void put(buf *b, const char *hex) {
    for (; *hex; hex += 2) {
        unsigned byte;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        buf_char(b, (char)byte);
    }
}

static void write_file(const char *name, const buf *b, bool packed) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile file = gzopen(path, packed ? "wb" : "wbT");
    assert_non_null(file);
    if (b->length) assert_int_equal(gzwrite(file, b->data, (unsigned)b->length), (int)b->length);
    assert_int_equal(gzclose(file), Z_OK);
}

static void remove_file(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static void remove_all(void) {
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    for (int i = 0; i < 4; i++) {
        char packed[64];
        snprintf(packed, sizeof packed, "%s.gz", names[i]);
        remove_file(names[i]);
        remove_file(packed);
    }
}

// 24 images of 3 x 2, labels 0..3 in turn, image i filled with i.
static buf images(uint8_t count) {
    buf b = {0};
    put(&b, "00000803000000");
    buf_char(&b, (char)count);
    put(&b, "0000000300000002");
    for (int i = 0; i < count; i++)
        for (int k = 0; k < 6; k++)
            buf_char(&b, (char)i);
    return b;
}

static buf labels(uint8_t count, uint8_t first) {
    buf b = {0};
    put(&b, "00000801000000");
    buf_char(&b, (char)count);
    for (int i = 0; i < count; i++)
        buf_char(&b, (char)((i + first) % 4));
    return b;
}

static void write_set(bool packed) {
    buf part[4] = {images(24), labels(24, 0), images(8), labels(8, 0)};
    const char *const end = packed ? ".gz" : "";
    const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                 "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    remove_all();
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", names[i], end);
        write_file(name, &part[i], packed);
        buf_fini(&part[i]);
    }
}

static void test_reads(void **state) {
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        write_set(packed);
        data d;
        why w;
        assert_int_equal(data_open(&d, &(data_options){.folder = folder}, &w), 0);
        assert_false(d.drawn);
        assert_non_null(strstr(d.source, folder));
        assert_int_equal(d.train.count, 22); // a twelfth is held out
        assert_int_equal(d.validation.count, 2);
        assert_int_equal(d.test.count, 8);
        assert_int_equal(d.rows * 10 + d.columns, 32);
        assert_int_equal(d.classes, 4);
        assert_int_equal(d.validation.images[0], 22);
        assert_int_equal(d.validation.labels[1], 3);
        data_close(&d);
    }
}

static void test_scales(void **state) {
    (void)state;
    write_set(false);
    data d;
    why w;
    assert_int_equal(data_open(&d, &(data_options){.folder = folder}, &w), 0);
    uint32_t index[22];
    float x[22 * 6];
    uint8_t truth[22];
    for (uint32_t i = 0; i < 22; i++)
        index[i] = 21 - i;
    data_gather(&d, &d.train, index, 22, x, truth);
    double sum = 0, squares = 0;
    for (int i = 0; i < 22 * 6; i++)
        sum += (double)x[i], squares += (double)x[i] * (double)x[i];
    assert_true(sum / 132 < 1e-6 && sum / 132 > -1e-6);
    assert_true(squares / 132 < 1.00001 && squares / 132 > 0.99999);
    assert_int_equal(truth[0], 21 % 4);
    assert_true(x[0] > x[6] && x[0] == x[5]);
    data_close(&d);
}

static void test_limit(void **state) {
    (void)state;
    write_set(true);
    data d;
    why w;
    assert_int_equal(data_open(&d, &(data_options){.folder = folder, .limit = 6}, &w), 0);
    assert_int_equal(d.train.count, 6);
    assert_int_equal(d.validation.count, 1);
    assert_int_equal(d.test.count, 1);
    data_close(&d);
}

// The file `name` replaced by these bytes must be refused, and the message must hold `expected`.
static void refused(const char *name, const buf *b, bool packed, const char *expected) {
    data d;
    why w = {""};
    write_set(false);
    remove_file(name);
    write_file(name, b, packed);
    int result = data_open(&d, &(data_options){.folder = folder}, &w);
    if (!result || !strstr(w.text, expected) || !strstr(w.text, folder))
        fail_msg("result %d, \"%s\" does not say \"%s\"", result, w.text, expected);
}

static void refused_hex(const char *name, const char *hex, const char *expected) {
    buf b = {0};
    put(&b, hex);
    refused(name, &b, false, expected);
    buf_fini(&b);
}

static void test_refuses(void **state) {
    (void)state;
    const char *const i3 = "train-images-idx3-ubyte", *const l1 = "train-labels-idx1-ubyte";
    refused_hex(i3, "", "offset 0: the file ends inside its first 4 bytes");
    refused_hex(i3, "000008", "offset 3: the file ends");
    refused_hex(i3, "01000803", "offset 0: not an IDX file");
    refused_hex(i3, "00ff0803", "offset 1: not an IDX file");
    refused_hex(i3, "00000d03", "offset 2: items of type 0d");
    refused_hex(i3, "0000080100000001", "offset 3: 1 dimensions, must be 3");
    refused_hex(l1, "0000080300000001", "offset 3: 3 dimensions, must be 1");
    refused_hex(i3, "0000080300000001000000", "offset 11: the file ends inside its sizes");
    refused_hex(i3, "00000803000000000000000200000002", "offset 4: no items");
    refused_hex(i3, "00000803000000010000000000000002", "offset 8: images of 0 x 2");
    refused_hex(i3, "00000803ffffffffffffffffffffffff", "offset 8: images of");
    refused_hex(i3, "00000803000000010000000200000002010203", "offset 19: the file ends");
    refused_hex(i3, "000008030000000100000002000000020102030405", "offset 20: 1 bytes after");
    refused_hex(l1, "000008010000000201", "offset 9: the file ends");
    refused_hex(l1, "00000801000000020102", "offset 4: 2 labels for 24 images");
    refused_hex(l1, "1f8b0800", "damaged gzip file");
    refused_hex(l1, "1f8bffff00000000000000000000", "damaged gzip file");
}

static void test_refuses_mixtures(void **state) {
    (void)state;
    buf b = labels(8, 0);
    b.data[8 + 5] = 9; // no such class in training
    refused("t10k-labels-idx1-ubyte", &b, false, "offset 13: class 9");
    buf_fini(&b);
    buf wide = {0};
    put(&wide, "00000803000000080000000200000003");
    for (int i = 0; i < 48; i++)
        buf_char(&wide, 1);
    refused("t10k-images-idx3-ubyte", &wide, true, "offset 8: images of 2 x 3, but 3 x 2");
    buf_fini(&wide);
    write_set(false);
    remove_file("t10k-images-idx3-ubyte");
    data d;
    why w;
    assert_int_equal(data_open(&d, &(data_options){.folder = folder}, &w), NNS_E_NOT_FOUND);
    assert_non_null(strstr(w.text, "t10k-images"));
}

static void test_truncated_gzip(void **state) {
    (void)state;
    write_set(true);
    char path[256];
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", folder);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    for (long size = 2; size < st.st_size; size += 7) {
        data d;
        why w;
        assert_int_equal(truncate(path, st.st_size - size), 0);
        assert_true(data_open(&d, &(data_options){.folder = folder}, &w) < 0);
        write_set(true);
    }
}

static void test_places(void **state) {
    (void)state;
    data d;
    why w;
    char mnist[80], back[512];
    remove_all();
    setenv("NNSCOPE_DATA", folder, 1);
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(chdir(folder), 0); // ../shared/data/mnist is not there
    assert_int_equal(data_open(&d, &(data_options){.folder = folder, .quick = true}, &w), 0);
    assert_true(d.drawn);
    data_close(&d);
    write_set(false);
    assert_int_equal(
        data_open(&d, &(data_options){.draw = true, .folder = folder, .quick = true}, &w), 0);
    assert_true(d.drawn);
    data_close(&d);
    snprintf(mnist, sizeof mnist, "%s/mnist", folder);
    assert_int_equal(symlink(".", mnist), 0);
    assert_int_equal(data_open(&d, &(data_options){.quick = true}, &w), 0);
    assert_false(d.drawn);
    data_close(&d);
    unlink(mnist);
    unsetenv("NNSCOPE_DATA");
    assert_int_equal(chdir(back), 0);
}

static void test_digits_by_seed(void **state) {
    (void)state;
    static uint8_t a[64 * 784], b[64 * 784], la[64], lb[64];
    digits_draw(7, 0, 64, a, la);
    for (uint32_t i = 0; i < 64; i++)
        digits_draw(7, i, 1, b + i * 784, lb + i);
    assert_memory_equal(a, b, sizeof a); // image i depends on seed and i alone
    assert_memory_equal(la, lb, sizeof la);
    digits_draw(8, 0, 64, b, lb);
    assert_true(memcmp(a, b, sizeof a) != 0);
}

static void test_digits_are_fair(void **state) {
    (void)state;
    data d;
    why w;
    int count[10] = {0};
    assert_int_equal(data_open(&d, &(data_options){.draw = true, .seed = 3, .quick = true}, &w), 0);
    for (uint32_t i = 0; i < d.train.count; i++) {
        int ink = 0;
        for (int k = 0; k < 784; k++)
            ink += d.train.images[i * 784 + (uint32_t)k] > 100;
        assert_in_range(ink, 8, 500);
        count[d.train.labels[i]]++;
    }
    for (int c = 0; c < 10; c++)
        assert_in_range(count[c], d.train.count / 13, d.train.count / 8);
    data_close(&d);
}

static int set_up(void **state) {
    (void)state;
    strcpy(folder, "/tmp/nns-data-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    remove_all();
    return rmdir(folder);
}

int main(void) {
    parallel_start(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_refuses_mixtures),
        cmocka_unit_test(test_truncated_gzip),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_digits_by_seed),
        cmocka_unit_test(test_digits_are_fair),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
