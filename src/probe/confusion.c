// Unit confusion.c writes confusion matrices.
#include "lanes.h"
#include "stats.h"

#include <string.h>

#define CLASSES_MAX 256u
#define WORD_BYTES_MAX 64u

// Bytes of the words with their zeros; 0: none given.
static size_t words_bytes(const char *const *words, uint32_t classes) {
    size_t bytes = 0;
    for (uint32_t i = 0; words && i < classes; i++)
        bytes += (words[i] ? strnlen(words[i], WORD_BYTES_MAX) : 0) + 1;
    return bytes;
}

static void put_words(uint8_t *at, const char *const *words, uint32_t classes) {
    for (uint32_t i = 0; i < classes; i++) {
        size_t bytes = words[i] ? strnlen(words[i], WORD_BYTES_MAX) : 0;
        if (bytes) memcpy(at, words[i], bytes);
        at[bytes] = 0;
        at += bytes + 1;
    }
}

static void confusion(nns_run *run, const char *name, uint32_t classes, const uint32_t *counts,
                      const char *const *words) {
    if (!counts || classes == 0 || classes > CLASSES_MAX) return;
    nns_series series = series_get(run, name, SERIES_CONFUSION, NULL, NNS_NEITHER);
    size_t cells = (size_t)classes * classes * sizeof *counts;
    size_t text = words_bytes(words, classes);
    size_t bytes = lanes_padded(16 + cells + text);
    uint8_t *at = series ? lanes_begin(run, bytes, true) : NULL;
    if (!at) return;
    lanes_head(at, RECORD_CONFUSION, bytes, series);
    le_put_u32(at + 8, classes);
    le_put_u32(at + 12, (uint32_t)text);
    memcpy(at + 16, counts, cells);
    if (text) put_words(at + 16 + cells, words, classes);
    lanes_end(at);
}

void nns_confusion(nns_run *run, const char *name, uint32_t classes, const uint32_t *counts,
                   const char *const *words) {
    int64_t began = stats_begin(run);
    confusion(run, name, classes, counts, words);
    stats_end(run, began);
}
