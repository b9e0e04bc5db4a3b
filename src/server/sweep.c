// Unit sweep.c clears away, once at start, what a server that was killed left half done:
//
//     DIR/runs/RUN.deleted     put aside for deletion (delete.c): removed, or put back where the deletion was not durable
//     DIR/blobs/HH/*.tmp       files that were never whole
//
// A worker, with the server under way: nothing waits for it. Names that are not exactly these are left alone.
#include "run.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static DIR *open_folder(int at, const char *name) {
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0) close(fd);
    return d;
}

// --- runs ---------------------------------------------------------------------------------------

static void sweep_run(core *c, DIR *runs, const char *name) {
    char key[27] = "";
    if (strlen(name) != 26 + 8 || !file_name_ends(name, ".deleted")) return;
    memcpy(key, name, 26);
    core_lock(c);
    run *r = id_valid(key) ? registry_find(c, key) : NULL;
    bool stays = r && !r->deleted, going = r && r->deleted;
    core_unlock(c);
    if (!id_valid(key) || going) return;
    if (stays && renameat(dirfd(runs), name, dirfd(runs), key) == 0) return;
    remove_folder(c, key);
}

static void sweep_runs(core *c) {
    char path[PATH_CAP];
    DIR *d = file_path(path, "%s/runs", c->dir) ? NULL : open_folder(AT_FDCWD, path);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d)) && !atomic_load(&c->ending);)
        sweep_run(c, d, e->d_name);
    closedir(d);
}

// --- blobs --------------------------------------------------------------------------------------

static void sweep_blob_folder(DIR *d) {
    char mine[32];
    snprintf(mine, sizeof mine, ".%d.tmp", (int)getpid());
    for (struct dirent *e; (e = readdir(d));)
        if (file_name_ends(e->d_name, ".tmp") && !file_name_ends(e->d_name, mine))
            unlinkat(dirfd(d), e->d_name, 0);
}

static void sweep_blobs(core *c) {
    char path[PATH_CAP], name[3];
    DIR *blobs = file_path(path, "%s/blobs", c->dir) ? NULL : open_folder(AT_FDCWD, path);
    for (int i = 0; blobs && i < 256 && !atomic_load(&c->ending); i++) {
        snprintf(name, sizeof name, "%02x", i);
        DIR *d = open_folder(dirfd(blobs), name);
        if (!d) continue;
        sweep_blob_folder(d);
        closedir(d);
    }
    if (blobs) closedir(blobs);
}

static void work(core *c, job *j, store_reader *reader) {
    (void)j;
    (void)reader;
    sweep_runs(c);
    sweep_blobs(c);
}

void sweep_submit(core *c) {
    job *j = mem_new(sizeof *j);
    if (!j) return;
    j->work = work;
    job_submit(&c->workers, j);
}
