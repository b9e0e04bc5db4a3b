// Tests of tokens, sessions, and of who is let in.
#include "server/auth.h"
#include "support/temp.h"

#include "base/error.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static char dir[300];

static tokens *open_tokens(void) {
    tokens *t;
    char *error;
    assert_int_equal(tokens_open(&t, dir, &error), 0);
    return t;
}

static int setup(void **state) {
    snprintf(dir, sizeof dir, "%s", temp_make());
    *state = open_tokens();
    return 0;
}

static int teardown(void **state) {
    tokens_close(*state);
    temp_remove(dir);
    return 0;
}

static void test_scopes(void **state) {
    (void)state;
    unsigned s;
    assert_true(scope_parse("read", &s) && s == 1);
    assert_true(scope_parse("write, control", &s) && s == 7);
    assert_true(scope_parse("code", &s) && s == 13);
    assert_false(scope_parse("", &s) || scope_parse("reads", &s) || scope_parse("read,x", &s));
}

static void test_first_token_stays_the_same(void **state) {
    tokens *again = open_tokens();
    identity who;
    assert_int_equal(strlen(tokens_first(*state)), TOKEN_LENGTH);
    assert_string_equal(tokens_first(*state), tokens_first(again));
    assert_true(tokens_check(again, tokens_first(*state), TOKEN_LENGTH, &who));
    assert_string_equal(who.name, "local");
    assert_int_equal(who.scopes, 31);
    assert_false(tokens_check(again, tokens_first(*state), TOKEN_LENGTH - 1, &who));
    assert_false(tokens_check(again, "", 0, &who));
    tokens_close(again);
}

static void test_open_files_are_refused(void **state) {
    (void)state;
    char path[400], *error;
    tokens *t;
    snprintf(path, sizeof path, "%s/token", dir);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(tokens_open(&t, dir, &error), NNS_E_PERMISSION);
    assert_non_null(strstr(error, "chmod 600"));
    mem_free(error);
}

static void test_adding(void **state) {
    tokens *t = *state;
    char secret[TOKEN_LENGTH + 1], other[TOKEN_LENGTH + 1];
    const token *added;
    identity who;
    assert_int_equal(tokens_add(t, "phone", 1, 5, secret, &added), 0);
    assert_true(tokens_check(t, secret, TOKEN_LENGTH, &who));
    assert_string_equal(who.name, "phone");
    assert_int_equal(tokens_add(t, "phone", 1, 5, other, &added), NNS_E_EXISTS);
    assert_int_equal(tokens_add(t, "root", 16, 5, other, &added), NNS_E_INVALID);
    assert_int_equal(tokens_add(t, "none", 0, 5, other, &added), NNS_E_INVALID);
    assert_int_equal(tokens_add(t, "a\tb", 1, 5, other, &added), NNS_E_INVALID);
    tokens_remove(t, tokens_by(t, "phone")->who.id);
    assert_false(tokens_check(t, secret, TOKEN_LENGTH, &who));
    tokens_remove(t, tokens_by(t, "local")->who.id);
    assert_non_null(tokens_by(t, "local"));
}

static void test_sessions(void **state) {
    tokens *t = *state;
    char secret[TOKEN_LENGTH + 1], cookie[SESSION_CAP];
    const token *added;
    identity who;
    assert_int_equal(tokens_add(t, "phone", 1, 5, secret, &added), 0);
    assert_int_equal(session_make(t, added->who.id, 1000, cookie), 0);
    size_t n = strlen(cookie);
    assert_true(session_check(t, cookie, n, 1000, &who) && who.session);
    assert_true(session_check(t, cookie, n, 1000 + SESSION_SECONDS - 1, &who));
    assert_false(session_check(t, cookie, n, 1000 + SESSION_SECONDS, &who));
    for (size_t i = 0; i < n; i++) {
        char was = cookie[i];
        cookie[i] = was == '0' ? '1' : '0';
        assert_false(session_check(t, cookie, n, 1000, &who));
        cookie[i] = was;
        assert_false(session_check(t, cookie, i, 1000, &who));
    }
    tokens_remove(t, added->who.id);
    assert_false(session_check(t, cookie, n, 1000, &who));
}

static auth_headers headers(void) {
    return (auth_headers){"127.0.0.1:7676", "", "", "", "", "127.0.0.1", true};
}

static int host_status(const char *text, const char *const *allow, size_t count,
                       const char *local) {
    const char *code, *message;
    auth a = {.allow_hosts = allow, .allow_hosts_count = count};
    auth_headers h = headers();
    h.host = text;
    h.local = local;
    return auth_host(&a, &h, &code, &message);
}

static void test_hosts(void **state) {
    (void)state;
    const char *allow[] = {"board.example", "other.example:81"};
    assert_int_equal(host_status("localhost:1", NULL, 0, ""), 0);
    assert_int_equal(host_status("board.example", NULL, 0, ""), 403);
    assert_int_equal(host_status("BOARD.example:99", allow, 2, ""), 0);
    assert_int_equal(host_status("other.example:81", allow, 2, ""), 0);
    assert_int_equal(host_status("other.example", allow, 2, ""), 403);
    assert_int_equal(host_status("192.168.1.5:7676", NULL, 0, "192.168.1.5"), 0);
    assert_int_equal(host_status("192.168.1.6", NULL, 0, "192.168.1.5"), 403);
    assert_int_equal(host_status("", NULL, 0, ""), 400);
}

static int enter(auth *a, auth_headers *h, bool upgrade, int64_t now_ms) {
    identity who;
    const char *code, *message;
    return auth_identity(a, h, upgrade, now_ms, &who, &code, &message);
}

static void test_identity(void **state) {
    tokens *t = *state;
    char bearer[100], cookie[200], session[SESSION_CAP];
    auth a = {.tokens = t, .cookie = "nnscope_7676"};
    auth_headers h = headers();
    assert_int_equal(enter(&a, &h, false, 1000000), 401);
    snprintf(bearer, sizeof bearer, "Bearer %s", tokens_first(t));
    h.authorization = bearer;
    assert_int_equal(enter(&a, &h, true, 1000000), 0);
    h.authorization = "";
    assert_int_equal(session_make(t, tokens_by(t, "local")->who.id, 0, session), 0);
    snprintf(cookie, sizeof cookie, "nnscope_7676=%s", session);
    h.cookie = cookie;
    assert_int_equal(enter(&a, &h, false, 1000000), 0);
    assert_int_equal(enter(&a, &h, true, 1000000), 403);
    h.origin = "http://127.0.0.1:7676";
    assert_int_equal(enter(&a, &h, true, 1000000), 0);
    // A wrong token is not saved by a right cookie.
    h.authorization = "Bearer wrong";
    assert_int_equal(enter(&a, &h, false, 1000000), 401);
}

static void test_tries(void **state) {
    auth a = {.tokens = *state, .cookie = "nnscope_7676"};
    auth_headers wrong = headers(), right = headers();
    char bearer[100];
    int limited = 0;
    wrong.authorization = "Bearer wrong";
    snprintf(bearer, sizeof bearer, "Bearer %s", tokens_first(*state));
    right.authorization = bearer;
    for (int i = 0; i < 100; i++) {
        limited += enter(&a, &wrong, false, 1000000) == 429;
        assert_int_equal(enter(&a, &right, false, 1000000), 0);
    }
    assert_in_range(limited, 70, 90);
    assert_int_equal(enter(&a, &wrong, false, 1010000), 401);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_scopes),
        TEST(test_first_token_stays_the_same),
        TEST(test_open_files_are_refused),
        TEST(test_adding),
        TEST(test_sessions),
        TEST(test_hosts),
        TEST(test_identity),
        TEST(test_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
