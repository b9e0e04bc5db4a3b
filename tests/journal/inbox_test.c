// Unit inbox_test.c tests that commands arrive whole, once and in order, past servers that die
// while they write; and that a COMMAND record says the same after its encoding.
#include "journal/inbox.h"

#include "base/error.h"
#include "journal/block.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/records.h"

#include <fcntl.h>
#include <poll.h>

#define PROC "01kaq8z3v5m4n6p7q8r9s0t1v2"

static void path_of(char out[PATH_CAP], const char *what) {
    file_path(out, "%s/" PROC ".%s", folder, what);
}

static void send(inbox_writer *w, uint64_t number) {
    buf out = {0};
    command c = {.verb = COMMAND_PAUSE, .number = number, .at_step = -1};
    assert_int_equal(command_encode(&c, &out), 0);
    assert_int_equal(inbox_append(w, out.data, out.length), 0);
    buf_fini(&out);
}

// Takes all that is there and expects the numbers from *next on.
static void receive(inbox_reader *r, uint64_t *next) {
    segment_block block;
    int result;
    while (!(result = inbox_next(r, &block))) {
        command c;
        command_value values[COMMAND_VALUES_MAX];
        assert_int_equal(block.lane, 0);
        assert_int_equal(block.first + block.bytes, r->offset);
        assert_int_equal(command_decode(block.records, &c, values), 0);
        assert_int_equal(c.number, (*next)++);
    }
    assert_int_equal(result, NNS_E_AGAIN);
}

static bool rung(int bell) {
    struct pollfd p = {.fd = bell, .events = POLLIN};
    char bytes[64];
    if (poll(&p, 1, 0) != 1) return false;
    return read(bell, bytes, sizeof bytes) > 0;
}

static void there_and_back(void **state) {
    (void)state;
    inbox_writer w;
    inbox_reader r;
    segment_block block;
    uint64_t next = 1;
    assert_int_equal(inbox_open_writer(&w, folder, PROC), NNS_E_NOT_FOUND);
    assert_int_equal(inbox_open_reader(&r, folder, PROC), 0);
    assert_int_equal(inbox_next(&r, &block), NNS_E_AGAIN);
    assert_int_equal(inbox_open_writer(&w, folder, PROC), 0);
    assert_false(rung(r.bell));
    send(&w, 1);
    send(&w, 2);
    assert_true(rung(r.bell));
    receive(&r, &next);
    assert_int_equal(next, 3);
    inbox_close_writer(&w);
    inbox_close_reader(&r, false);
    assert_int_equal(inbox_open_reader(&r, folder, PROC), 0); // from the end of what is there
    assert_int_equal(inbox_next(&r, &block), NNS_E_AGAIN);
    inbox_close_reader(&r, true);
    char path[PATH_CAP];
    path_of(path, "inbox");
    assert_int_not_equal(access(path, F_OK), 0);
    path_of(path, "bell");
    assert_int_not_equal(access(path, F_OK), 0);
}

static void tear(uint64_t *random) {
    char path[PATH_CAP];
    uint8_t block[200];
    path_of(path, "inbox");
    int fd = open(path, O_WRONLY | O_APPEND);
    buf records = {0};
    records_add(&records, 160, random);
    char whole[PATH_CAP];
    path_of(whole, "tmp");
    int other = open(whole, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(block_write(other, 0, 0, 24, records.data, records.length), 0);
    assert_int_equal(pread(other, block, sizeof block, 0), 184);
    assert_int_equal(file_write_all(fd, block, 1 + random_below(random, 183)), 0);
    close(other);
    close(fd);
    buf_fini(&records);
}

// Servers that die in the middle of a write, processes that read at any moment.
static void random_deaths_of_servers(void **state) {
    (void)state;
    uint64_t random = random_seed();
    for (unsigned round = 0; round < rounds(30); round++) {
        inbox_writer w;
        inbox_reader r;
        uint64_t number = 1, next = 1;
        assert_int_equal(inbox_open_reader(&r, folder, PROC), 0);
        assert_int_equal(inbox_open_writer(&w, folder, PROC), 0);
        for (int i = 0; i < 100; i++) {
            uint64_t what = random_below(&random, 10);
            if (what < 6) send(&w, number++);
            if (what == 6) {
                inbox_close_writer(&w);
                tear(&random);
                receive(&r, &next);
                assert_int_equal(inbox_open_writer(&w, folder, PROC), 0);
            }
            if (what > 6) receive(&r, &next);
        }
        receive(&r, &next);
        assert_int_equal(next, number);
        inbox_close_writer(&w);
        inbox_close_reader(&r, true);
    }
}

// A new server cuts off everything behind damage: an old block behind it must not come to life
// again.
static void old_commands_do_not_return(void **state) {
    (void)state;
    inbox_writer w;
    inbox_reader r;
    segment_block block;
    char path[PATH_CAP];
    uint64_t next = 1;
    assert_int_equal(inbox_open_reader(&r, folder, PROC), 0);
    assert_int_equal(inbox_open_writer(&w, folder, PROC), 0);
    for (uint64_t number = 1; number <= 3; number++)
        send(&w, number);
    inbox_close_writer(&w);
    path_of(path, "inbox");
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 64 + 30), 1); // in the second block
    close(fd);
    assert_int_equal(inbox_next(&r, &block), 0);
    assert_int_equal(inbox_next(&r, &block), NNS_E_AGAIN);
    assert_int_equal(inbox_open_writer(&w, folder, PROC), 0);
    send(&w, 4);
    next = 4;
    receive(&r, &next);
    assert_int_equal(next, 5);
    inbox_close_writer(&w);
    inbox_close_reader(&r, true);
}

static void appends_are_checked(void **state) {
    (void)state;
    inbox_writer w;
    inbox_reader r;
    static uint8_t zeros[64];
    assert_int_equal(inbox_open_reader(&r, folder, PROC), 0);
    assert_int_equal(inbox_open_writer(&w, folder, PROC), 0);
    assert_int_equal(inbox_append(&w, zeros, sizeof zeros), NNS_E_INVALID);
    assert_int_equal(inbox_append(&w, zeros, RECORD_MAX_BYTES + 8), NNS_E_TOO_LARGE);
    assert_int_equal(inbox_append(&w, zeros, 0), 0);
    inbox_reader other;
    assert_int_equal(inbox_open_reader(&other, folder, "../escape"), NNS_E_INVALID);
    inbox_close_writer(&w);
    inbox_close_reader(&r, true);
}

static void expect_same(const command *a, const command *b) {
    assert_int_equal(a->verb, b->verb);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->argument, b->argument);
    assert_int_equal(a->at_step, b->at_step);
    assert_int_equal(a->count, b->count);
    for (uint16_t i = 0; i < a->count; i++) {
        const command_value *x = &a->values[i], *y = &b->values[i];
        assert_int_equal(x->is_text, y->is_text);
        assert_int_equal(x->is_floats, y->is_floats);
        assert_int_equal(x->name_bytes, y->name_bytes);
        assert_memory_equal(x->name, y->name, x->name_bytes);
        if (!x->is_text && !x->is_floats) {
            assert_memory_equal(&x->number, &y->number, 8);
            continue;
        }
        assert_int_equal(x->text_bytes, y->text_bytes);
        assert_memory_equal(x->text, y->text, x->text_bytes);
    }
}

static void commands_say_the_same(void **state) {
    (void)state;
    uint64_t random = random_seed();
    static char text[3000];
    memset(text, 'x', sizeof text);
    for (unsigned round = 0; round < rounds(20) * 100; round++) {
        command_value in[COMMAND_VALUES_MAX], values[COMMAND_VALUES_MAX];
        command a = {.verb = (uint32_t)random_next(&random),
                     .number = random_next(&random),
                     .argument = (int64_t)random_next(&random),
                     .at_step = (int64_t)random_next(&random),
                     .values = in,
                     .count = (uint16_t)random_below(&random, COMMAND_VALUES_MAX + 1)},
                b;
        for (uint16_t i = 0; i < a.count; i++) {
            uint64_t bits = random_next(&random), type = random_below(&random, 3);
            in[i] = (command_value){.name = text,
                                    .name_bytes = random_below(&random, 256),
                                    .is_text = type == 1,
                                    .is_floats = type == 2,
                                    .text = text,
                                    .text_bytes = random_below(&random, sizeof text / 4) * 4};
            memcpy(&in[i].number, &bits, 8);
        }
        buf out = {0};
        assert_int_equal(command_encode(&a, &out), 0);
        assert_int_equal(record_check(out.data, out.length), out.length);
        assert_int_equal(command_decode(out.data, &b, values), 0);
        expect_same(&a, &b);
        buf_fini(&out);
    }
}

static void commands_have_limits(void **state) {
    (void)state;
    static char text[RECORD_MAX_BYTES];
    static command_value in[COMMAND_VALUES_MAX + 1];
    command c = {.verb = COMMAND_SET, .values = in, .count = COMMAND_VALUES_MAX + 1};
    buf out = {0};
    assert_int_equal(command_encode(&c, &out), NNS_E_TOO_LARGE);
    c.count = 1;
    in[0] = (command_value){.name = text, .name_bytes = 70000};
    assert_int_equal(command_encode(&c, &out), NNS_E_TOO_LARGE);
    in[0] = (command_value){.name = text, .is_text = true, .text = text, .text_bytes = sizeof text};
    assert_int_equal(command_encode(&c, &out), NNS_E_TOO_LARGE);
    assert_int_equal(out.length, 0);
    in[0].text_bytes = sizeof text - 56;
    assert_int_equal(command_encode(&c, &out), 0);
    assert_int_equal(out.length, RECORD_MAX_BYTES);
    assert_int_equal(record_check(out.data, out.length), RECORD_MAX_BYTES);
    command_value values[COMMAND_VALUES_MAX];
    out.data[40] = 3; // a type of value that nobody knows yet
    assert_int_equal(command_decode(out.data, &c, values), NNS_E_INVALID);
    le_put_u16(out.data, RECORD_TEXT);
    assert_int_equal(command_decode(out.data, &c, values), NNS_E_INVALID);
    buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(random_deaths_of_servers, setup, teardown),
        cmocka_unit_test_setup_teardown(old_commands_do_not_return, setup, teardown),
        cmocka_unit_test_setup_teardown(appends_are_checked, setup, teardown),
        cmocka_unit_test(commands_say_the_same),
        cmocka_unit_test(commands_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
