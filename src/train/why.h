// What went wrong, for a person: what, where, what to do. Functions that may fail take a `why` beside
// their result code and fill it once, where the trouble is seen.
#ifndef NNS_TRAIN_WHY_H
#define NNS_TRAIN_WHY_H

typedef struct why {
    char text[768];
} why;

// Writes the text and returns `code`, so that `return why_set(w, NNS_E_CORRUPT, ...)` is one line.
int why_set(why *w, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
