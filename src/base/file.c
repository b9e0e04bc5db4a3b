// Unit file.c reads and writes whole files, makes private folders and takes locks.
#include "file.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

int file_path(char out[PATH_CAP], const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, PATH_CAP, format, args);
    va_end(args);
    return n < 0 || n >= PATH_CAP ? NNS_E_TOO_LARGE : 0;
}

int file_read(const char *path, size_t limit_bytes, buf *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error_from_errno(errno);
    int result = 0;
    for (;;) {
        uint8_t *at = buf_room(out, 65536);
        if (!at) {
            result = NNS_E_NO_MEMORY;
            break;
        }
        ssize_t n = read(fd, at, 65536);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            result = n < 0 ? error_from_errno(errno) : 0;
            break;
        }
        out->length += (size_t)n;
        if (out->length > limit_bytes) {
            result = NNS_E_TOO_LARGE;
            break;
        }
    }
    close(fd);
    return result;
}

int file_write_all(int fd, const void *data, size_t bytes) {
    const uint8_t *at = data;
    while (bytes) {
        ssize_t n = write(fd, at, bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? error_from_errno(errno) : NNS_E_IO;
        at += n;
        bytes -= (size_t)n;
    }
    return 0;
}

static int replace(const char *path, const void *data, size_t bytes, bool synced) {
    char temporary[PATH_CAP];
    int result = file_path(temporary, "%s.%d.tmp", path, (int)getpid());
    if (result) return result;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return error_from_errno(errno);
    result = file_write_all(fd, data, bytes);
    if (!result && synced && fsync(fd)) result = error_from_errno(errno);
    if (close(fd) && !result) result = error_from_errno(errno);
    if (!result && rename(temporary, path)) result = error_from_errno(errno);
    if (result) unlink(temporary);
    return result;
}

int file_write(const char *path, const void *data, size_t bytes) {
    return replace(path, data, bytes, true);
}

int file_write_quickly(const char *path, const void *data, size_t bytes) {
    return replace(path, data, bytes, false);
}

int64_t file_pread(int fd, void *data, size_t bytes, int64_t offset) {
    size_t have = 0;
    while (have < bytes) {
        ssize_t n = pread(fd, (uint8_t *)data + have, bytes - have, offset + (int64_t)have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_from_errno(errno);
        if (n == 0) break;
        have += (size_t)n;
    }
    return (int64_t)have;
}

void file_gap(int fd, int64_t size, int64_t gap[2]) {
    int64_t from = size > 0 ? lseek(fd, 0, SEEK_HOLE) : -1;
    int64_t to = from >= 0 && from < size ? lseek(fd, from, SEEK_DATA) : -1;
    gap[0] = to > from ? from : size;
    gap[1] = to > from && to < size ? to : size;
}

// The numbers of statfs(2); linux/magic.h has not all of them.
bool file_remote(const char *path) {
    static const uint32_t remote[] = {
        0x6969,     0xFF534D42, 0xFE534D42, 0x517B,     // NFS, CIFS, SMB 2, SMB
        0x01021997, 0x65735546, 0x00C36400, 0x0BD00BD0, // 9P, FUSE, Ceph, Lustre
        0x47504653, 0x19830326, 0x7461636F, 0x5346414F, // GPFS, BeeGFS, OCFS2, AFS
    };
    struct statfs fs;
    if (statfs(path, &fs)) return false;
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if ((uint32_t)fs.f_type == remote[i]) return true;
    return false;
}

static int one_folder(const char *path) {
    struct stat st;
    if (mkdir(path, 0700) == 0) return 0;
    if (errno != EEXIST) return error_from_errno(errno);
    if (stat(path, &st)) return error_from_errno(errno);
    return S_ISDIR(st.st_mode) ? 0 : NNS_E_EXISTS;
}

bool file_name_ends(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

int file_folder(const char *path) {
    char part[PATH_CAP];
    int result = file_path(part, "%s", path);
    for (char *at = part + 1; !result && *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        result = one_folder(part);
        *at = '/';
    }
    if (!result) result = one_folder(path);
    struct stat st;
    if (!result && lstat(path, &st)) result = error_from_errno(errno);
    if (!result && (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())) result = NNS_E_PERMISSION;
    return result;
}

int file_lock(int fd) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &lock) == 0) return 0;
    return errno == EACCES || errno == EAGAIN ? NNS_E_BUSY : error_from_errno(errno);
}

int file_locked_by(int fd) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK) return 0;
    return lock.l_pid > 0 ? (int)lock.l_pid : 1;
}
