// Unit orphan.c removes the files in DIR/blobs that no row names: what a server that was killed left between a file and its
// row, or between a row's end and its file's (keep.c, thin.c, blob.c, delete.c).
//
// Once, at start, and only when the server before did not end in order. On the keeper's thread, which alone writes snapshots;
// images wait meanwhile (blob.c): so no file is met here whose row is still to come.
//
// DIR/server.lock says how the last server ended: ENDED when it came to its end with everything durable, else nothing.
#include "keep.h"

#include "base/log.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ended[] = "ended\n";

void orphans_begin(core *c) {
    char text[sizeof ended] = "";
    int64_t n = file_pread(c->lock_fd, text, sizeof text, 0);
    bool clean = n == sizeof ended - 1 && memcmp(text, ended, sizeof ended - 1) == 0;
    c->may_have_orphans = ftruncate(c->lock_fd, 0) != 0 || !clean;
}

void orphans_end(core *c) {
    if (c->may_have_orphans || c->releases || lseek(c->lock_fd, 0, SEEK_SET)) return;
    file_write_all(c->lock_fd, ended, sizeof ended - 1);
}

// --- names ----------------------------------------------------------------------------------------

// Of each the first 64 bits: two that are equal there keep an orphan at worst.
typedef struct names {
    uint64_t *at;
    size_t count, capacity;
    bool failed;
} names;

static bool is_name(const char *text) {
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static uint64_t number_of(const char *name) {
    char head[17] = "";
    memcpy(head, name, 16);
    return strtoull(head, NULL, 16);
}

static int add_name(void *context, const store_row *row) {
    names *n = context;
    if (!row->hash || !is_name(row->hash)) return 0;
    uint64_t *grown = mem_room(n->at, n->count, &n->capacity, 1024, sizeof *grown);
    n->failed |= !grown;
    if (!grown) return 1;
    n->at = grown;
    n->at[n->count++] = number_of(row->hash);
    return 0;
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// All or nothing: with a name missing a file would go that is needed.
static bool find_names(store_reader *reader, names *n) {
    if (store_list_files(reader, add_name, n) || n->failed) return false;
    if (n->count) qsort(n->at, n->count, sizeof *n->at, compare);
    return true;
}

// --- files ----------------------------------------------------------------------------------------

static size_t clear_folder(const char *path, const names *known) {
    DIR *d = opendir(path);
    size_t gone = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        uint64_t number = is_name(e->d_name) ? number_of(e->d_name) : 0;
        if (!is_name(e->d_name) ||
            (known->count && bsearch(&number, known->at, known->count, sizeof number, compare)))
            continue;
        gone += unlinkat(dirfd(d), e->d_name, 0) == 0;
    }
    if (d) closedir(d);
    return gone;
}

// False: interrupted.
static bool clear(core *c, const names *known) {
    char path[PATH_CAP];
    size_t gone = 0;
    for (unsigned i = 0; i < 256 && !atomic_load(&c->ending); i++)
        if (!file_path(path, "%s/blobs/%02x", c->dir, i)) gone += clear_folder(path, known);
    if (gone) log_info("%zu files that nothing shows any more are removed", gone);
    return !atomic_load(&c->ending);
}

static void work(core *c, job *j, store_reader *reader) {
    names known = {0};
    (void)j;
    if (find_names(reader, &known)) c->may_have_orphans = !clear(c, &known);
    mem_free(known.at);
    atomic_store(&c->seeks_orphans, false);
}

void orphans_submit(core *c) {
    job *j = c->may_have_orphans ? mem_new(sizeof *j) : NULL;
    if (!j) return;
    j->work = work;
    atomic_store(&c->seeks_orphans, true);
    keeper_submit(c, j);
}
