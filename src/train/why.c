// Unit why.c formats the one sentence that a person reads when the trainer cannot go on.
#include "why.h"

#include <stdarg.h>
#include <stdio.h>

int why_set(why *w, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(w->text, sizeof w->text, format, args);
    va_end(args);
    return code;
}
