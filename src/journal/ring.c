// Unit ring.c makes, checks and maps the shared files of lanes and of the staging area.
//
//     0        8         12        16       20             24            28             32
//     +--------+---------+---------+--------+--------------+-------------+--------------+
//     | magic  | version | capacity| number | header bytes | process id  | zero         |
//     +--------+---------+---------+--------+--------------+-------------+--------------+
//     128 u64 tail      bytes written since the ring was made      (written by the writer)
//     256 u64 head      bytes taken since the ring was made        (written by the reader)
//     384 u32 taken     1 while somebody puts into a staging area
//     header bytes (a page): data, `capacity` bytes; byte s of the stream stands at s mod capacity
//
// The maker maps header and data in one piece and the data once more behind it, so that what
// crosses the end is contiguous:
//
//     map -> | header | data 0 .. capacity | data 0 .. capacity again |
//
// Invariants:
// 1. capacity is a power of two and a multiple of the page; the file is header + capacity bytes,
//    all allocated before it is mapped: a full tmpfs is NNS_E_FULL here and never a SIGBUS in
//    training.
// 2. head <= tail <= head + capacity. Both only grow.
// 3. Every page of both views has been touched before the writer gets the ring: it never faults.
// 4. tail, head and taken stand 128 bytes apart: neighbouring lines are fetched in pairs.
#include "ring.h"

#include "base/error.h"
#include "base/file.h"
#include "base/le.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RING_VERSION = 1, HEADER_KNOWN_BYTES = 512, HEADER_MAX_BYTES = 1 << 20 };

typedef struct ring_header {
    char magic[8];
    uint32_t version, capacity, number, header_bytes, pid, zero;
    char pad0[96];
    _Atomic uint64_t tail;
    char pad1[120];
    _Atomic uint64_t head;
    char pad2[120];
    _Atomic uint32_t taken;
    char pad3[124];
} ring_header;

_Static_assert(offsetof(ring_header, tail) == 128, "layout");
_Static_assert(offsetof(ring_header, head) == 256, "layout");
_Static_assert(offsetof(ring_header, taken) == 384, "layout");
_Static_assert(sizeof(ring_header) == HEADER_KNOWN_BYTES, "layout");
_Static_assert(sizeof(_Atomic uint64_t) == 8 && sizeof(_Atomic uint32_t) == 4, "plain words");

static bool power_of_two(uint32_t v) {
    return v && (v & (v - 1)) == 0;
}

static int open_new(lane *l, const char *folder, const char *name) {
    if (!folder) {
        int fd = memfd_create("nnscope", MFD_CLOEXEC);
        return fd < 0 ? error_from_errno(errno) : fd;
    }
    int n = snprintf(l->path, sizeof l->path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof l->path) return NNS_E_TOO_LARGE;
    int fd = open(l->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? error_from_errno(errno) : fd;
}

static int allocate(int fd, size_t bytes) {
    int err;
    do {
        err = posix_fallocate(fd, 0, (off_t)bytes);
    } while (err == EINTR);
    return error_from_errno(err);
}

static bool map_at(uint8_t *at, size_t bytes, int fd, size_t offset) {
    return mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)offset) ==
           (void *)at;
}

// Reserves the addresses, then puts the file over them: nobody else can get between the views.
static int map_twice(lane *l, int fd, size_t header, size_t capacity) {
    size_t bytes = header + 2 * capacity;
    uint8_t *map = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) return error_from_errno(errno);
    if (!map_at(map, header + capacity, fd, 0) ||
        !map_at(map + header + capacity, capacity, fd, header)) {
        int result = error_from_errno(errno);
        munmap(map, bytes);
        return result;
    }
    l->map = map;
    l->map_bytes = bytes;
    l->data = map + header;
    return 0;
}

static void touch(const lane *l, size_t page) {
    volatile uint8_t *at = l->map;
    for (size_t i = 0; i < l->map_bytes; i += page)
        at[i] = 0;
}

static void write_header(lane *l, const char *magic, size_t header) {
    ring_header *h = l->map;
    memcpy(h->magic, magic, sizeof h->magic);
    h->version = RING_VERSION;
    h->capacity = l->capacity;
    h->number = l->number;
    h->header_bytes = (uint32_t)header;
    h->pid = (uint32_t)getpid();
    l->tail = &h->tail;
    l->head = &h->head;
}

int ring_make(lane *l, const char *magic, const char *folder, const char *name, uint32_t number,
              uint32_t capacity) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *l = (lane){.number = number, .capacity = capacity, .step = INT64_MIN};
    if (!power_of_two(capacity) || capacity % page || capacity > LANE_BYTES_MAX ||
        page < HEADER_KNOWN_BYTES)
        return NNS_E_INVALID;
    int fd = open_new(l, folder, name);
    if (fd < 0) return fd;
    int result = allocate(fd, page + capacity);
    if (!result) result = map_twice(l, fd, page, capacity);
    close(fd);
    if (result) {
        if (folder) unlink(l->path);
        return result;
    }
    touch(l, page);
    write_header(l, magic, page);
    l->mask = capacity - 1;
    l->limit = capacity;
    l->in_file = folder != NULL;
    return 0;
}

void ring_drop(lane *l, bool unlink_file) {
    if (l->map) munmap(l->map, l->map_bytes);
    if (unlink_file && l->path[0]) unlink(l->path);
    *l = (lane){0};
}

_Atomic uint32_t *ring_taken(const lane *l) {
    return &((ring_header *)l->map)->taken;
}

// A header read from a file that anybody may have written.
static int check_header(const ring_header *h, const char *magic, int64_t file_bytes) {
    if (memcmp(h->magic, magic, sizeof h->magic) != 0) return NNS_E_CORRUPT;
    if (h->version > RING_VERSION) return NNS_E_VERSION;
    if (h->version == 0 || !power_of_two(h->capacity) || h->capacity > LANE_BYTES_MAX ||
        h->header_bytes < HEADER_KNOWN_BYTES || h->header_bytes > HEADER_MAX_BYTES)
        return NNS_E_CORRUPT;
    if (file_bytes != (int64_t)h->header_bytes + h->capacity) return NNS_E_CORRUPT;
    uint64_t head = h->head, tail = h->tail;
    if (head > tail || tail - head > h->capacity || head % 8 || tail % 8) return NNS_E_CORRUPT;
    return 0;
}

static int read_exactly(int fd, void *to, size_t bytes, int64_t offset) {
    int64_t n = file_pread(fd, to, bytes, offset);
    if (n < 0) return (int)n;
    return (size_t)n == bytes ? 0 : NNS_E_CORRUPT;
}

// Copies head..tail to where the second view would show it: contiguous from head's place on.
static int copy_data(const lane *l, const ring_header *h, int fd) {
    uint64_t head = h->head;
    size_t at = head & l->mask, bytes = h->tail - head, first = l->capacity - at;
    if (first > bytes) first = bytes;
    int result = read_exactly(fd, l->data + at, first, (int64_t)(h->header_bytes + at));
    if (!result && bytes > first)
        result = read_exactly(fd, l->data + at + first, bytes - first, h->header_bytes);
    return result;
}

static int copy_ring(lane *l, const ring_header *h, int fd) {
    size_t bytes = HEADER_KNOWN_BYTES + 2 * (size_t)h->capacity;
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return error_from_errno(errno);
    ring_header *copy = map;
    memcpy(map, (const void *)h, sizeof *h);
    l->map = map;
    l->map_bytes = bytes;
    l->data = (uint8_t *)map + HEADER_KNOWN_BYTES;
    l->mask = h->capacity - 1;
    l->capacity = h->capacity;
    l->number = h->number;
    l->tail = &copy->tail;
    l->head = &copy->head;
    return copy_data(l, h, fd);
}

int ring_open(lane *l, const char *magic, const char *path) {
    *l = (lane){.step = INT64_MIN};
    int n = snprintf(l->path, sizeof l->path, "%s", path);
    if (n < 0 || (size_t)n >= sizeof l->path) return NNS_E_TOO_LARGE;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return error_from_errno(errno);
    struct stat st;
    ring_header h;
    int result = fstat(fd, &st) ? error_from_errno(errno) : 0;
    if (!result && (!S_ISREG(st.st_mode) || st.st_uid != geteuid())) result = NNS_E_PERMISSION;
    if (!result) result = read_exactly(fd, &h, sizeof h, 0);
    if (!result) result = check_header(&h, magic, st.st_size);
    if (!result) result = copy_ring(l, &h, fd);
    close(fd);
    if (result) ring_drop(l, false);
    return result;
}
