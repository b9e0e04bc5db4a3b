// Unit scan.c finds what is new in DIR/runs: runs, processes, segments. It reads directories only, and only
// those whose modification time has changed (or is so young that a change might hide behind it).
// Engine thread; the lock is taken to change the registry.
//
// A name counts only when it is whole: RUN/ is an id and a real directory; PROC.alive and PROC-NNNNNN.seg begin with
// an id. Everything else in there is left alone.
//
// Processes of a run are met in the order of their lives, whenever the server comes: one that began after another had
// ended (a run taken up again) is met only when the other is over, with its last step, as if somebody had looked on.
#include "run.h"

#include "base/clock.h"
#include "base/log.h"
#include "journal/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define YOUNG_NS (2 * NS_PER_S)
// No longer is a predecessor waited for (a salvage that cannot be done).
#define SUCCESSION_NS (30 * NS_PER_S)
enum { ENTRIES_MAX = 1 << 18 };

typedef struct found {
    nns_id id;
    uint32_t number; // of a segment; 0: its alive file
} found;

typedef struct listing {
    found *items;
    size_t count, capacity;
} listing;

static int64_t mtime_ns(const struct stat *st) {
    return (int64_t)st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec;
}

static bool parse_name(const char *name, found *f) {
    if (strlen(name) < ID_LENGTH + 4) return false;
    memcpy(f->id.text, name, ID_LENGTH);
    f->id.text[ID_LENGTH] = 0;
    const char *rest = name + ID_LENGTH;
    f->number = 0;
    if (!id_valid(f->id.text)) return false;
    if (strcmp(rest, ".alive") == 0) return true;
    if (*rest != '-') return false;
    char *end;
    unsigned long number = strtoul(rest + 1, &end, 10);
    if (end == rest + 1 || strcmp(end, ".seg") != 0 || number == 0 || number > UINT32_MAX)
        return false;
    f->number = (uint32_t)number;
    return true;
}

static int by_process(const void *a, const void *b) {
    const found *x = a, *y = b;
    int order = strcmp(x->id.text, y->id.text);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static void add(listing *l, const found *f) {
    found *items = mem_room(l->items, l->count, &l->capacity, 32, sizeof *items);
    if (!items) return;
    l->items = items;
    l->items[l->count++] = *f;
}

static void list(const char *folder, listing *l) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0) close(fd);
        return;
    }
    found f;
    for (struct dirent *e; (e = readdir(d)) && l->count < ENTRIES_MAX;)
        if (parse_name(e->d_name, &f)) add(l, &f);
    closedir(d);
    if (l->count) qsort(l->items, l->count, sizeof *l->items, by_process);
}

// The segments of `p` are those in f[0..n); what is known of them is kept.
static void set_segments(process *p, const found *f, size_t n) {
    segment_file *files = mem_array(n ? n : 1, sizeof *files);
    if (!files) return;
    size_t count = 0, old = 0;
    for (size_t i = 0; i < n; i++) {
        if (f[i].number == 0) continue;
        while (old < p->segment_count && p->segments[old].number < f[i].number)
            old++;
        bool known = old < p->segment_count && p->segments[old].number == f[i].number;
        if (!known) p->drained = false;
        files[count++] = known ? p->segments[old] : (segment_file){.number = f[i].number};
    }
    mem_free(p->segments);
    p->segments = files;
    p->segment_count = count;
}

static int64_t id_ms(const char *id) {
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    int64_t ms = 0;
    for (int i = 0; i < 10; i++)
        ms = ms << 5 | (int64_t)(strchr(alphabet, id[i]) - alphabet);
    return ms;
}

static run *new_run(core *c, const char *key) {
    run *r = run_new(c, key);
    if (!r) return NULL;
    int64_t made = id_ms(key);
    if (made > 0 && made < r->row.created_ms) r->row.created_ms = made;
    r->loaded = r->details_known = true;
    r->facts = json_object();
    run_put(c, r);
    return r;
}

static void know(process *p, const alive_info *info) {
    p->info = *info;
    run *r = p->run;
    if (!r->row.name && info->name[0]) run_set_text(&r->row.name, info->name);
    if (!r->row.project && info->project[0]) run_set_text(&r->row.project, info->project);
    if (!r->row.started_ms && info->opened_ms > 0) r->row.started_ms = info->opened_ms;
}

// A process seen for the first time. Lock held.
static void new_process(core *c, run *r, const char *folder, const found *f, bool alive) {
    process *p = process_new(c, r, f->id.text);
    if (!p) return;
    alive_info info = {0};
    if (alive && !alive_read(folder, f->id.text, &info)) know(p, &info);
    if (!alive) p->ended = true;
    r->wants_state = false;
    if (cursors_load(c, p)) log_warn("cursors of run %s cannot be read", r->row.key);
    if (!p->generation) process_join(p);
}

// When `p` itself last wrote. What salvage writes for it later does not count.
static void note_write(process *p, const char *folder) {
    char path[PATH_CAP];
    struct stat st;
    if (p->state == PROC_GONE || p->salvaging || p->salvaged || !p->segment_count) return;
    if (segment_path(path, folder, p->id.text, p->segments[p->segment_count - 1].number) ||
        lstat(path, &st))
        return;
    p->wrote_ms = mtime_ns(&st) / NS_PER_MS;
}

// Did `p`, whose end is not taken in yet, end before the process `id` was made?
static bool precedes(process *p, const char *folder, const char *id) {
    if (p->state == PROC_OVER || p->http || p->newer || strcmp(p->id.text, id) >= 0) return false;
    note_write(p, folder);
    int alive = p->ended ? 0 : alive_check(folder, p->id.text);
    bool gone = alive == 0 || alive == NNS_E_NOT_FOUND || p->state == PROC_GONE;
    return gone && p->wrote_ms < id_ms(id);
}

static bool must_wait(run *r, const char *folder, const char *id) {
    int64_t now = clock_mono_ns();
    bool waits = false;
    for (size_t i = 0; i < r->process_count && !waits; i++)
        waits = precedes(r->processes[i], folder, id);
    if (!waits) return false;
    if (!r->succession_ns) r->succession_ns = now;
    return now - r->succession_ns < SUCCESSION_NS;
}

static bool listed(const listing *l, const char *id) {
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].id.text, id) == 0) return true;
    return false;
}

static void forget_gone_files(run *r, const listing *l) {
    for (size_t i = 0; r && i < r->process_count; i++)
        if (r->processes[i]->segment_count && !listed(l, r->processes[i]->id.text))
            set_segments(r->processes[i], NULL, 0);
}

static void take_listing(core *c, const char *key, const char *folder, const listing *l) {
    run *r = registry_find(c, key);
    bool waits = false;
    for (size_t i = 0, n; i < l->count; i += n) {
        for (n = 1; i + n < l->count && strcmp(l->items[i + n].id.text, l->items[i].id.text) == 0;)
            n++;
        if (!r) r = new_run(c, key);
        if (!r) return;
        const found *f = &l->items[i];
        process *p = process_find(r, f->id.text);
        if (!p && (waits = must_wait(r, folder, f->id.text))) break;
        if (!p) {
            new_process(c, r, folder, f, f->number == 0);
            p = process_find(r, f->id.text);
        }
        if (p) set_segments(p, f, n);
    }
    forget_gone_files(r, l);
    if (r && !waits) r->succession_ns = 0;
}

static void scan_folder(core *c, const char *key) {
    char folder[PATH_CAP];
    listing l = {0};
    if (place_run(c->dir, key, folder)) return;
    list(folder, &l);
    core_lock(c);
    run *r = registry_find(c, key);
    core_unlock(c);
    if (r && l.count && !r->loaded) run_load(c, r); // engine alone unloads and deletes
    core_lock(c);
    if (!r || !r->deleted) take_listing(c, key, folder, &l);
    core_unlock(c);
    mem_free(l.items);
}

// Has RUN's directory changed since it was read last? Remembers.
static bool changed(core *c, run *r) {
    char folder[PATH_CAP];
    struct stat st;
    if (place_run(c->dir, r->row.key, folder) || lstat(folder, &st) || !S_ISDIR(st.st_mode))
        return false;
    bool was_young = r->dir_fresh;
    int64_t at = mtime_ns(&st);
    if (at == r->dir_mtime_ns && !was_young) return false;
    r->dir_mtime_ns = at;
    r->dir_fresh = clock_wall_ns() - at < YOUNG_NS;
    return true;
}

static bool runs_changed(core *c, const char *path) {
    struct stat st;
    if (stat(path, &st)) return false;
    int64_t at = mtime_ns(&st);
    if (at == c->runs_mtime_ns) return false;
    if (clock_wall_ns() - at > YOUNG_NS) c->runs_mtime_ns = at;
    return true;
}

// Before the directory is listed: what asks for it meanwhile asks for the next time.
static void take_rescans(core *c, run *r) {
    core_lock(c);
    for (size_t i = 0; i < r->process_count; i++)
        if (r->processes[i]->rescan) r->processes[i]->rescan = r->processes[i]->drained = false;
    core_unlock(c);
}

// Active runs whose directory is still being made: a process that has no segment yet.
static void scan_young(core *c) {
    core_lock(c);
    run *r = c->active;
    core_unlock(c);
    for (; r; r = r->next_active) { // the list changes on this thread only, or grows at its front
        bool young = r->dir_fresh, again = r->succession_ns != 0;
        process *p;
        for (size_t i = 0; (p = process_at(c, r, i)); i++) {
            young |= p->segment_count == 0 && process_speaks(p);
            again |= p->rescan;
        }
        if (again) take_rescans(c, r);
        if (again || (young && changed(c, r))) scan_folder(c, r->row.key);
    }
}

void scan_new(core *c) {
    char path[PATH_CAP];
    scan_young(c);
    if (file_path(path, "%s/runs", c->dir) || !runs_changed(c, path)) return;
    DIR *d = opendir(path);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        if (!id_valid(e->d_name)) continue;
        core_lock(c);
        run *r = registry_find(c, e->d_name);
        core_unlock(c);
        if (!r) scan_folder(c, e->d_name);
    }
    closedir(d);
}

// Runs at rest are all looked at after a probe rang, else an eighth of them in turn: one on another host cannot ring.
static bool to_look_at(const core *c, const run *r, size_t i, bool all) {
    return !r->deleted && (all || r->is_active || r->dir_fresh || (i + c->looks) % 8 == 0);
}

void scan_all(core *c) {
    bool all = c->rang || c->wake_fifo < 0;
    c->rang = false;
    c->looks++;
    scan_new(c);
    for (size_t i = 0;; i++) {
        core_lock(c);
        run *r = i < c->run_count ? c->runs[i] : NULL;
        bool look = r && to_look_at(c, r, i, all);
        core_unlock(c);
        if (!r) return;
        if (look && changed(c, r)) scan_folder(c, r->row.key);
    }
}

void file_release(core *c, const char *path, uint64_t commit) {
    size_t length = strlen(path) + 1;
    release *r = mem_new(sizeof *r + length);
    if (!r) return;
    r->commit = commit;
    memcpy(r->path, path, length);
    *c->releases_last = r;
    c->releases_last = &r->next;
}

static void release_add(core *c, process *p, uint32_t number, uint64_t commit) {
    char folder[PATH_CAP], path[PATH_CAP];
    if (place_run(c->dir, p->run->row.key, folder) ||
        segment_path(path, folder, p->id.text, number))
        return;
    file_release(c, path, commit);
}

void process_release(core *c, process *p, uint64_t commit) {
    if (p->parked) return; // what is parked still stands in a file only
    for (size_t i = 0; i < p->segment_count; i++) {
        segment_file *f = &p->segments[i];
        bool newest = i + 1 == p->segment_count;
        if (!f->taken || f->leaving || f->foreign || (newest && p->state != PROC_OVER)) continue;
        f->leaving = true;
        release_add(c, p, f->number, commit);
    }
    blobs_release(c, p, commit);
}
