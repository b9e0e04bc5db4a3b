// Unit inbox.c carries commands to a process: the server appends blocks to PROC.inbox and rings
// PROC.bell; the helper thread of the process reads them. A log, not slots: nothing is overwritten,
// so nothing is lost and nothing mapped. command.c writes and reads the records inside.
//
//     | block | block | block | torn |    block: block.c's, lane 0, first = offset of its records
//                             ^ a server that died while writing left this; the next cuts it off
//
// Invariants:
// 1. One writer at a time (the server holds its data directory's lock). It begins at the end of the
//    last whole block.
// 2. A reader takes whole blocks only and waits before anything else; what is torn is never read.
#include "inbox.h"

#include "base/error.h"
#include "base/id.h"
#include "block.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int inbox_path(char out[PATH_CAP], const char *folder, const char *process,
                      const char *what) {
    if (!id_valid(process)) return NNS_E_INVALID;
    return file_path(out, "%s/%s.%s", folder, process, what);
}

// -> fd of the inbox, a regular file, or a code.
static int open_file(const char *folder, const char *process, int flags) {
    char path[PATH_CAP];
    int result = inbox_path(path, folder, process, "inbox");
    if (result) return result;
    int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0) return error_from_errno(errno);
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) return fd;
    close(fd);
    return NNS_E_CORRUPT;
}

static int open_bell(const char *folder, const char *process) {
    char path[PATH_CAP];
    int result = inbox_path(path, folder, process, "bell");
    return result ? result : place_fifo(path);
}

// The end of the last whole block, or a code.
static int64_t good_end(int fd, buf *memory) {
    int64_t offset = 0;
    for (;;) {
        segment_block block;
        int64_t n = block_read(fd, offset, memory, &block);
        if (n == 0 || n == NNS_E_CORRUPT) return offset;
        if (n < 0) return n;
        offset += n;
    }
}

int inbox_open_writer(inbox_writer *w, const char *folder, const char *process) {
    *w = (inbox_writer){.fd = -1, .bell = -1};
    int fd = open_file(folder, process, O_RDWR);
    if (fd < 0) return fd;
    buf memory = {0};
    int64_t end = good_end(fd, &memory);
    buf_fini(&memory);
    if (end >= 0 && ftruncate(fd, end)) end = error_from_errno(errno);
    if (end < 0) {
        close(fd);
        return (int)end;
    }
    w->fd = fd;
    w->sequence = (uint64_t)end;
    w->bell = open_bell(folder, process); // without one the process looks at its own pace
    return 0;
}

int inbox_append(inbox_writer *w, const void *records, size_t bytes) {
    if (bytes > BLOCK_PAYLOAD_MAX) return NNS_E_TOO_LARGE;
    for (size_t at = 0, n; at < bytes; at += n) {
        n = record_check((const uint8_t *)records + at, bytes - at);
        if (n == 0) return NNS_E_INVALID;
    }
    if (bytes == 0) return 0;
    int result = block_write(w->fd, (int64_t)w->sequence, 0, w->sequence + BLOCK_HEADER_BYTES,
                             records, bytes);
    if (result) {
        int ignored = ftruncate(w->fd, (off_t)w->sequence); // else the next append writes over it
        (void)ignored;
        return result;
    }
    w->sequence += BLOCK_HEADER_BYTES + bytes;
    place_ring(w->bell);
    return 0;
}

void inbox_close_writer(inbox_writer *w) {
    if (w->fd >= 0) close(w->fd);
    if (w->bell >= 0) close(w->bell);
    *w = (inbox_writer){.fd = -1, .bell = -1};
}

int inbox_open_reader(inbox_reader *r, const char *folder, const char *process) {
    *r = (inbox_reader){.fd = -1, .bell = -1};
    int result = file_path(r->folder, "%s", folder);
    if (result) return result;
    snprintf(r->process.text, sizeof r->process.text, "%s", process);
    int fd = open_file(folder, process, O_RDWR | O_CREAT);
    if (fd < 0) return fd;
    r->fd = fd;
    r->offset = good_end(fd, &r->block);
    r->bell = open_bell(folder, process);
    if (r->offset < 0) result = (int)r->offset;
    if (r->offset >= 0 && r->bell < 0) result = r->bell;
    if (result) inbox_close_reader(r, false);
    return result;
}

int inbox_next(inbox_reader *r, segment_block *block) {
    int64_t n = block_read(r->fd, r->offset, &r->block, block);
    if (n == 0 || n == NNS_E_CORRUPT) return NNS_E_AGAIN;
    if (n < 0) return (int)n;
    r->offset += n;
    return 0;
}

static void unlink_one(const inbox_reader *r, const char *what) {
    char path[PATH_CAP];
    if (inbox_path(path, r->folder, r->process.text, what) == 0) unlink(path);
}

void inbox_close_reader(inbox_reader *r, bool unlink_files) {
    if (r->fd >= 0) close(r->fd);
    if (r->bell >= 0) close(r->bell);
    buf_fini(&r->block);
    if (unlink_files) {
        unlink_one(r, "inbox");
        unlink_one(r, "bell");
    }
    r->fd = r->bell = -1;
}
