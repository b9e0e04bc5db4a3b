// Tests of the parsers of HTTP texts.
#include "server/http_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static bool host(const char *text, http_host *h) {
    return http_host_parse(text, strlen(text), h);
}

static void test_hosts(void **state) {
    (void)state;
    http_host h;
    assert_true(host("LocalHost:7676", &h));
    assert_string_equal(h.name, "localhost");
    assert_int_equal(h.port, 7676);
    assert_true(host("[0:0::1]:80", &h) && h.literal);
    assert_string_equal(h.name, "::1");
    assert_true(host("board.example.", &h) && h.port == -1 && !h.literal);
    assert_string_equal(h.name, "board.example");
    const char *bad[] = {
        "",    " ",    ":80",    "a:0", "a:65536",     "a:-1", "a:1x", "a:",   "a b",   "a/b",
        "a@b", "[::1", "[::1]x", "[]",  "[127.0.0.1]", "a\nb", ".",    "a%41", "[::1]:"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(host(bad[i], &h));
    assert_false(http_host_parse("a\0b", 3, &h));
}

static void test_loopback(void **state) {
    (void)state;
    http_host h;
    const char *yes[] = {"localhost", "a.localhost", "127.0.0.1", "127.9.8.7", "[::1]"};
    const char *no[] = {"localhost.evil", "127.0.0.1.evil.example",
                        "127.evil",       "[::2]",
                        "0.0.0.0",        "10.0.0.1",
                        "localhostx",     "127.1"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(host(yes[i], &h) && http_host_loopback(&h));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_true(host(no[i], &h) && !http_host_loopback(&h));
}

static bool same(const char *a, const char *b) {
    http_host h, origin;
    bool secure;
    return host(a, &h) && http_origin_parse(b, strlen(b), &origin, &secure) &&
           http_same_host(&h, &origin, secure);
}

static void test_origins(void **state) {
    (void)state;
    assert_true(same("a.example:80", "http://A.example"));
    assert_true(same("a.example", "https://a.example:443"));
    assert_true(same("127.0.0.1:7676", "http://127.0.0.1:7676"));
    assert_false(same("127.0.0.1:7676", "http://127.0.0.1:7677"));
    assert_false(same("127.0.0.1:7676", "http://localhost:7676"));
    assert_false(same("a.example", "null"));
    assert_false(same("a.example", "http://"));
    assert_false(same("a.example", "http://a.example/"));
    assert_false(same("a.example", "ftp://a.example"));
    assert_false(same("a.example", "http://a.example@evil"));
}

static bool path(const char *text) {
    return http_path_valid(text, strlen(text));
}

static void test_paths(void **state) {
    (void)state;
    const char *good[] = {"/", "/a", "/a/b/", "/a.b", "/...", "/.well-known", "/\xc3\xa4"};
    const char *bad[] = {"",      "a",     "//",    "/a//b", "/.",    "/..",      "/a/../b",
                         "/a/..", "/a\\b", "/a\nb", "/\x7f", "/\xff", "/\xc0\xaf"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(path(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(path(bad[i]));
    assert_false(http_path_valid("/a\0b", 4));
}

static void test_matching(void **state) {
    (void)state;
    http_slice p[HTTP_PARAMS_MAX];
    assert_int_equal(http_path_match("/runs/{id}/blobs/{hash}", "/runs/ab/blobs/cd", 17, p), 2);
    assert_memory_equal(p[0].at, "ab", 2);
    assert_int_equal(p[1].length, 2);
    assert_int_equal(http_path_match("/runs", "/runs", 5, p), 0);
    assert_int_equal(http_path_match("/runs", "/runs/", 6, p), -1);
    assert_int_equal(http_path_match("/runs/{id}", "/runs/", 6, p), -1);
    assert_int_equal(http_path_match("/runs/{id}", "/runs/a/b", 9, p), -1);
    assert_int_equal(http_path_match("/runs/{id}", "/run", 4, p), -1);
}

static bool cookie(const char *text, const char *wanted) {
    http_slice v;
    return http_cookie(text, strlen(text), "n_1", &v) && v.length == strlen(wanted) &&
           !memcmp(v.at, wanted, v.length);
}

static void test_credentials(void **state) {
    (void)state;
    http_slice v;
    assert_true(http_bearer("bEaReR  abc ", 12, &v) && v.length == 3);
    const char *bad[] = {"",           "Bearer",     "Bearer ", "Basic abc",
                         "Bearer a b", "Bearer a,b", "Bearera"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(http_bearer(bad[i], strlen(bad[i]), &v));
    assert_true(cookie("n_1=x", "x"));
    assert_true(cookie("a=b;n_1=x.y ; c", "x.y"));
    assert_true(cookie("n_1=", ""));
    assert_false(cookie("n_1=x; n_1=x", "x"));
    assert_false(cookie("xn_1=x", "x"));
    assert_false(cookie("n_1", ""));
    assert_false(cookie("N_1=x", "x"));
}

static void test_lists(void **state) {
    (void)state;
#define ACCEPTS(text) http_accepts(text, strlen(text), "gzip")
    assert_true(ACCEPTS("gzip") && ACCEPTS("br, GZIP") && ACCEPTS("gzip;q=0.1") &&
                ACCEPTS("a;q=0, gzip ; q=1"));
    assert_false(ACCEPTS("") || ACCEPTS("br") || ACCEPTS("gzip;q=0") || ACCEPTS("gzip; q=0.000") ||
                 ACCEPTS("gzi p") || ACCEPTS("xgzip"));
#define MATCH(text) http_etag_match(text, strlen(text), "\"ab\"")
    assert_true(MATCH("\"ab\"") && MATCH("*") && MATCH("W/\"ab\"") && MATCH("\"x\", \"ab\""));
    assert_false(MATCH("") || MATCH("ab") || MATCH("\"abc\""));
}

static bool number(const char *text, int64_t *v) {
    return http_int(text, strlen(text), v);
}

static void test_numbers(void **state) {
    (void)state;
    int64_t v;
    assert_true(number("0", &v) && v == 0);
    assert_true(number("-9223372036854775808", &v) && v == INT64_MIN);
    assert_true(number("9223372036854775807", &v) && v == INT64_MAX);
    const char *bad[] = {"",
                         "-",
                         "+1",
                         " 1",
                         "1 ",
                         "1.0",
                         "1e3",
                         "0x1",
                         "9223372036854775808",
                         "-9223372036854775809",
                         "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(number(bad[i], &v));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),    cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_origins),  cmocka_unit_test(test_paths),
        cmocka_unit_test(test_matching), cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_lists),    cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
