// Unit log_file.c reads captured output: PROC.out in the run's directory, append only. Workers read; the file may
// grow meanwhile; its middle may be gone (src/probe/output_cut.c), which is passed over. Bytes that are not UTF-8 become U+FFFD, and an answer ends at a whole character.
#include "run.h"

#include "base/log.h"
#include "journal/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT_MAX = 4 << 20, LIMIT_STANDARD = 65536 };

typedef struct log_job {
    job j;
    char folder[PATH_CAP];
    log_piece piece;
    size_t limit;
    bool plain;
} log_job;

// The process whose output is shown when none is named: the one whose file changed last.
static bool newest_output(const char *folder, char proc[27]) {
    int64_t newest = -1;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        char id[27] = {0};
        if (strlen(e->d_name) != ID_LENGTH + 4 || strcmp(e->d_name + ID_LENGTH, ".out") != 0)
            continue;
        memcpy(id, e->d_name, ID_LENGTH);
        if (!id_valid(id) || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
            !S_ISREG(st.st_mode))
            continue;
        int64_t at = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        if (at <= newest) continue;
        newest = at;
        memcpy(proc, id, sizeof id);
    }
    if (d) closedir(d);
    return newest >= 0;
}

static int open_output(const char *folder, const char *proc, int64_t *size) {
    char path[PATH_CAP];
    struct stat st;
    if (file_path(path, "%s/%s.out", folder, proc)) return -1;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
        close(fd);
        return -1;
    }
    if (fd >= 0) *size = st.st_size;
    return fd;
}

// Length without a character that is cut at the end (1 to 3 bytes of it).
static size_t whole_characters(const uint8_t *at, size_t n) {
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        uint8_t b = at[n - back];
        if ((b & 0xC0) == 0x80) continue;
        size_t need = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 1;
        return need > back ? n - back : n;
    }
    return n;
}

int log_size(const char *folder, char proc[27], int64_t *size) {
    if (!newest_output(folder, proc)) return NNS_E_NOT_FOUND;
    int fd = open_output(folder, proc, size);
    if (fd < 0) return NNS_E_NOT_FOUND;
    close(fd);
    return 0;
}

// Moves a stretch that begins in the gap to the gap's end, and ends one before the gap that reaches into it.
static size_t pass_gap(log_piece *p, size_t limit) {
    int64_t from = p->gap[0], to = p->gap[1];
    if (from == p->size || p->offset >= to) return limit;
    if (p->offset < from)
        return (int64_t)limit > from - p->offset ? (size_t)(from - p->offset) : limit;
    int64_t skipped = to - p->offset;
    p->offset = to;
    return (int64_t)limit > skipped ? limit - (size_t)skipped : limit;
}

static int read_text(int fd, log_piece *p, size_t limit) {
    uint8_t *at = buf_room(&p->text, limit);
    int64_t n = at ? file_pread(fd, at, limit, p->offset) : NNS_E_NO_MEMORY;
    if (n < 0) return (int)n;
    size_t whole =
        p->offset + n < p->size || (size_t)n == limit ? whole_characters(at, (size_t)n) : (size_t)n;
    p->text.length += whole ? whole : (size_t)n;
    return 0;
}

int log_read(const char *folder, size_t limit, log_piece *p) {
    if (!p->process[0] && !newest_output(folder, p->process)) return NNS_E_NOT_FOUND;
    int fd = open_output(folder, p->process, &p->size);
    if (fd < 0) return NNS_E_NOT_FOUND;
    if (p->offset < 0) p->offset = p->size + p->offset > 0 ? p->size + p->offset : 0;
    if (p->offset > p->size) p->offset = p->size;
    file_gap(fd, p->size, p->gap);
    int result = read_text(fd, p, pass_gap(p, limit));
    close(fd);
    return result;
}

static void work(core *c, job *j, store_reader *reader) {
    log_job *k = (log_job *)j;
    (void)c;
    (void)reader;
    int result = log_read(k->folder, k->limit, &k->piece);
    if (result == NNS_E_NOT_FOUND) { // nothing was captured: an empty log
        result = 0;
        k->piece.offset = 0;
    }
    if (result) {
        reply_error(&j->reply, 503, "unreadable", "the output cannot be read: %s",
                    error_sentence(result));
    } else if (k->plain) {
        j->reply.type = "text/plain; charset=utf-8";
        buf_add(&j->reply.body, k->piece.text.data, k->piece.text.length);
        reply_json(&j->reply, 200);
    } else {
        log_json(&k->piece, &j->reply.body);
        reply_json(&j->reply, 200);
    }
    buf_fini(&k->piece.text);
}

void log_json(const log_piece *p, buf *out) {
    buf_text(out, "{\"process\":");
    json_text(out, p->process[0] ? p->process : NULL);
    buf_print(out, ",\"offset\":%lld,\"next\":%lld,\"size\":%lld,\"gap\":", (long long)p->offset,
              (long long)(p->offset + (int64_t)p->text.length), (long long)p->size);
    if (p->gap[0] < p->size)
        buf_print(out, "[%lld,%lld]", (long long)p->gap[0], (long long)p->gap[1]);
    else
        buf_text(out, "null");
    buf_text(out, ",\"text\":");
    buf_json(out, p->text.data ? (const char *)p->text.data : "", p->text.length);
    buf_char(out, '}');
}

void core_get_log(core *c, const char *key, const char *proc, int64_t offset, int limit, bool plain,
                  core_done done, void *context) {
    core_reply error = {0};
    core_lock(c);
    bool known = registry_named(c, key) != NULL;
    core_unlock(c);
    bool wrong = proc && *proc && !id_valid(proc);
    log_job *k = known && !wrong ? mem_new(sizeof *k) : NULL;
    if (!k || place_run(c->dir, key, k->folder)) {
        mem_free(k);
        reply_error(&error, 404, "not_found",
                    known ? "there is no such process" : "there is no such run");
        answer_later(c, &error, done, context);
        return;
    }
    k->j = (job){.work = work, .done = done, .context = context};
    if (proc) snprintf(k->piece.process, sizeof k->piece.process, "%s", proc);
    k->piece.offset = offset;
    k->limit = limit <= 0 ? LIMIT_STANDARD : limit > LIMIT_MAX ? LIMIT_MAX : (size_t)limit;
    k->plain = plain;
    job_submit(&c->workers, &k->j);
}
