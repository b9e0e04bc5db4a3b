// Unit alive.c tells living processes from dead ones by the lock on PROC.alive.
//
//     made under another name -> locked -> written -> renamed to PROC.alive ... unlinked at the end
//                                      from here on anybody may look ^ and never sees it unlocked
//
// What a free lock means (the lock dies with the process, whatever killed it):
//     boot as here               dead, unless /proc shows the same pid with the same start time:
//                                that one closed all its descriptors and runs on without the lock
//     other boot, host as here   dead: the machine was restarted
//     other boot and host        unknown from here: locks of a network file system may not arrive
#include "alive_file.h"

#include "base/error.h"
#include "home.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALIVE_VERSION = 1, TEXT_MAX = 8192 };

_Static_assert(sizeof((alive_info *)0)->boot == BOOT_CAP, "one size");
_Static_assert(sizeof((alive_info *)0)->host == HOST_CAP, "one size");

int alive_path(char out[PATH_CAP], const char *folder, const char *process) {
    if (!id_valid(process)) return NNS_E_INVALID;
    return file_path(out, "%s/%s.alive", folder, process);
}

// Start time of a process in clock ticks since boot, or 0 when it does not run (a zombie does not).
static int64_t start_ticks_of(int pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    int64_t n = file_pread(fd, text, sizeof text - 1, 0);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    char *at = strrchr(text, ')'); // the name before it may hold anything
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X') return 0;
    for (int field = 2; field < 22 && at; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoll(at, NULL, 10) : 0;
}

void alive_self(alive_info *info) {
    info->pid = (int)getpid();
    info->start_ticks = start_ticks_of(info->pid);
    place_boot(info->boot);
    place_host(info->host);
}

// One `key value` line; what would break the line becomes a space.
static void add_text(buf *out, const char *key, const char *value) {
    buf_print(out, "%s ", key);
    for (; *value; value++)
        buf_char(out, (uint8_t)*value < 0x20 ? ' ' : *value);
    buf_char(out, '\n');
}

void alive_encode(const alive_info *info, const char *process, buf *out) {
    buf_print(out, "version %d\npid %d\nstart %" PRId64 "\n", ALIVE_VERSION, info->pid,
              info->start_ticks);
    add_text(out, "boot", info->boot);
    add_text(out, "host", info->host);
    add_text(out, "lanes", info->lanes);
    if (info->lanes[0]) buf_print(out, "stage %s/%s.stage\n", info->lanes, process);
    buf_print(out, "opened_ms %" PRId64 "\n", info->opened_ms);
    add_text(out, "name", info->name);
    add_text(out, "project", info->project);
    buf_print(out, "world %d\nrank %d\n", info->world, info->rank);
}

static int write_locked(int fd, const alive_info *info, const char *process) {
    buf text = {0};
    int result = file_lock(fd);
    alive_encode(info, process, &text);
    if (!result && text.failed) result = NNS_E_NO_MEMORY;
    if (!result) result = file_write_all(fd, text.data, text.length);
    buf_fini(&text);
    return result;
}

int alive_hold(const char *folder, const char *process, const alive_info *info) {
    char path[PATH_CAP], temporary[PATH_CAP];
    alive_info mine = *info;
    if (!mine.pid) alive_self(&mine);
    int result = alive_path(path, folder, process);
    if (!result) result = file_path(temporary, "%s.%d.tmp", path, (int)getpid());
    if (result) return result;
    if (access(path, F_OK) == 0) return NNS_E_EXISTS;
    home_write(&mine, folder, process);
    home_sweep(mine.lanes);
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return error_from_errno(errno);
    result = write_locked(fd, &mine, process);
    if (!result && rename(temporary, path)) result = error_from_errno(errno);
    if (!result) return fd;
    unlink(temporary);
    close(fd);
    return result;
}

void alive_release(int fd, const char *folder, const char *process) {
    char path[PATH_CAP];
    alive_info info;
    if (fd >= 0 && alive_load(fd, &info) == 0) home_remove(info.lanes, process);
    if (alive_path(path, folder, process) == 0) unlink(path);
    if (fd >= 0) close(fd);
}

int alive_open(const char *folder, const char *process) {
    char path[PATH_CAP];
    struct stat st;
    int result = alive_path(path, folder, process);
    if (result) return result;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return error_from_errno(errno);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) return fd;
    close(fd);
    return NNS_E_CORRUPT;
}

static void copy_text(char *to, size_t cap, const char *from) {
    snprintf(to, cap, "%s", from);
}

static void decode_line(const char *key, const char *value, alive_info *info) {
    if (!strcmp(key, "pid")) info->pid = (int)strtol(value, NULL, 10);
    if (!strcmp(key, "start")) info->start_ticks = strtoll(value, NULL, 10);
    if (!strcmp(key, "opened_ms")) info->opened_ms = strtoll(value, NULL, 10);
    if (!strcmp(key, "world")) info->world = (int)strtol(value, NULL, 10);
    if (!strcmp(key, "rank")) info->rank = (int)strtol(value, NULL, 10);
    if (!strcmp(key, "boot")) copy_text(info->boot, sizeof info->boot, value);
    if (!strcmp(key, "host")) copy_text(info->host, sizeof info->host, value);
    if (!strcmp(key, "lanes")) copy_text(info->lanes, sizeof info->lanes, value);
    if (!strcmp(key, "name")) copy_text(info->name, sizeof info->name, value);
    if (!strcmp(key, "project")) copy_text(info->project, sizeof info->project, value);
}

static void decode(char *text, alive_info *info) {
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *value = strchr(line, ' ');
        if (!value) continue;
        *value = 0;
        decode_line(line, value + 1, info);
    }
}

int alive_load(int fd, alive_info *info) {
    char text[TEXT_MAX + 1];
    *info = (alive_info){0};
    int64_t n = file_pread(fd, text, TEXT_MAX, 0);
    if (n < 0) return (int)n;
    text[n] = 0;
    if (strncmp(text, "version ", 8) != 0) return NNS_E_CORRUPT;
    if (strtol(text + 8, NULL, 10) > ALIVE_VERSION) return NNS_E_VERSION;
    decode(text, info);
    return 0;
}

int alive_read(const char *folder, const char *process, alive_info *info) {
    int fd = alive_open(folder, process);
    if (fd < 0) return fd;
    int result = alive_load(fd, info);
    close(fd);
    return result;
}

int alive_judge(const alive_info *info) {
    alive_info here;
    alive_self(&here);
    if (here.boot[0] && strcmp(info->boot, here.boot) == 0)
        return info->pid > 0 && info->start_ticks && start_ticks_of(info->pid) == info->start_ticks;
    return strcmp(info->host, here.host) == 0 ? 0 : 2;
}

int alive_check(const char *folder, const char *process) {
    alive_info info;
    int fd = alive_open(folder, process);
    if (fd < 0) return fd;
    int result = file_locked_by(fd) ? 1 : alive_load(fd, &info);
    if (result == 0) result = alive_judge(&info);
    if (result == NNS_E_CORRUPT) result = 0; // locked before it was written: nobody is behind it
    close(fd);
    return result;
}
