// Unit shared_fuzz.c fuzzes what salvage reads of a dead process: lane files, staging areas, alive files. The
// first byte says which one the rest of the input is.
#include "journal/lane.h"
#include "journal/salvage.h"
#include "journal/stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROC "01kaq8z3v5m4n6p7q8r9s0t1v2"

static char folder[64], path[128];

static void remove_folder(void) {
    unlink(path);
    rmdir(folder);
}

static void make_folder(void) {
    if (folder[0]) return;
    strcpy(folder, "/tmp/nnscope-fuzz-XXXXXX");
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/" PROC ".alive", folder); // a name that all three may have
    atexit(remove_folder);
}

static void write_input(const uint8_t *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || file_write_all(fd, data, size)) abort();
    close(fd);
}

static void read_lane(void) {
    lane l;
    const uint8_t *at;
    if (lane_open(&l, path)) return;
    size_t ready = lane_ready(&l, &at);
    if (ready > l.capacity) abort();
    for (size_t i = 0, n; i < ready && (n = record_check(at + i, ready - i)); i += n)
        if (n > ready - i) abort();
    lane_release(&l, ready);
    lane_drop(&l, false);
}

static void read_stage(void) {
    stage s;
    uint64_t failed = 0;
    if (stage_open(&s, path)) return;
    stage_drain(&s, "/nowhere", PROC, &failed); // parses all, writes nothing
    stage_drop(&s, false);
}

static void read_alive(void) {
    alive_info info;
    if (alive_read(folder, PROC, &info)) return;
    if (strlen(info.lanes) >= sizeof info.lanes || strlen(info.name) >= sizeof info.name) abort();
    alive_check(folder, PROC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    make_folder();
    write_input(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        read_lane();
        break;
    case 1:
        read_stage();
        break;
    default:
        read_alive();
        break;
    }
    return 0;
}
