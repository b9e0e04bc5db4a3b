// Tests of libnnscope.so loaded at run time: what it shows, and that unloading it while a run is open does no harm.
#include "support/check.h"
#include "support/temp.h"

#include <nnscope.h>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>

static char dir[256];

static int setup(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "%s", temp_make());
    setenv("NNSCOPE_DIR", dir, 1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    temp_remove(dir);
    return 0;
}

typedef struct calls {
    nns_run *(*open)(const nns_options *);
    bool (*step)(nns_run *, int64_t);
    void (*named)(nns_run *, const char *, double);
    void (*close)(nns_run *, int);
} calls;

static void *load(calls *c) {
    void *library = dlopen(NNS_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) fail_msg("%s", dlerror());
    *(void **)&c->open = dlsym(library, "nns_open");
    *(void **)&c->step = dlsym(library, "nns_step");
    *(void **)&c->named = dlsym(library, "nns_scalar_named");
    *(void **)&c->close = dlsym(library, "nns_close");
    assert_true(c->open && c->step && c->named && c->close);
    return library;
}

typedef struct use {
    calls calls;
    nns_run *run;
} use;

static void *log_in_thread(void *context) {
    use *u = context;
    u->calls.named(u->run, "thread", 1);
    return NULL;
}

static void load_use_unload(bool close_run) {
    use u;
    pthread_t thread;
    void *library = load(&u.calls);
    u.run = u.calls.open(&(nns_options){.quiet = true});
    assert_non_null(u.run);
    u.calls.step(u.run, 1);
    pthread_create(&thread, NULL, log_in_thread, &u);
    pthread_join(thread, NULL);
    if (close_run) u.calls.close(u.run, 0);
    assert_int_equal(dlclose(library), 0);
}

static void it_is_loaded_again_and_again(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++)
        load_use_unload(true);
}

static void an_open_run_survives_unloading(void **state) {
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        load_use_unload(false);
        sleep(1);
        exit(5);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

static void only_its_own_names_are_shown(void **state) {
    (void)state;
    char line[512];
    int shown = 0;
    FILE *f = popen("nm -D --defined-only '" NNS_LIBRARY "'", "r");
    while (f && fgets(line, sizeof line, f)) {
        assert_non_null(strstr(line, " nns_"));
        shown++;
    }
    if (f) pclose(f);
    assert_true(shown >= 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_loaded_again_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(an_open_run_survives_unloading, setup, teardown),
        cmocka_unit_test_setup_teardown(only_its_own_names_are_shown, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
