// Unit output.c captures stdout and stderr: both go to PROC.out, an append-only file, and the helper shows
// on the original descriptors what has come in. Never a pipe, whose reader could block the program.
//
// stdout and stderr the same (a terminal):       1, 2 ------> PROC.out ---tee---> terminal
// apart (`train > log`):                         1 ---------> PROC.out ---tee---> log
//                                                2 ---------> PROC.err ---tee---> terminal
//                                                                 `---copied---> PROC.out
// What the helper itself copied into PROC.out is a `skip`: the tee to the original stdout leaves it out.
// PROC.err goes at the end in order; after a crash it is still there.
//
// A terminal that takes nothing (Ctrl-S) must not hold the helper: it writes only what poll() says fits. Nor must
// a program that prints without end: a turn shows TURN_BYTES at most. How large the files may get: output_cut.c.
#include "output.h"

#include "run.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 1024 // a writable pipe takes PIPE_BUF (4096) bytes at once; terminals less
#define TURN_BYTES (1 << 20)

// A buffer of our own: with NULL the C library goes on filling the one it has, lines or not.
static char line_buffer[BUFSIZ];

static int make_file(nns_run *run, const char *what) {
    char path[PATH_CAP];
    if (file_path(path, "%s/%s.%s", run->folder, run->process.text, what)) return -1;
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static bool same_file(int a, int b) {
    struct stat x, y;
    if (fstat(a, &x) || fstat(b, &y)) return true;
    return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int keep(int fd) {
    return fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

static void forget(output *o) {
    for (int i = 0; i < 2; i++)
        if (o->saved[i] >= 0) close(o->saved[i]);
    if (o->out_fd >= 0) close(o->out_fd);
    if (o->err_fd >= 0) close(o->err_fd);
    *o = (output){.saved = {-1, -1}, .out_fd = -1, .err_fd = -1};
}

void output_open(nns_run *run) {
    output *o = &run->output;
    *o = (output){.saved = {keep(1), keep(2)}, .out_fd = -1, .err_fd = -1};
    o->apart = !same_file(1, 2);
    o->out_fd = make_file(run, "out");
    o->err_fd = o->apart ? make_file(run, "err") : -1;
    bool ready = o->saved[0] >= 0 && o->saved[1] >= 0 && o->out_fd >= 0;
    if (!ready || (o->apart && o->err_fd < 0)) {
        forget(o);
        return;
    }
    fflush(stdout);
    fflush(stderr);
    setvbuf(stdout, line_buffer, _IOLBF, sizeof line_buffer);
    dup2(o->out_fd, 1);
    dup2(o->apart ? o->err_fd : o->out_fd, 2);
    o->on = true;
}

// --- tee -----------------------------------------------------------------------------------------

static bool writable(int fd, int patience_ms) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, patience_ms) > 0 && (p.revents & (POLLOUT | POLLERR | POLLHUP));
}

// Writes what `fd` takes; a descriptor that fails for good takes everything. -> bytes
static size_t show(int fd, const char *data, size_t bytes, int patience_ms) {
    size_t done = 0;
    while (done < bytes && writable(fd, patience_ms)) {
        size_t n = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
        ssize_t wrote = write(fd, data + done, n);
        if (wrote < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        done += wrote < 0 ? n : (size_t)wrote;
    }
    return done;
}

// How many bytes from `at` on are for the tee (positive) or to be left out (negative); 0: no limit known.
static int64_t stretch(const output *o, int64_t at, int64_t bytes) {
    for (uint32_t i = 0; i < o->skip_count; i++) {
        const output_skip *s = &o->skips[i];
        if (at >= s->from && at < s->to) return -(s->to - at < bytes ? s->to - at : bytes);
        if (s->from > at && s->from - at < bytes) return s->from - at;
    }
    return bytes;
}

static void drop_skips(output *o) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < o->skip_count; i++)
        if (o->skips[i].to > o->shown[0]) o->skips[kept++] = o->skips[i];
    o->skip_count = kept;
}

// Bytes at `data` to be shown next; what was cut away is passed over. 0: nothing.
static int64_t next_piece(output *o, char *data, size_t bytes) {
    int64_t head = OUTPUT_HEAD_BYTES, at = o->shown[0];
    if (at >= head && at < o->cut_to) at = o->shown[0] = o->cut_to;
    if (at < head && o->cut_to && head - at < (int64_t)bytes) bytes = (size_t)(head - at);
    return file_pread(o->out_fd, data, bytes, at);
}

static bool tee_out(output *o, int patience_ms) {
    char data[16384];
    bool more = true;
    for (int64_t left = TURN_BYTES; more && left > 0; left -= (int64_t)sizeof data) {
        int64_t n = next_piece(o, data, sizeof data);
        if (n <= 0) return false;
        int64_t part = stretch(o, o->shown[0], n);
        size_t want = (size_t)(part < 0 ? -part : part);
        size_t done = part < 0 ? want : show(o->saved[0], data, want, patience_ms);
        o->shown[0] += (int64_t)done;
        more = done == want;
        drop_skips(o);
    }
    return more;
}

// Appends to PROC.out and remembers where.
static bool copy_to_out(output *o, const char *data, size_t bytes) {
    if (o->skip_count == OUTPUT_SKIPS || file_write_all(o->out_fd, data, bytes)) return false;
    int64_t end = lseek(o->out_fd, 0, SEEK_CUR);
    o->skips[o->skip_count++] = (output_skip){end - (int64_t)bytes, end};
    return true;
}

static bool tee_err(output *o, int patience_ms) {
    char data[16384];
    bool more = true;
    for (int64_t left = TURN_BYTES; more && left > 0; left -= (int64_t)sizeof data) {
        int64_t n = file_pread(o->err_fd, data, sizeof data, o->shown[1]);
        if (n <= 0) return false;
        size_t done = show(o->saved[1], data, (size_t)n, patience_ms);
        if (done) copy_to_out(o, data, done);
        o->shown[1] += (int64_t)done;
        more = done == (size_t)n;
    }
    return more;
}

bool output_tend(nns_run *run, int patience_ms) {
    output *o = &run->output;
    bool more = o->on && o->apart && tee_err(o, patience_ms);
    return (o->on && tee_out(o, patience_ms)) || more;
}

void output_give_back(output *o) {
    int files[] = {o->out_fd, o->apart ? o->err_fd : o->out_fd};
    for (int i = 0; i < 2; i++)
        if (same_file(i + 1, files[i])) dup2(o->saved[i], i + 1);
}

void output_restore(nns_run *run) {
    output *o = &run->output;
    if (!o->on) return;
    fflush(stdout);
    fflush(stderr);
    output_give_back(o);
}

void output_close(nns_run *run, int patience_ms) {
    output *o = &run->output;
    char path[PATH_CAP];
    if (!o->on) return;
    while (output_tend(run, patience_ms) && clock_mono_ns() < run->close_by_ns) {
    }
    output_cut(run);
    if (o->apart && file_path(path, "%s/%s.err", run->folder, run->process.text) == 0) unlink(path);
    forget(o);
}
