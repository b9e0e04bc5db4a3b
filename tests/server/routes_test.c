// Tests of the table of routes: found by method and path, queries, the OpenAPI document.
#include "server/routes.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static const route *find(http_method method, const char *path, unsigned *allowed) {
    http_slice params[HTTP_PARAMS_MAX];
    return route_find(method, path, strlen(path), params, allowed);
}

static void test_finding(void **state) {
    (void)state;
    unsigned allowed;
    const route *r = find(HTTP_GET, "/api/v1/runs/x/points", &allowed);
    assert_non_null(r);
    assert_string_equal(r->path, "/api/v1/runs/{id}/points");
    assert_ptr_equal(find(HTTP_HEAD, "/api/v1/runs/x/points", &allowed), r);
    assert_ptr_not_equal(find(HTTP_POST, "/api/v1/runs/x/points", &allowed), r);
    assert_null(find(HTTP_DELETE, "/api/v1/runs/x/points", &allowed));
    assert_int_equal(allowed, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_POST);
    assert_null(find(HTTP_GET, "/api/v1/runs/x/y/z", &allowed));
    assert_int_equal(allowed, 0);
}

static void test_no_two_are_alike(void **state) {
    (void)state;
    for (size_t i = 0; i < routes_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(routes[i].method == routes[j].method &&
                         !strcmp(routes[i].path, routes[j].path));
}

static bool fits(const char *name, const char *value) {
    char problem[200];
    unsigned allowed;
    return route_query_valid(find(HTTP_GET, "/api/v1/runs/x/points", &allowed), name, value,
                             problem, sizeof problem);
}

static void test_queries(void **state) {
    (void)state;
    assert_true(fits("from", "-5") && fits("buckets", "0") && fits("axis", "time") &&
                fits("attempts", "all"));
    assert_true(fits("series", "train/loss, smoothed") && fits("format", "csv"));
    assert_false(fits("from", "x") || fits("buckets", "-1") || fits("buckets", "4294967296") ||
                 fits("axis", "depth"));
    assert_false(fits("fro", "1") || fits("from:int", "1") || fits("", "") ||
                 fits("series", "\xff") || fits("axis", "step|time"));
    assert_false(fits("attempts", "") || fits("limit", "1"));
}

static void test_every_change_needs_more_than_reading(void **state) {
    (void)state;
    for (size_t i = 0; i < routes_count; i++)
        if (routes[i].method != HTTP_GET && !strstr(routes[i].path, "/session"))
            assert_true(routes[i].scope > 1);
}

static void test_document(void **state) {
    (void)state;
    buf out = {0};
    routes_openapi(&out, "1.2.3", "");
    json_t *document = json_loadb((const char *)out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    size_t operations = 0;
    const char *path;
    json_t *item;
    json_object_foreach(json_object_get(document, "paths"), path, item)
        operations += json_object_size(item);
    assert_int_equal(operations, routes_count);
    json_decref(document);
    buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_no_two_are_alike),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_every_change_needs_more_than_reading),
        cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
