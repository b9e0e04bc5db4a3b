// Unit output_cut.c keeps captured output within OUTPUT_BYTES_MAX on the disk, whatever a program prints.
//
// Place on the path: the helper calls it once a second. The middle of PROC.out is given back to the file system; all
// offsets stay as they are, so that who appends, shows or reads notices nothing but a gap (file_gap):
//
//     0                    OUTPUT_HEAD_BYTES        cut_to                     end
//     | the beginning | MARK |       (a gap)        | at least half of the bound |
//
//     MARK   "\n[nnscope: 123 bytes of output were left out here]", spaces, "\n": MARK_BYTES in all
//
// PROC.err loses what has been copied to PROC.out. Where the file system cannot free a part of a file, capturing ends
// with a word at the end of PROC.out, and the program prints to where it printed before.
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_BYTES 96
#define ALIGN_BYTES 4096
#define ERR_BYTES_MAX (1 << 20)

static int64_t size_of(int fd) {
    struct stat st;
    return fstat(fd, &st) ? 0 : (int64_t)st.st_size;
}

// -> 0 or errno
static int release(int fd, int64_t from, int64_t to) {
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    return fallocate(fd, mode, from, to - from) ? errno : 0;
}

// Through a descriptor of its own: what PROC.out's own writes goes to its end.
static void put_mark(nns_run *run, int64_t left_out) {
    char path[PATH_CAP], mark[MARK_BYTES + 1];
    if (file_path(path, "%s/%s.out", run->folder, run->process.text)) return;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    snprintf(mark, sizeof mark, "\n[nnscope: %lld bytes of output were left out here]",
             (long long)left_out);
    size_t n = strlen(mark);
    memset(mark + n, ' ', MARK_BYTES - n);
    mark[MARK_BYTES - 1] = '\n';
    ssize_t ignored = pwrite(fd, mark, MARK_BYTES, OUTPUT_HEAD_BYTES - MARK_BYTES);
    (void)ignored;
    close(fd);
}

static void end_capture(output *o) {
    static const char word[] =
        "\n[nnscope: the rest of the output is not recorded: this file system cannot "
        "free a part of a file]\n";
    o->full = true;
    output_give_back(o);
    file_write_all(o->out_fd, word, sizeof word - 1);
}

static void cut_out(nns_run *run, output *o) {
    int64_t head = OUTPUT_HEAD_BYTES, from = o->cut_to ? o->cut_to : head, end = size_of(o->out_fd);
    if (end - from + head <= OUTPUT_BYTES_MAX) return;
    int64_t to = (end - OUTPUT_BYTES_MAX / 2) / ALIGN_BYTES * ALIGN_BYTES;
    if (release(o->out_fd, from, to)) {
        end_capture(o);
        return;
    }
    o->cut_to = to;
    put_mark(run, to - head + MARK_BYTES);
}

static void cut_err(output *o) {
    int64_t to = o->shown[1] / ALIGN_BYTES * ALIGN_BYTES;
    if (to - o->err_to < ERR_BYTES_MAX) return;
    release(o->err_fd, o->err_to, to);
    o->err_to = to;
}

void output_cut(nns_run *run) {
    output *o = &run->output;
    if (!o->on || o->full) return;
    if (o->apart) cut_err(o);
    cut_out(run, o);
}
