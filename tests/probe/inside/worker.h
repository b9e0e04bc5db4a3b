// Tests of the library's inside take the place of the digest worker, and of what writes the answers to pushes: their calls are
// wrapped (--wrap), and the test reads the rings itself. Built from the library's objects, since the archive hides their names.
#ifndef NNS_TESTS_PROBE_INSIDE_WORKER_H
#define NNS_TESTS_PROBE_INSIDE_WORKER_H

#include "../heard.h"

#include "probe/capture.h"
#include "probe/digest.h"
#include "probe/push.h"
#include "probe/readable.h"

int __wrap_digest_start(nns_run *run);
void __wrap_digest_wake(nns_run *run);
bool __wrap_digest_stop(nns_run *run, int64_t until_ns);

int __wrap_digest_start(nns_run *run) {
    (void)run;
    return 0;
}

void __wrap_digest_wake(nns_run *run) {
    (void)run;
}

bool __wrap_digest_stop(nns_run *run, int64_t until_ns) {
    (void)run;
    (void)until_ns;
    return true;
}

void __wrap_pushed_write(nns_run *run, pushes *p);

void __wrap_pushed_write(nns_run *run, pushes *p) {
    (void)run;
    (void)p;
}

// What came through the rings.
typedef struct seen {
    copy head;
    void *data;
} seen;

#define SEEN_MAX 20000

static heard h;
static nns_run *run;
static seen all[SEEN_MAX];
static size_t count;

static inline void forget(void) {
    for (size_t i = 0; i < count; i++)
        free(all[i].data);
    count = 0;
}

static inline void take_from(copies *ring) {
    const copy *c;
    while (atomic_load(&ring->made) && (c = copies_next(ring))) {
        assert_true(count < SEEN_MAX);
        size_t bytes = (size_t)(c->bytes - sizeof *c);
        all[count].head = *c;
        all[count].data = malloc(bytes ? bytes : 1);
        memcpy(all[count].data, copy_data(c), bytes);
        count++;
        copies_done(ring, c);
    }
}

// Takes what is in the rings.
static inline void take_all(void) {
    network *n = network_of(run);
    if (!n) return;
    take_from(&n->copies);
    take_from(&n->pushes->answers);
}

static inline const seen *nth(uint32_t kind, uint32_t number, uint32_t flags, size_t n) {
    for (size_t i = 0; i < count; i++)
        if (all[i].head.kind == kind && (!number || all[i].head.tensor == number) &&
            (all[i].head.flags & flags) == flags && n-- == 0)
            return &all[i];
    return NULL;
}

static inline size_t number_of(uint32_t kind) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += all[i].head.kind == kind;
    return n;
}

// A run that records nothing on its own account; `budget` generous where a test wants its copies soon.
static inline void open_run(double budget) {
    heard_init(&h);
    run = nns_open(
        &(nns_options){.quiet = true, .no_system = true, .no_network = true, .budget = budget});
    assert_non_null(run);
    heard_find(&h, nns_run_id(run));
    count = 0;
}

static inline void close_run(void) {
    nns_close(run, 0);
    forget();
    heard_fini(&h);
}

// Waits until the helper has made the ring.
static inline void wait_ready(void) {
    for (int i = 0; i < 3000 && !(network_of(run) && atomic_load(&network_of(run)->copies.made));
         i++)
        sleep_ms(2);
    assert_true(atomic_load(&network_of(run)->copies.made));
}

// What the helper does when something is due.
static inline void want(uint32_t kind, uint32_t roles) {
    network *n = network_of(run);
    wait_ready();
    atomic_store(&n->plan.roles[kind], roles);
    readable_check(run, UINT32_MAX);
    atomic_fetch_or(&run->wanted, WANT_BIT(kind));
}

#define ROLE_BIT(role) (1u << NNS_##role)

static inline bool has_trouble(const heard *at, const char *rule, const char *where) {
    char wanted[400];
    for (size_t i = 0; i < at->count; i++) {
        if (at->items[i].kind != RECORD_EVENT || at->items[i].a != EVENT_TROUBLE) continue;
        const char *text = heard_event_text(&at->items[i]);
        snprintf(wanted, sizeof wanted, "\"rule\":\"%s\"", rule);
        if (!strstr(text, wanted)) continue;
        snprintf(wanted, sizeof wanted, "\"where\":\"%s\"", where);
        if (!*where || strstr(text, wanted)) return true;
    }
    return false;
}

#endif
