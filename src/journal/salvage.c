// Unit salvage.c keeps what a dead process had not yet written: its lanes and staging area outlive
// it in shared memory, and whoever finds its alive file unlocked moves them into its journal.
//
// Steps, each of which may be the last (killed, disk full) and is then repeated by the next
// salvager:
//     1. lock PROC.alive; judge again; only then touch anything
//     2. staging area -> blob files (same names again: harmless)
//     3. lanes, head to tail -> a new segment, under their own sequences (twice: readers skip)
//     4. sync the segment, the blobs and the folder
//     5. unlink lanes, staging area, inbox, bell, left-over temporary files
//     6. unlink PROC.alive; closing it lets the lock go
//
// Invariants:
// 1. Nothing in shared memory is unlinked before step 4 has succeeded, PROC.alive not before
//    everything else.
// 2. The lanes' folder is believed only when it is ours, private and named so (place_lanes_valid),
//    and only on the boot that wrote it: after a power cut a lane on a disk may hold anything.
// 3. The alive file is opened once: closing a second descriptor would let the lock go.
#include "alive_file.h"

#include "base/error.h"
#include "lane.h"
#include "place.h"
#include "segment.h"
#include "shared.h"
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// 1 when `fd` is still what stands under the name: another salvager may have been through
// meanwhile.
static bool still_there(int fd, const char *path) {
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

// Step 1. -> the locked fd or a code.
static int lock_dead(const char *folder, const char *process, alive_info *info) {
    char path[PATH_CAP];
    int result = alive_path(path, folder, process);
    if (result) return result;
    int fd = alive_open(folder, process);
    if (fd < 0) return fd;
    result = file_lock(fd);
    if (!result && !still_there(fd, path)) result = NNS_E_NOT_FOUND;
    if (!result) result = alive_load(fd, info);
    if (!result && alive_judge(info) != 0) result = NNS_E_BUSY;
    if (!result || result == NNS_E_CORRUPT) return fd; // no text: nothing but itself to clean away
    close(fd);
    return result;
}

static int drain_stage(const alive_info *info, const char *folder, const char *process) {
    char path[PATH_CAP];
    stage s;
    uint64_t failed = 0;
    int result = file_path(path, "%s/%s.stage", info->lanes, process);
    if (!result) result = stage_open(&s, path);
    if (result) return result == NNS_E_NOT_FOUND || result == NNS_E_CORRUPT ? 0 : result;
    result = stage_drain(&s, folder, process, &failed);
    stage_drop(&s, false);
    return result == NNS_E_CORRUPT ? 0 : result;
}

// One lane into the segment. A lane or a record that makes no sense is left; what stands before it
// is kept.
static int move_lane(segment_writer *w, const char *path, long number, uint64_t *bytes) {
    lane l;
    const uint8_t *at;
    int result = lane_open(&l, path);
    if (result) return result == NNS_E_CORRUPT || result == NNS_E_NOT_FOUND ? 0 : result;
    size_t ready = lane_ready(&l, &at);
    if (l.number == (uint32_t)number) {
        result = segment_append(w, l.number, *l.head, at, ready);
        *bytes += w->done;
    }
    lane_drop(&l, false);
    return result == NNS_E_CORRUPT ? 0 : result;
}

static int move_all(DIR *dir, segment_writer *w, const alive_info *info, uint64_t *bytes) {
    struct dirent *entry;
    char path[PATH_CAP];
    int result = 0;
    while (!result && (entry = readdir(dir))) {
        long number = shared_lane_number(entry->d_name, w->process.text);
        if (number < 0) continue;
        result = file_path(path, "%s/%s", info->lanes, entry->d_name);
        if (!result) result = move_lane(w, path, number, bytes);
    }
    return result;
}

// Step 3.
static int move_lanes(segment_writer *w, const alive_info *info, uint64_t *bytes) {
    DIR *dir = opendir(info->lanes);
    if (!dir) return error_from_errno(errno);
    int result = move_all(dir, w, info, bytes);
    closedir(dir);
    return result;
}

static int sync_file(int folder, const char *name, int flags) {
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
    if (fd < 0) return errno == ENOENT ? 0 : error_from_errno(errno); // taken in meanwhile
    int result = fsync(fd) && errno != EINVAL ? error_from_errno(errno) : 0;
    close(fd);
    return result;
}

// The blobs of the process, written by stage_drain without a sync, then the names in the folder.
static int sync_folder(const char *folder, const char *process) {
    DIR *dir = opendir(folder);
    if (!dir) return error_from_errno(errno);
    struct dirent *entry;
    int result = 0;
    while (!result && (entry = readdir(dir)))
        if (strncmp(entry->d_name, process, ID_LENGTH) == 0 &&
            file_name_ends(entry->d_name, ".blob"))
            result = sync_file(dirfd(dir), entry->d_name, 0);
    if (!result) result = sync_file(dirfd(dir), ".", O_DIRECTORY);
    closedir(dir);
    return result;
}

// Steps 2 to 4.
static int move_into_journal(const char *folder, const char *run, const char *process,
                             const alive_info *info, uint64_t *bytes) {
    segment_writer w;
    int result = drain_stage(info, folder, process);
    if (!result) result = segment_writer_init(&w, folder, run, process);
    if (result) return result;
    result = move_lanes(&w, info, bytes);
    if (!result) result = segment_sync(&w);
    if (!result) result = sync_folder(folder, process);
    segment_writer_fini(&w);
    return result;
}

static bool is_left_over(const char *name) {
    return file_name_ends(name, ".inbox") || file_name_ends(name, ".bell") ||
           file_name_ends(name, ".tmp");
}

static void remove_left_over(const char *folder, const char *process) {
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strncmp(entry->d_name, process, ID_LENGTH) == 0 && is_left_over(entry->d_name))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

static bool same_boot(const alive_info *info) {
    char boot[BOOT_CAP];
    place_boot(boot);
    return strcmp(boot, info->boot) == 0;
}

int salvage(const char *folder, const char *run, const char *process, uint64_t *bytes) {
    char path[PATH_CAP];
    alive_info info;
    *bytes = 0;
    if (!id_valid(run) || !id_valid(process)) return NNS_E_INVALID;
    int fd = lock_dead(folder, process, &info);
    if (fd < 0) return fd;
    bool lanes = place_lanes_valid(info.lanes);
    int result = 0;
    if (lanes && same_boot(&info)) result = move_into_journal(folder, run, process, &info, bytes);
    if (!result) {
        if (lanes) shared_remove(info.lanes, process);
        remove_left_over(folder, process);
        if (alive_path(path, folder, process) == 0) unlink(path);
    }
    close(fd);
    return result;
}
