// Files: whole reads and writes, private folders, locks. Paths are UTF-8 as the system has them.
#ifndef NNS_BASE_FILE_H
#define NNS_BASE_FILE_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_CAP 4096

int file_path(char out[PATH_CAP], const char *format, ...) __attribute__((format(printf, 2, 3)));
int file_read(const char *path, size_t limit_bytes, buf *out); // NNS_E_TOO_LARGE above the limit
int file_write(const char *path, const void *data, size_t bytes); // by a temporary name, 0600, synced
int file_write_quickly(const char *path, const void *data, size_t bytes); // not synced: whole or absent, but after a power cut perhaps absent
int file_write_all(int fd, const void *data, size_t bytes);    // retries short writes and EINTR
int64_t file_pread(int fd, void *data, size_t bytes, int64_t offset); // bytes read (short at the end) or a code
// The first stretch of the file that holds nothing (its bytes were freed), as gap[0]..gap[1]; both the size: none.
void file_gap(int fd, int64_t size, int64_t gap[2]);
bool file_name_ends(const char *name, const char *end); // and is longer
bool file_remote(const char *path); // on a file system that other hosts share (or FUSE); false also when it cannot be told
int file_folder(const char *path); // makes it and its parents, 0700; checks owner; follows no link at the end

// A whole-file fcntl write lock. `file_lock` returns NNS_E_BUSY when another process holds it;
// `file_locked_by` gives that process's pid, or 0. A lock dies with its process or any close of
// the file in it: open the file once, keep it.
int file_lock(int fd);
int file_locked_by(int fd);

#endif
