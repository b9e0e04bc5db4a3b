// What tests share: a temporary directory that goes away, and random numbers from a printed seed.
#ifndef NNS_TESTS_SUPPORT_TEMP_H
#define NNS_TESTS_SUPPORT_TEMP_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// What is taken away at the end, however that comes: a check that fails leaves its test where it stands. Forked children leave
// it alone. NNS_KEEP keeps everything to be looked at.
static struct temp_made {
    struct temp_made *next;
    pid_t owner;
    char path[256];
} *temp_all;

static inline void temp_remove(const char *path);

static inline void temp_at_exit(void) {
    while (temp_all) {
        struct temp_made *made = temp_all;
        temp_all = made->next;
        if (made->owner == getpid()) temp_remove(made->path);
        free(made);
    }
}

static inline void temp_note(const char *path) {
    struct temp_made *made = calloc(1, sizeof *made);
    if (!made || getenv("NNS_KEEP")) {
        free(made);
        return;
    }
    if (!temp_all) atexit(temp_at_exit);
    *made = (struct temp_made){.next = temp_all, .owner = getpid()};
    snprintf(made->path, sizeof made->path, "%s", path);
    temp_all = made;
}

// A new private directory under $TMPDIR or /tmp; its path is valid until the next call in this
// program.
static inline const char *temp_make(void) {
    static char path[256];
    const char *base = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/nnscope-test-XXXXXX", base && base[0] ? base : "/tmp");
    if (!mkdtemp(path)) {
        perror("mkdtemp");
        exit(1);
    }
    temp_note(path);
    return path;
}

// Lanes of the test's own from here on (NNSCOPE_SHM): in memory where there is such a place, else in
// `dir`. The path is valid until the next call; temp_remove takes them away.
static inline const char *temp_lanes(const char *dir) {
    static char path[256];
    snprintf(path, sizeof path, "/dev/shm/nnscope-test-XXXXXX");
    if (mkdtemp(path))
        temp_note(path);
    else
        snprintf(path, sizeof path, "%s", dir);
    setenv("NNSCOPE_SHM", path, 1);
    return path;
}

// Removes a directory with everything in it, unless NNS_KEEP is set; links are removed, never followed.
static inline void temp_remove(const char *path) {
    DIR *dir = getenv("NNS_KEEP") ? NULL : opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char below[4096];
        struct stat st;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        int n = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof below) continue;
        if (lstat(below, &st) == 0 && S_ISDIR(st.st_mode))
            temp_remove(below);
        else
            unlink(below);
    }
    if (dir) closedir(dir);
    rmdir(path);
}

// splitmix64
static inline uint64_t random_next(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint64_t random_below(uint64_t *state, uint64_t n) {
    return random_next(state) % n;
}

static inline double random_unit(uint64_t *state) { // 0 <= u < 1
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

// NNS_SEED, or one from the clock; printed, so that a failure can be repeated.
static inline uint64_t random_seed(void) {
    const char *text = getenv("NNS_SEED");
    uint64_t now = (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    uint64_t seed = text ? strtoull(text, NULL, 10) : now;
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}

// How many rounds a random test makes: NNS_ROUNDS, or `usual`.
static inline unsigned rounds(unsigned usual) {
    const char *text = getenv("NNS_ROUNDS");
    return text ? (unsigned)strtoul(text, NULL, 10) : usual;
}

#endif
