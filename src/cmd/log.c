// Unit log.c: `nnscope log RUN` prints what the program wrote, and follows it.
#include "local.h"
#include "commands.h"
#include "options.h"
#include "output.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "journal/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct log_arguments {
    bool follow;
    const char *process;
} log_arguments;

static int take(void *context, int letter, const char *value) {
    log_arguments *a = context;
    if (letter == 'f') a->follow = true;
    if (letter == 'p') a->process = value;
    return 0;
}

// Prints from *offset on and moves it; returns the exit status, -1 while there is more to come.
static int print_piece(const client *c, const char *run, const log_arguments *a, int64_t *offset) {
    char path[256];
    int status = EXIT_FAILED;
    snprintf(path, sizeof path, "/api/v1/runs/%s/log?offset=%lld&limit=65536%s%.26s", run,
             (long long)*offset, a->process ? "&process=" : "", a->process ? a->process : "");
    json_t *json = client_get(c, path, &status);
    if (!json) return status;
    json_t *text = json_object_get(json, "text");
    size_t n = json_string_length(text);
    fwrite(json_string_value(text), 1, n, stdout);
    fflush(stdout);
    *offset = json_integer_value(json_object_get(json, "next"));
    json_decref(json);
    return n && !ferror(stdout) ? -1 : EXIT_OK;
}

// A file without the gap that a long output has (src/probe/output_cut.c).
static int print_file(const char *path) {
    static char piece[65536];
    struct stat st;
    int64_t gap[2], n = 1;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return error_from_errno(errno);
    file_gap(fd, fstat(fd, &st) || !S_ISREG(st.st_mode) ? 0 : st.st_size, gap);
    for (int64_t at = 0; n > 0 && !ferror(stdout); at += n) {
        if (at == gap[0]) at = gap[1];
        int64_t left = at < gap[0] ? gap[0] - at : (int64_t)sizeof piece;
        n = file_pread(fd, piece, left < (int64_t)sizeof piece ? (size_t)left : sizeof piece, at);
        if (n > 0) fwrite(piece, 1, (size_t)n, stdout);
    }
    close(fd);
    return n < 0 ? (int)n : 0;
}

// Without a server: the files themselves, process by process.
static int print_files(const client *c, const char *meant, const char *process) {
    char run[27], folder[PATH_CAP], path[PATH_CAP];
    local l;
    if (local_open(&l, c)) return EXIT_FAILED;
    int status = local_resolve(&l, meant, run);
    local_close(&l);
    if (status || place_run(c->dir, run, folder)) return EXIT_FAILED;
    DIR *dir = opendir(folder);
    if (!dir) return EXIT_OK; // nothing was captured
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t n = strlen(entry->d_name);
        if (n != ID_LENGTH + 4 || strcmp(entry->d_name + ID_LENGTH, ".out") != 0) continue;
        if (process && strncmp(entry->d_name, process, ID_LENGTH) != 0) continue;
        int result = file_path(path, "%s/%s", folder, entry->d_name);
        if (!result) result = print_file(path);
        if (result) fprintf(stderr, "nnscope: %s: %s\n", path, error_sentence(result));
    }
    closedir(dir);
    return EXIT_OK;
}

// True when the run is over, so that following it ends.
static bool is_over(const client *c, const char *run) {
    static const char *const over[] = {"finished", "failed", "crashed", "lost"};
    char path[64];
    int status;
    snprintf(path, sizeof path, "/api/v1/runs/%s", run);
    json_t *json = client_get(c, path, &status);
    const char *state = json_string_value(json_object_get(json, "state"));
    bool result = !state;
    for (size_t i = 0; state && i < sizeof over / sizeof *over; i++)
        result |= strcmp(state, over[i]) == 0;
    json_decref(json);
    return result;
}

int cmd_log(int argc, char **argv) {
    static const struct option own[] = {
        {"follow", no_argument, NULL, 'f'}, {"process", required_argument, NULL, 'p'}, {0}};
    log_arguments a = {0};
    command_options o = {.usage = "nnscope log RUN\n"
                                  "Prints the captured output of a run.\n"
                                  "  --follow      goes on until the run ends\n"
                                  "  --process ID  of this process, when there are several\n"
                                  "  --dir DIR     data directory\n",
                         .own = own,
                         .take = take,
                         .context = &a};
    client c;
    int status = options_begin(&o, argc, argv, 1, 1, &c);
    if (status >= 0) return status;
    if (!c.url[0]) return print_files(&c, o.word[0], a.process);
    char run[27];
    status = client_resolve(&c, o.word[0], run);
    if (status) return status;
    for (int64_t offset = 0;;) {
        do {
            status = print_piece(&c, run, &a, &offset);
        } while (status < 0);
        if (status || !a.follow || ferror(stdout) || output_unread() || is_over(&c, run))
            return status;
        clock_sleep_ns(300 * NS_PER_MS);
    }
}
