// Unit home.c removes orphans from the lanes' folder: a process was killed, then its run's
// directory deleted, and nobody is left who would salvage its 27 MB of shared memory. Each process
// that opens sweeps.
//
// PROC.home is `key value` lines: those of the alive file (alive.c), then
//     spaces   mount and process name space, as /proc/self/ns says: where the two facts below hold
//     alive    path of the alive file
//
// Swept is only what is certain:
// 1. Written in these name spaces, so that the path and the process id mean the same here.
// 2. The process does not run; the alive file is not there.
// 3. The folder of runs is still there (else a file system may just not be mounted), or the home
//    file is older than an hour.
#include "home.h"

#include "alive_file.h"
#include "base/clock.h"
#include "shared.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPACES_CAP = 128, OLD_S = 3600, TEXT_MAX = 16384 };

_Static_assert(PATH_MAX <= PATH_CAP, "realpath fits");

typedef struct home {
    alive_info info;
    char spaces[SPACES_CAP];
    char alive[PATH_CAP];
} home;

static void spaces_here(char out[SPACES_CAP]) {
    char mount[64] = "", pid[64] = "";
    if (readlink("/proc/self/ns/mnt", mount, sizeof mount - 1) < 0) mount[0] = 0;
    if (readlink("/proc/self/ns/pid", pid, sizeof pid - 1) < 0) pid[0] = 0;
    snprintf(out, SPACES_CAP, "%s/%s", mount, pid);
}

static bool one_line(const char *path) {
    for (; *path; path++)
        if ((uint8_t)*path < 0x20) return false;
    return true;
}

void home_write(const alive_info *info, const char *folder, const char *process) {
    char real[PATH_CAP], path[PATH_CAP], spaces[SPACES_CAP];
    buf text = {0};
    if (!info->lanes[0] || !realpath(folder, real) || !one_line(real)) return;
    if (file_path(path, "%s/%s.home", info->lanes, process)) return;
    spaces_here(spaces);
    alive_encode(info, process, &text);
    buf_print(&text, "spaces %s\nalive %s/%s.alive\n", spaces, real, process);
    if (!text.failed) file_write_quickly(path, text.data, text.length);
    buf_fini(&text);
}

void home_remove(const char *lanes, const char *process) {
    char path[PATH_CAP];
    if (lanes[0] && !file_path(path, "%s/%s.home", lanes, process)) unlink(path);
}

// Copies the value of a line `key value`. False when there is none or it does not fit.
static bool line_of(const char *text, const char *key, char *out, size_t cap) {
    const char *at = strstr(text, key); // keys come with the newline before and the space behind
    if (!at) return false;
    at += strlen(key);
    size_t n = strcspn(at, "\n");
    if (at[n] != '\n' || n >= cap) return false;
    memcpy(out, at, n);
    out[n] = 0;
    return true;
}

static bool read_home(const char *path, home *h, struct stat *st) {
    static const char spaces[] = "\nspaces ", alive[] = "\nalive ";
    char text[TEXT_MAX + 1];
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    int64_t n = file_pread(fd, text, TEXT_MAX, 0);
    bool good = n > 0 && fstat(fd, st) == 0 && alive_load(fd, &h->info) == 0;
    close(fd);
    if (!good) return false;
    text[n] = 0;
    return line_of(text, spaces, h->spaces, sizeof h->spaces) &&
           line_of(text, alive, h->alive, sizeof h->alive);
}

static bool is_gone(const char *path) {
    struct stat st;
    return lstat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

// Cuts the last part off.
static void to_parent(char *path) {
    char *slash = strrchr(path, '/');
    if (slash && slash != path) *slash = 0;
}

static bool is_orphan(home *h, const struct stat *st) {
    char here[SPACES_CAP];
    spaces_here(here);
    if (strcmp(here, h->spaces) != 0 || h->alive[0] != '/') return false;
    if (alive_judge(&h->info) != 0 || !is_gone(h->alive)) return false;
    to_parent(h->alive); // the run
    to_parent(h->alive); // the folder of runs
    return !is_gone(h->alive) || clock_wall_ms() / 1000 - st->st_mtim.tv_sec > OLD_S;
}

// The id in a name PROC.home, or false.
static bool home_name(const char *name, nns_id *process) {
    if (strlen(name) != ID_LENGTH + 5 || strcmp(name + ID_LENGTH, ".home") != 0) return false;
    memcpy(process->text, name, ID_LENGTH);
    process->text[ID_LENGTH] = 0;
    return id_valid(process->text);
}

void home_sweep(const char *lanes) {
    DIR *dir = lanes[0] ? opendir(lanes) : NULL;
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[PATH_CAP];
        nns_id process;
        struct stat st;
        home h;
        if (!home_name(entry->d_name, &process)) continue;
        if (file_path(path, "%s/%s", lanes, entry->d_name)) continue;
        if (read_home(path, &h, &st) && is_orphan(&h, &st)) shared_remove(lanes, process.text);
    }
    closedir(dir);
}
