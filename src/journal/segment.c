// Unit segment.c writes a process's journal: the helper thread appends what it took from the lanes,
// a second thread syncs. segment_read.c reads it again and draws the header; block.c draws the
// blocks.
//
// A segment file, and what a writer does to it:
//
//     | header | block | block | ... | block |     > SEGMENT_BYTES: finished, the next one is begun
//                                            ^ bytes: end of the last good block; writes go here
//
// Invariants:
// 1. Bytes 0..bytes are whole blocks. A write that fails is cut off by ftruncate; where even that
//    fails the file is left and a new segment is begun, so that the torn end is never followed by
//    more.
// 2. Segments of a process are numbered upward and never reused; a new one is made with O_EXCL.
// 3. The appending thread alone changes fd; `lock` guards that change and `retired` against
//    segment_sync, and is never held during a system call that may block on the disk.
#include "segment.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/le.h"
#include "base/mem.h"
#include "block.h"
#include "place.h"
#include "segment_format.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(SEGMENT_AT_PROCESS - SEGMENT_AT_RUN >= (int)sizeof(nns_id), "layout");
_Static_assert(SEGMENT_AT_BOOT - SEGMENT_AT_PROCESS >= (int)sizeof(nns_id), "layout");
_Static_assert(SEGMENT_AT_WALL - SEGMENT_AT_BOOT >= BOOT_CAP, "layout");

int segment_path(char out[PATH_CAP], const char *folder, const char *process, uint32_t number) {
    return file_path(out, "%s/%s-%06u.seg", folder, process, number);
}

// The number in a name PROC-NNNNNN.seg, or 0.
static uint32_t number_of(const char *name, const char *process) {
    if (strncmp(name, process, ID_LENGTH) != 0 || name[ID_LENGTH] != '-') return 0;
    const char *digits = name + ID_LENGTH + 1;
    size_t n = strspn(digits, "0123456789");
    if (n < 6 || n > 9 || strcmp(digits + n, ".seg") != 0) return 0;
    return (uint32_t)strtoul(digits, NULL, 10);
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int collect(DIR *dir, const char *process, buf *numbers) {
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        uint32_t number = number_of(entry->d_name, process);
        if (number) buf_u32(numbers, number);
    }
    return numbers->failed ? NNS_E_NO_MEMORY : 0;
}

int segment_list(const char *folder, const char *process, uint32_t **numbers, size_t *count) {
    *numbers = NULL;
    *count = 0;
    if (!id_valid(process)) return NNS_E_INVALID;
    DIR *dir = opendir(folder);
    if (!dir) return error_from_errno(errno);
    buf found = {0};
    int result = collect(dir, process, &found);
    closedir(dir);
    if (result) {
        buf_fini(&found);
        return result;
    }
    *numbers = (uint32_t *)(void *)found.data; // owned by the caller from here
    *count = found.length / sizeof(uint32_t);
    if (*count) qsort(*numbers, *count, sizeof(uint32_t), compare);
    return 0;
}

int segment_writer_init(segment_writer *w, const char *folder, const char *run,
                        const char *process) {
    *w = (segment_writer){.fd = -1};
    if (!id_valid(run) || !id_valid(process)) return NNS_E_INVALID;
    int result = file_path(w->folder, "%s", folder);
    if (result) return result;
    memcpy(w->run.text, run, sizeof w->run.text);
    memcpy(w->process.text, process, sizeof w->process.text);
    uint32_t *numbers;
    size_t count;
    result = segment_list(folder, process, &numbers, &count);
    if (result) return result;
    w->number = count ? numbers[count - 1] : 0;
    mem_free(numbers);
    return pthread_mutex_init(&w->lock, NULL) ? NNS_E_NO_MEMORY : 0;
}

static void encode_header(const segment_writer *w, uint32_t number,
                          uint8_t at[SEGMENT_HEADER_BYTES]) {
    char boot[BOOT_CAP];
    place_boot(boot);
    memset(at, 0, SEGMENT_HEADER_BYTES);
    memcpy(at, SEGMENT_MAGIC, 8);
    le_put_u32(at + SEGMENT_AT_VERSION, SEGMENT_VERSION);
    le_put_u32(at + SEGMENT_AT_HEADER_BYTES, SEGMENT_HEADER_BYTES);
    memcpy(at + SEGMENT_AT_RUN, w->run.text, sizeof w->run.text);
    memcpy(at + SEGMENT_AT_PROCESS, w->process.text, sizeof w->process.text);
    memcpy(at + SEGMENT_AT_BOOT, boot, sizeof boot);
    le_put_i64(at + SEGMENT_AT_WALL, clock_wall_ns());
    le_put_i64(at + SEGMENT_AT_MONO, clock_mono_ns());
    le_put_u32(at + SEGMENT_AT_NUMBER, number);
    le_put_u32(at + SEGMENT_AT_CRC, hash_crc32c(0, at, SEGMENT_AT_CRC));
}

// Creates the first free number above the last. -> fd or code.
static int create_next(segment_writer *w, char path[PATH_CAP]) {
    for (int attempt = 0; attempt < 1000; attempt++) {
        int result = segment_path(path, w->folder, w->process.text, w->number + 1);
        if (result) return result;
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) {
            w->number++;
            return fd;
        }
        if (errno != EEXIST) return error_from_errno(errno);
        w->number++;
    }
    return NNS_E_EXISTS;
}

static void set_open(segment_writer *w, int fd, uint64_t bytes) {
    pthread_mutex_lock(&w->lock);
    w->fd = fd;
    pthread_mutex_unlock(&w->lock);
    w->bytes = bytes;
}

static int begin_segment(segment_writer *w) {
    char path[PATH_CAP];
    int fd = create_next(w, path);
    if (fd < 0) return fd;
    uint8_t header[SEGMENT_HEADER_BYTES];
    encode_header(w, w->number, header);
    int result = file_write_all(fd, header, sizeof header);
    if (result) {
        close(fd);
        unlink(path);
        w->number--; // it holds nothing and nobody could read it: the number is free again
        return result;
    }
    set_open(w, fd, sizeof header);
    return 0;
}

// Leaves the open segment to segment_sync; with too many waiting it is closed without a sync.
static void retire(segment_writer *w) {
    pthread_mutex_lock(&w->lock);
    int fd = w->fd;
    w->fd = -1;
    if (fd >= 0 && w->retired_count < SEGMENT_RETIRED_MAX) {
        w->retired[w->retired_count++] = fd;
        fd = -1;
    }
    pthread_mutex_unlock(&w->lock);
    if (fd >= 0) close(fd);
}

// Goes on to the next segment where the open one is full, or was deleted with its folder.
static int ready_segment(segment_writer *w) {
    struct stat st;
    if (w->fd >= 0 && (w->bytes >= SEGMENT_BYTES || fstat(w->fd, &st) || st.st_nlink == 0))
        retire(w);
    return w->fd >= 0 ? 0 : begin_segment(w);
}

static int append_block(segment_writer *w, uint32_t lane, uint64_t first, const uint8_t *records,
                        size_t bytes) {
    int result = ready_segment(w);
    if (result) return result;
    result = block_write(w->fd, (int64_t)w->bytes, lane, first, records, bytes);
    if (!result)
        w->bytes += BLOCK_HEADER_BYTES + bytes;
    else if (ftruncate(w->fd, (off_t)w->bytes))
        retire(w);
    return result;
}

// Bytes of the whole records at the front of a block's worth: 0 when the first one is not
// well-formed.
static size_t cut(const uint8_t *at, size_t bytes) {
    size_t taken = 0;
    while (taken < bytes) {
        size_t n = record_check(at + taken, bytes - taken);
        if (n == 0 || (taken && taken + n > SEGMENT_BLOCK_BYTES)) break;
        taken += n;
    }
    return taken;
}

int segment_append(segment_writer *w, uint32_t lane, uint64_t first, const void *records,
                   size_t bytes) {
    const uint8_t *at = records;
    int result = 0;
    w->done = 0;
    while (bytes) {
        size_t n = cut(at, bytes);
        result = n ? append_block(w, lane, first, at, n) : NNS_E_CORRUPT;
        if (result) break;
        at += n;
        first += n;
        bytes -= n;
        w->done += n;
    }
    if (bytes) atomic_fetch_add(&w->failed_bytes, bytes);
    return result;
}

// Duplicates the open descriptor and takes over the finished ones, so that the sync itself holds no
// lock.
static int take_for_sync(segment_writer *w, int fds[SEGMENT_RETIRED_MAX + 1]) {
    int count = 0;
    pthread_mutex_lock(&w->lock);
    while (w->retired_count)
        fds[count++] = w->retired[--w->retired_count];
    int copy = w->fd < 0 ? -1 : fcntl(w->fd, F_DUPFD_CLOEXEC, 0);
    pthread_mutex_unlock(&w->lock);
    if (copy >= 0) fds[count++] = copy;
    return count;
}

int segment_sync(segment_writer *w) {
    int fds[SEGMENT_RETIRED_MAX + 1], result = 0;
    int count = take_for_sync(w, fds);
    for (int i = 0; i < count; i++) {
        if (fdatasync(fds[i])) result = error_from_errno(errno);
        close(fds[i]);
    }
    return result;
}

void segment_writer_fini(segment_writer *w) {
    retire(w);
    while (w->retired_count)
        close(w->retired[--w->retired_count]);
    pthread_mutex_destroy(&w->lock);
}
