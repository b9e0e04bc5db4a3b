// Unit delete.c deletes runs: points and rows, the directory, and large things that no other run shows. Steps:
//
//   1 core_delete_run marks the run (409 when a process of it may still speak)
//   2 the engine, between two passes, puts its directory aside and takes it out of registry and store
//   3 a worker removes files once that is durable, then answers
#include "run.h"

#include "base/log.h"
#include "journal/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct hash_list {
    char (*hash)[65];
    size_t count;
    bool remove; // those met are taken off
} hash_list;

typedef struct delete_job {
    job j;
    struct delete_job *next_task;
    char key[27];
    store_id run;
    uint64_t commit;
    hash_list hashes, snapshots; // snapshots are of one run each
} delete_job;

// --- large things -------------------------------------------------------------------------------

static int add_hash(hash_list *l, const char *hash) {
    char(*grown)[65] = mem_grow(l->hash, l->count + 1, sizeof *grown);
    if (!grown) return NNS_E_NO_MEMORY;
    l->hash = grown;
    memcpy(l->hash[l->count++], hash, 65);
    return 0;
}

static int each_snapshot(void *context, const store_snapshot *row) {
    return strlen(row->hash) == 64 ? add_hash(context, row->hash) : 0;
}

static int each_media(void *context, const store_row *row) {
    hash_list *l = context;
    if (!row->hash || strlen(row->hash) != 64) return 0;
    for (size_t i = 0; i < l->count; i++) {
        if (memcmp(l->hash[i], row->hash, 65) != 0) continue;
        if (l->remove) memcpy(l->hash[i], l->hash[--l->count], 65);
        return 0;
    }
    if (l->remove) return 0;
    return add_hash(l, row->hash);
}

typedef struct keepers {
    store_reader *reader;
    hash_list *hashes;
} keepers;

static int keep_of_run(void *context, const store_run *row) {
    keepers *k = context;
    if (!k->hashes->count) return 1;
    store_list_media(k->reader, row->id, NULL, INT64_MIN, INT64_MAX, SIZE_MAX / 4, each_media,
                     k->hashes);
    return 0;
}

static void remove_files(core *c, const hash_list *l) {
    char path[PATH_CAP];
    for (size_t i = 0; i < l->count; i++)
        if (!blob_path(c, l->hash[i], path)) unlink(path);
}

static void remove_blobs(core *c, delete_job *d, store_reader *reader) {
    keepers k = {.reader = reader, .hashes = &d->hashes};
    d->hashes.remove = true;
    if (!d->hashes.count || store_list_runs(reader, keep_of_run, &k) < 0) return;
    remove_files(c, &d->hashes);
}

// --- files --------------------------------------------------------------------------------------

// Where the run's directory waits for its end: under this name a scan does not take it for a new run.
static int waiting_path(core *c, const char *key, char out[PATH_CAP]) {
    char folder[PATH_CAP];
    int result = place_run(c->dir, key, folder);
    return result ? result : file_path(out, "%s.deleted", folder);
}

static void put_aside(core *c, const char *key) {
    char folder[PATH_CAP], waiting[PATH_CAP];
    if (place_run(c->dir, key, folder) || waiting_path(c, key, waiting)) return;
    if (rename(folder, waiting) && errno != ENOENT)
        log_warn("%s cannot be put aside: %s", folder, strerror(errno));
}

void remove_folder(core *c, const char *key) {
    char folder[PATH_CAP];
    if (waiting_path(c, key, folder)) return;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0) close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) // a run's directory holds files only
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    if (rmdir(folder)) log_warn("%s is not empty; left", folder);
}

static void work_files(core *c, job *j, store_reader *reader) {
    delete_job *d = (delete_job *)j;
    store_wait(c->store, d->commit, 10000);
    remove_blobs(c, d, reader);
    remove_files(c, &d->snapshots);
    remove_folder(c, d->key);
    buf_text(&j->reply.body, "{\"deleted\":\"");
    buf_text(&j->reply.body, d->key);
    buf_text(&j->reply.body, "\"}");
    reply_json(&j->reply, 200);
}

static void fini(job *j) {
    mem_free(((delete_job *)j)->hashes.hash);
    mem_free(((delete_job *)j)->snapshots.hash);
}

// --- the engine's part --------------------------------------------------------------------------

static void delete_now(core *c, delete_job *d) {
    core_lock(c);
    run *r = registry_find(c, d->key);
    if (r) {
        put_aside(c, d->key);
        store_run_end(c->store, r->row.id);
        run_remove(c, r);
        int result = store_delete_run(c->store, d->run);
        if (result) log_warn("run %s cannot be deleted: %s", d->key, error_sentence(result));
    }
    d->commit = core_commit(c);
    viewers_run_gone(c, d->key);
    core_unlock(c);
    d->j.work = work_files;
    job_submit(&c->workers, &d->j);
}

void engine_tasks(core *c) {
    for (;;) {
        core_lock(c);
        delete_job *d = c->deletes;
        if (d) c->deletes = d->next_task;
        core_unlock(c);
        if (!d) return;
        delete_now(c, d);
    }
}

// Deletions that came too late: nothing of them was done.
void deletes_fini(core *c) {
    while (c->deletes) {
        delete_job *d = c->deletes;
        c->deletes = d->next_task;
        job_free(&d->j);
    }
}

static void work_list(core *c, job *j, store_reader *reader) {
    delete_job *d = (delete_job *)j;
    core_settle(c);
    store_list_media(reader, d->run, NULL, INT64_MIN, INT64_MAX, SIZE_MAX / 4, each_media,
                     &d->hashes);
    store_all_snapshots(reader, d->run, each_snapshot, &d->snapshots);
    delete_job *copy = mem_new(sizeof *copy);
    if (!copy) {
        reply_error(&j->reply, 503, "no_memory", "out of memory");
        return;
    }
    *copy = *d; // goes on as a job of its own, with the answer
    d->hashes = d->snapshots = (hash_list){0};
    j->done = NULL;
    core_lock(c);
    copy->next_task = c->deletes;
    c->deletes = copy;
    core_unlock(c);
    core_ring(c);
}

static bool may_go(const run *r, core_reply *reply) {
    bool speaks = !state_over(r->row.state);
    for (size_t i = 0; i < r->process_count; i++) {
        const process *p = r->processes[i];
        if (p->http && p->ended) continue; // its end was set by hand: nobody else writes it
        speaks |= process_speaks(p) || p->salvaging;
    }
    if (speaks && r->row.state != STATE_LOST) {
        reply_error(reply, 409, "running", "a run that is running cannot be deleted");
        return false;
    }
    return true;
}

void core_delete_run(core *c, const char *key, const core_author *who, core_done done,
                     void *context) {
    core_reply reply = {0};
    delete_job *d = mem_new(sizeof *d);
    core_lock(c);
    run *r = registry_named(c, key);
    bool may = d && r && may_go(r, &reply);
    if (may) {
        r->deleted = true;
        d->run = r->row.id;
        memcpy(d->key, r->row.key, sizeof d->key);
    }
    core_unlock(c);
    if (!may) {
        mem_free(d);
        if (!reply.status) reply_error(&reply, 404, "not_found", "there is no such run");
        answer_later(c, &reply, done, context);
        return;
    }
    core_audit(c, who, "delete run", key, NULL);
    d->j = (job){.work = work_list, .fini = fini, .done = done, .context = context};
    job_submit(&c->workers, &d->j);
}
