// Unit hash_test.c tests CRC32C against published values and a bit-by-bit model, and FNV-1a.
#include "base/hash.h"

#include "support/check.h"
#include "support/temp.h"

static uint32_t naive(const uint8_t *at, size_t bytes) {
    uint32_t crc = UINT32_MAX;
    while (bytes--) {
        crc ^= *at++;
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? (crc >> 1) ^ UINT32_C(0x82F63B78) : crc >> 1;
    }
    return ~crc;
}

// RFC 3720, appendix B.4.
static void published_values(void **state) {
    (void)state;
    uint8_t block[32] = {0};
    assert_int_equal(hash_crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(hash_crc32c(0, block, sizeof block), 0x8A9136AA);
    memset(block, 0xFF, sizeof block);
    assert_int_equal(hash_crc32c(0, block, sizeof block), 0x62A8AB43);
    for (uint8_t i = 0; i < 32; i++)
        block[i] = i;
    assert_int_equal(hash_crc32c(0, block, sizeof block), 0x46DD794E);
    assert_int_equal(hash_crc32c(0, "", 0), 0);
}

static void random_pieces_equal_the_whole(void **state) {
    (void)state;
    uint64_t random = random_seed();
    for (int i = 0; i < 5000; i++) {
        uint8_t data[300];
        size_t n = random_below(&random, sizeof data), cut = random_below(&random, n + 1);
        for (size_t k = 0; k < n; k++)
            data[k] = (uint8_t)random_next(&random);
        uint32_t whole = naive(data, n);
        assert_int_equal(hash_crc32c(0, data, n), whole);
        assert_int_equal(hash_crc32c(hash_crc32c(0, data, cut), data + cut, n - cut), whole);
    }
}

static void text(void **state) {
    (void)state;
    assert_true(hash_text("", 0) == UINT64_C(0xCBF29CE484222325));
    assert_true(hash_text("a", 1) == UINT64_C(0xAF63DC4C8601EC8C));
    assert_true(hash_text("foobar", 6) == UINT64_C(0x85944171F73967E8));
}

static void hexadecimal(void **state) {
    (void)state;
    char out[9];
    hash_hex((const uint8_t[]){0x00, 0x0f, 0xa5, 0xff}, 4, out);
    assert_string_equal(out, "000fa5ff");
    hash_hex(NULL, 0, out);
    assert_string_equal(out, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(random_pieces_equal_the_whole),
        cmocka_unit_test(text),
        cmocka_unit_test(hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
