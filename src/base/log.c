// Unit log.c writes one line a message to stderr, whole, with the time.
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int level = LOG_INFO;

void log_set_level(log_level to) {
    level = (int)to;
}

static void put(log_level at, const char *word, const char *format, va_list args) {
    if ((int)at > level) return;
    char line[2048], stamp[16];
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%H:%M:%S", &tm);
    vsnprintf(line, sizeof line, format, args);
    fprintf(stderr, "%s %s%s\n", stamp, word, line);
}

#define LEVEL(name, at, word)                                                                      \
    void log_##name(const char *format, ...) {                                                     \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        put(at, word, format, args);                                                               \
        va_end(args);                                                                              \
    }
LEVEL(warn, LOG_WARN, "warning: ")
LEVEL(info, LOG_INFO, "")
LEVEL(debug, LOG_DEBUG, "debug: ")
