// Unit blob.c puts images away: PROC-NUMBER.blob, which an IMAGE record names, goes to DIR/blobs/HH/HASH by its
// SHA-256, so that equal ones are kept once. The file may come after its record (another thread writes
// it), so each is due until it is there.
//
// Order, for a kill at any moment: hash and link under the new name; put the row; commit; only then unlink the old
// name. What is due is part of the process's cursor row. Engine thread; files without the lock.
#include "network.h"
#include "run.h"

#include "base/hash.h"
#include "base/log.h"
#include "journal/place.h"
#include "journal/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOB_BYTES_MAX (256u << 20)
enum { DUE_MAX = 4096, PASS_MAX = 64 };

static const char *const formats[] = {"", "gray8", "rgb8", "rgba8", "png", "jpeg"};

static int open_plain(const char *path, int64_t *bytes) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return error_from_errno(errno);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > (off_t)BLOB_BYTES_MAX) {
        close(fd);
        return NNS_E_CORRUPT;
    }
    *bytes = st.st_size;
    return fd;
}

static int hash_file(const char *path, char hash[65]) {
    int64_t bytes;
    uint8_t part[65536], digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    int fd = open_plain(path, &bytes);
    if (fd < 0) return fd;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int result = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) ? 0 : NNS_E_NO_MEMORY;
    for (ssize_t n = 1; !result && n > 0;) {
        n = read(fd, part, sizeof part);
        if (n < 0)
            result = error_from_errno(errno);
        else if (n > 0 && !EVP_DigestUpdate(md, part, (size_t)n))
            result = NNS_E_IO;
    }
    if (!result && !EVP_DigestFinal_ex(md, digest, &length)) result = NNS_E_IO;
    if (!result) hash_hex(digest, length < 32 ? length : 32, hash);
    EVP_MD_CTX_free(md);
    close(fd);
    return result;
}

int blob_path(const core *c, const char *hash, char out[PATH_CAP]) {
    return file_path(out, "%s/blobs/%.2s/%s", c->dir, hash, hash);
}

static int copy(const char *from, const char *to) {
    buf content = {0};
    int result = file_read(from, BLOB_BYTES_MAX, &content);
    if (!result) result = file_write(to, content.data, content.length);
    buf_fini(&content);
    return result;
}

static int put_under_hash(const core *c, const char *from, const char *hash) {
    char folder[PATH_CAP], to[PATH_CAP];
    int result = file_path(folder, "%s/blobs/%.2s", c->dir, hash);
    if (!result) result = file_folder(folder);
    if (!result) result = blob_path(c, hash, to);
    if (result || link(from, to) == 0 || errno == EEXIST) return result;
    return copy(from, to); // no hard links there
}

void blob_due(core *c, process *p, const media_due *due) {
    size_t count = 0;
    for (const media_due *m = p->media; m; m = m->next)
        count++;
    media_due *m = count < DUE_MAX ? mem_new(sizeof *m) : NULL;
    if (!m) {
        p->run->row.dropped++;
        return;
    }
    (void)c;
    *m = *due;
    m->next = NULL;
    *p->media_last = m;
    p->media_last = &m->next;
}

void blob_done(process *p, uint64_t number) {
    uint64_t *done = mem_grow(p->blobs_done, p->blobs_done_count + 1, sizeof *done);
    if (!done) return; // its file stays behind
    p->blobs_done = done;
    done[p->blobs_done_count++] = number;
}

static void put_row(core *c, process *p, const media_due *m, const char *hash) {
    json_t *data = json_pack("{s:i,s:i,s:s}", "width", (int)m->width, "height", (int)m->height,
                             "format", m->format < 6 ? formats[m->format] : "");
    buf caption = {0};
    buf_json(&caption, m->caption, strlen(m->caption));
    json_t *text = caption.failed
                       ? NULL
                       : json_loadb((char *)caption.data, caption.length, JSON_DECODE_ANY, NULL);
    if (text) json_object_set_new(data, "caption", text);
    buf_fini(&caption);
    media_put(c, p->run, m->series, m->step, m->time_ms, hash, data);
    blob_done(p, m->blob);
}

// Lock held, engine or keeper: frees m.
static void unlist(process *p, media_due *m) {
    media_due **at = &p->media;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    if (!m->next) p->media_last = at;
    mem_free(m);
    p->state_dirty = true;
}

static bool take_capture(core *c, process *p, media_due *m, const char *path, bool last_chance) {
    if (!capture_put_away(c, p, m, path, last_chance)) return false;
    core_lock(c);
    if (m->capture == CAPTURE_PRUNE) blob_done(p, m->blob);
    unlist(p, m);
    core_unlock(c);
    return true;
}

void blobs_put_away(core *c, process *p, bool last_chance) {
    char folder[PATH_CAP], path[PATH_CAP], hash[65];
    if (!p->media || place_run(c->dir, p->run->row.key, folder)) return;
    int some = 0;
    // This thread alone changes the list.
    for (media_due *m = p->media, *next; m && some < PASS_MAX; m = next) {
        next = m->next;
        if (stage_blob_path(path, folder, p->id.text, m->blob)) continue;
        if (m->capture) {
            some += take_capture(c, p, m, path, last_chance);
            continue;
        }
        // A file whose row is still to come must not be met.
        if (atomic_load(&c->seeks_orphans)) continue;
        int result = hash_file(path, hash);
        if (result == NNS_E_NOT_FOUND && !last_chance) continue;
        if (!result) result = put_under_hash(c, path, hash);
        if (result && result != NNS_E_NOT_FOUND && result != NNS_E_CORRUPT && !last_chance)
            continue;
        core_lock(c);
        if (!result)
            put_row(c, p, m, hash);
        else
            p->run->row.dropped++;
        unlist(p, m);
        core_unlock(c);
        some++;
    }
}

void blobs_release(core *c, process *p, uint64_t commit) {
    char folder[PATH_CAP], path[PATH_CAP];
    if (!p->blobs_done_count || place_run(c->dir, p->run->row.key, folder)) return;
    for (size_t i = 0; i < p->blobs_done_count; i++)
        if (!stage_blob_path(path, folder, p->id.text, p->blobs_done[i]))
            file_release(c, path, commit);
    p->blobs_done_count = 0;
}

// --- reading ------------------------------------------------------------------------------------

typedef struct blob_job {
    job j;
    char hash[65];
} blob_job;

static const char *kind_of(const buf *b) {
    if (b->length >= 8 && memcmp(b->data, "\x89PNG\r\n\x1a\n", 8) == 0) return "image/png";
    if (b->length >= 3 && memcmp(b->data, "\xff\xd8\xff", 3) == 0) return "image/jpeg";
    return "application/octet-stream";
}

static void read_blob(core *c, job *j, store_reader *reader) {
    (void)reader;
    char path[PATH_CAP];
    int result = blob_path(c, ((blob_job *)j)->hash, path);
    if (!result) result = file_read(path, BLOB_BYTES_MAX, &j->reply.body);
    if (result) {
        reply_error(&j->reply, 404, "not_found", "there is no such blob");
        return;
    }
    j->reply.type = kind_of(&j->reply.body);
    reply_json(&j->reply, 200);
}

void core_get_blob(core *c, const char *run_key, const char *hash, core_done done, void *context) {
    core_reply error = {0};
    bool known;
    core_lock(c);
    known = registry_named(c, run_key) != NULL;
    core_unlock(c);
    blob_job *b = known && strlen(hash) == 64 && strspn(hash, "0123456789abcdef") == 64
                      ? mem_new(sizeof *b)
                      : NULL;
    if (!b) {
        reply_error(&error, 404, "not_found", "there is no such blob");
        answer_later(c, &error, done, context);
        return;
    }
    b->j = (job){.work = read_blob, .done = done, .context = context};
    memcpy(b->hash, hash, 65);
    job_submit(&c->workers, &b->j);
}
