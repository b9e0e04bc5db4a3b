// Unit place.c finds and makes the folders and FIFOs that place.h draws. Each is made private
// (0700, 0600), must belong to this user, and is never reached through a link at its end.
#include "place.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LANES_FOLDER_MAX = 511 }; // alive_info.lanes and lane.path hold it

static const char *env(const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

// A program may change its directory later: paths are kept absolute.
static int absolute(char out[PATH_CAP], const char *path) {
    if (path[0] == '/') return file_path(out, "%s", path);
    char here[PATH_CAP];
    if (!getcwd(here, sizeof here)) return error_from_errno(errno);
    return file_path(out, "%s/%s", here, path);
}

int place_data(const char *asked, char out[PATH_CAP]) {
    if (asked && asked[0]) return absolute(out, asked);
    if (env("NNSCOPE_DIR")) return absolute(out, env("NNSCOPE_DIR"));
    char path[PATH_CAP];
    int result = NNS_E_NOT_FOUND;
    if (env("XDG_DATA_HOME"))
        result = file_path(path, "%s/nnscope", env("XDG_DATA_HOME"));
    else if (env("HOME"))
        result = file_path(path, "%s/.local/share/nnscope", env("HOME"));
    return result ? result : absolute(out, path);
}

int place_make(const char *dir) {
    char path[PATH_CAP];
    int result = file_folder(dir);
    if (!result) result = file_path(path, "%s/runs", dir);
    if (!result) result = file_folder(path);
    if (!result) result = file_path(path, "%s/blobs", dir);
    if (!result) result = file_folder(path);
    if (!result) result = file_path(path, "%s/wake", dir);
    if (result) return result;
    int fd = place_fifo(path);
    if (fd < 0) return fd;
    close(fd);
    return 0;
}

int place_run(const char *dir, const char *run, char out[PATH_CAP]) {
    return file_path(out, "%s/runs/%s", dir, run);
}

// Ours, a real folder, closed to everybody else (made so when only its mode is too wide).
static bool private_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    struct stat st;
    bool good = fstat(fd, &st) == 0 && st.st_uid == geteuid();
    if (good && (st.st_mode & 077)) good = fchmod(fd, 0700) == 0;
    close(fd);
    return good;
}

static bool lanes_in(const char *base, char out[PATH_CAP]) {
    if (!base || base[0] != '/') return false;
    if (file_path(out, "%s/nnscope-%u", base, (unsigned)geteuid())) return false;
    if (strlen(out) > LANES_FOLDER_MAX) return false;
    if (mkdir(out, 0700) && errno != EEXIST) return false;
    return private_folder(out) && access(out, R_OK | W_OK | X_OK) == 0;
}

int place_lanes(char out[PATH_CAP]) {
    if (lanes_in(env("NNSCOPE_SHM"), out) || lanes_in("/dev/shm", out) ||
        lanes_in(env("XDG_RUNTIME_DIR"), out))
        return 0;
    out[0] = 0;
    return NNS_E_NOT_FOUND;
}

bool place_lanes_valid(const char *path) {
    char name[32];
    snprintf(name, sizeof name, "nnscope-%u", (unsigned)geteuid());
    const char *last = strrchr(path, '/');
    if (path[0] != '/' || !last || strcmp(last + 1, name) != 0) return false;
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & 077) == 0;
}

int place_fifo(const char *path) {
    if (mkfifo(path, 0600) && errno != EEXIST) return error_from_errno(errno);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return error_from_errno(errno);
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid == geteuid()) return fd;
    close(fd);
    return NNS_E_EXISTS;
}

void place_ring(int fd) {
    if (fd < 0) return;
    ssize_t ignored = write(fd, "", 1);
    (void)ignored;
}

void place_boot(char out[BOOT_CAP]) {
    memset(out, 0, BOOT_CAP);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (file_pread(fd, out, BOOT_CAP - 1, 0) < 0) out[0] = 0;
    close(fd);
    out[strcspn(out, "\n")] = 0;
}

void place_host(char out[HOST_CAP]) {
    memset(out, 0, HOST_CAP);
    if (gethostname(out, HOST_CAP - 1)) out[0] = 0;
}
