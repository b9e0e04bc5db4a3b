// Unit git.c reads which commit a working tree stands at, and whether files differ from it, straight from
// the repository's files: a child process in somebody's training would raise SIGCHLD there.
//
// Place on the path: facts.c, on the aside thread, once.
//
// The index (Documentation/gitformat-index): "DIRC", u32 version 2..4, u32 entries, big-endian; an entry:
//
//     0 ctime s, 4 ns | 8 mtime s, 12 ns | 16 dev | 20 ino | 24 mode | 28 uid | 32 gid | 36 size
//     40 hash[20] | 60 u16 flags (0x8000 assume valid, 0x4000 extended: u16 more; 0xFFF name length)
//     name; versions 2, 3: zeros up to a multiple of 8, at least one; version 4: a count of bytes to
//     drop from the name before, then the rest, 0-terminated
//
// A file is changed when size differs, or mtime differs and so does the hash of its contents. What is
// staged and not committed shows as a root of the TREE extension that is not valid.
#include "git.h"

#include "sha1.h"

#include "base/clock.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_BYTES_MAX (64u << 20)
#define HASHED_BYTES_MAX (256 << 20)
#define TIME_MAX_NS (2 * NS_PER_S)

typedef struct tree {
    char root[PATH_CAP];   // of the working tree
    char own[PATH_CAP];    // .git, or what it points to
    char common[PATH_CAP]; // where refs are
} tree;

static bool read_line(const char *path, char *out, size_t cap) {
    buf text = {0};
    bool good = file_read(path, 1 << 16, &text) == 0 && text.length > 0;
    buf_char(&text, 0);
    good = good && !text.failed;
    if (good) snprintf(out, cap, "%.*s", (int)strcspn((char *)text.data, "\n"), (char *)text.data);
    buf_fini(&text);
    return good;
}

static bool join(char out[PATH_CAP], const char *base, const char *path) {
    if (path[0] == '/') return file_path(out, "%s", path) == 0;
    return file_path(out, "%s/%s", base, path) == 0;
}

// .git is a folder, or a file "gitdir: PATH" (worktrees, submodules).
static bool open_tree(tree *t) {
    char path[PATH_CAP], line[PATH_CAP];
    struct stat st;
    if (file_path(path, "%s/.git", t->root) || stat(path, &st)) return false;
    if (S_ISDIR(st.st_mode)) {
        snprintf(t->own, sizeof t->own, "%s", path);
    } else {
        if (!read_line(path, line, sizeof line) || strncmp(line, "gitdir: ", 8)) return false;
        if (!join(t->own, t->root, line + 8)) return false;
    }
    snprintf(t->common, sizeof t->common, "%s", t->own);
    if (file_path(path, "%s/commondir", t->own) == 0 && read_line(path, line, sizeof line))
        return join(t->common, t->own, line);
    return true;
}

static bool find_tree(const char *path, tree *t) {
    snprintf(t->root, sizeof t->root, "%s", path);
    for (;;) {
        if (open_tree(t)) return true;
        char *slash = strrchr(t->root, '/');
        if (!slash || slash == t->root) return false;
        *slash = 0;
    }
}

static bool is_hash(const char *text) {
    size_t n = strspn(text, "0123456789abcdef");
    return n == 40 || n == 64;
}

// "HASH refs/heads/main" lines.
static bool packed_ref(const tree *t, const char *ref, char commit[65]) {
    char path[PATH_CAP];
    buf text = {0};
    bool found = false;
    if (file_path(path, "%s/packed-refs", t->common) || file_read(path, 8 << 20, &text)) {
        buf_fini(&text);
        return false;
    }
    buf_char(&text, 0);
    for (char *line = (char *)text.data; line && *line && !found;) {
        size_t n = strcspn(line, "\n"), hash = strcspn(line, " ");
        if (hash < 65 && hash < n && n - hash - 1 == strlen(ref) &&
            !memcmp(line + hash + 1, ref, strlen(ref)) && is_hash(line)) {
            snprintf(commit, 65, "%.*s", (int)hash, line);
            found = true;
        }
        line += n + (line[n] == '\n');
    }
    buf_fini(&text);
    return found;
}

static bool commit_of(const tree *t, char head[PATH_CAP], char commit[65], const char **branch) {
    char path[PATH_CAP], line[128];
    *branch = "";
    if (file_path(path, "%s/HEAD", t->own) || !read_line(path, head, PATH_CAP)) return false;
    if (is_hash(head)) {
        snprintf(commit, 65, "%.64s", head);
        return true;
    }
    if (strncmp(head, "ref: ", 5)) return false;
    const char *ref = head + 5;
    *branch = strncmp(ref, "refs/heads/", 11) ? ref : ref + 11;
    if (file_path(path, "%s/%s", t->common, ref) == 0 && read_line(path, line, sizeof line) &&
        is_hash(line)) {
        snprintf(commit, 65, "%.64s", line);
        return true;
    }
    return packed_ref(t, ref, commit);
}

// --- the index -------------------------------------------------------------------------------------

typedef struct entry {
    uint32_t mtime_s, mtime_ns, mode, size;
    const uint8_t *hash;
    uint16_t flags;
} entry;

typedef struct index_cursor {
    const uint8_t *at, *end;
    uint32_t version;
    char name[PATH_CAP];
    int64_t until_ns;
    int64_t hashed_bytes;
} index_cursor;

static uint32_t be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

// The name of version 4: a varint of bytes to drop from the name before, then what is added.
static bool next_name4(index_cursor *c) {
    size_t length = strlen(c->name), drop = c->at < c->end ? *c->at & 0x7F : 0;
    while (c->at < c->end && (*c->at++ & 0x80) && c->at < c->end && drop < PATH_CAP)
        drop = ((drop + 1) << 7) | (*c->at & 0x7F);
    const uint8_t *zero = memchr(c->at, 0, (size_t)(c->end - c->at));
    if (!zero || drop > length || length - drop + (size_t)(zero - c->at) >= PATH_CAP) return false;
    memcpy(c->name + length - drop, c->at, (size_t)(zero - c->at) + 1);
    c->at = zero + 1;
    return true;
}

static bool next_name(index_cursor *c, const uint8_t *start) {
    if (c->version == 4) return next_name4(c);
    const uint8_t *zero = memchr(c->at, 0, (size_t)(c->end - c->at));
    if (!zero || zero - c->at >= PATH_CAP) return false;
    memcpy(c->name, c->at, (size_t)(zero - c->at) + 1);
    size_t bytes = ((size_t)(zero - start) + 8) & ~(size_t)7;
    if (bytes > (size_t)(c->end - start)) return false;
    c->at = start + bytes;
    return true;
}

static bool next_entry(index_cursor *c, entry *e) {
    const uint8_t *start = c->at;
    if (c->end - c->at < 64) return false;
    *e = (entry){.mtime_s = be32(start + 8),
                 .mtime_ns = be32(start + 12),
                 .mode = be32(start + 24),
                 .size = be32(start + 36),
                 .hash = start + 40};
    e->flags = (uint16_t)(start[60] << 8 | start[61]);
    c->at += e->flags & 0x4000 ? 64 : 62;
    bool skipped = (e->flags & 0x4000) && (start[62] & 0x40); // skip-worktree
    if (skipped) e->flags |= 0x8000;
    return next_name(c, start);
}

static bool same_contents(const char *path, const struct stat *st, const entry *e) {
    char text[65536];
    uint8_t hash[20];
    sha1 s;
    int64_t n, at = 0;
    sha1_init(&s);
    sha1_add(&s, text,
             (size_t)snprintf(text, sizeof text, "blob %lld", (long long)st->st_size) + 1);
    if (S_ISLNK(st->st_mode)) {
        n = readlink(path, text, sizeof text);
        if (n > 0) sha1_add(&s, text, (size_t)n);
    } else {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0) return false;
        for (; (n = file_pread(fd, text, sizeof text, at)) > 0; at += n)
            sha1_add(&s, text, (size_t)n);
        close(fd);
    }
    sha1_end(&s, hash);
    return memcmp(hash, e->hash, 20) == 0;
}

// 1: differs from the index, 0: does not, -1: not known within the limits.
static int changed(const tree *t, index_cursor *c, const entry *e) {
    char path[PATH_CAP];
    struct stat st;
    if ((e->flags & 0x8000) || (e->mode & 0170000) == 0160000) return 0; // told so; a submodule
    if (file_path(path, "%s/%s", t->root, c->name)) return -1;
    if (lstat(path, &st)) return 1;
    if ((uint32_t)st.st_size != e->size) return 1;
    bool same_ns = e->mtime_ns == 0 || (uint32_t)st.st_mtim.tv_nsec == e->mtime_ns;
    if ((uint32_t)st.st_mtim.tv_sec == e->mtime_s && same_ns) return 0;
    c->hashed_bytes += st.st_size;
    if (c->hashed_bytes > HASHED_BYTES_MAX) return -1;
    return !same_contents(path, &st, e);
}

// Behind the entries: extensions, u8 name[4], u32 bytes. TREE begins with the root: "", "-1 ..." when not valid.
static bool staged(const index_cursor *c) {
    const uint8_t *at = c->at;
    while (c->end - at >= 8) {
        uint32_t bytes = be32(at + 4);
        if (bytes > (size_t)(c->end - at) - 8) return false;
        if (!memcmp(at, "TREE", 4)) return bytes > 2 && at[8] == 0 && at[9] == '-';
        at += 8 + bytes;
    }
    return false;
}

static int dirty_index(const tree *t, const buf *index) {
    if (index->length < 32 || memcmp(index->data, "DIRC", 4)) return -1;
    index_cursor c = {.at = index->data + 12,
                      .end = index->data + index->length - 20,
                      .version = be32(index->data + 4),
                      .until_ns = clock_mono_ns() + TIME_MAX_NS};
    if (c.version < 2 || c.version > 4) return -1;
    uint32_t entries = be32(index->data + 8);
    for (uint32_t i = 0; i < entries; i++) {
        entry e;
        if (!next_entry(&c, &e) || clock_mono_ns() > c.until_ns) return -1;
        int result = changed(t, &c, &e);
        if (result) return result;
    }
    return staged(&c);
}

static int dirty(const tree *t) {
    char path[PATH_CAP];
    buf index = {0};
    int result = -1;
    if (file_path(path, "%s/index", t->own) == 0 && file_read(path, INDEX_BYTES_MAX, &index) == 0)
        result = dirty_index(t, &index);
    buf_fini(&index);
    return result;
}

bool git_describe(const char *path, buf *json) {
    tree t;
    char head[PATH_CAP], commit[65];
    const char *branch;
    if (!find_tree(path, &t) || !commit_of(&t, head, commit, &branch)) return false;
    buf_print(json, "{\"commit\":\"%s\"", commit);
    if (*branch) {
        buf_text(json, ",\"branch\":");
        buf_json(json, branch, strlen(branch));
    }
    int result = strlen(commit) == 40 ? dirty(&t) : -1;
    if (result >= 0) buf_text(json, result ? ",\"dirty\":true" : ",\"dirty\":false");
    buf_text(json, ",\"folder\":");
    buf_json(json, t.root, strlen(t.root));
    buf_char(json, '}');
    return true;
}
