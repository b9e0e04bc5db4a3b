// Words of a table (*.def) by their number.
#ifndef NNS_BASE_WORD_H
#define NNS_BASE_WORD_H

#include <stddef.h>
#include <stdint.h>

// `words` has `count` places, NULL where no word is. "" for a number that has none.
static inline const char *word_of(const char *const *words, size_t count, int64_t number) {
    return number >= 0 && (uint64_t)number < count && words[number] ? words[number] : "";
}
#define WORD_OF(words, number) word_of(words, sizeof(words) / sizeof((words)[0]), number)

#endif
