// Unit demo.c is `nnscope demo`: a server and a network that learns, until Ctrl-C.
//
//   1. the trainer starts at once: it needs no server
//   2. the server starts, on 7676 or the next free port; or one that holds the data directory already is used
//   3. one URL is printed
//   4. wait: Ctrl-C, or the trainer's end (which ends everything when --exit was given)
//   5. the trainer is asked to end (SIGINT), then the server (SIGTERM); who does not within its time is killed
//
// Children have process groups of their own and die with us (program.c), so that none is left behind.
#include "client.h"
#include "commands.h"
#include "program.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "journal/place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER_START_MS 15000
#define TRAINER_END_MS 1400
#define SERVER_END_MS 900

static const char usage[] =
    "usage: nnscope demo [--dir DIR] [--port N] [options of the trainer]\n"
    "Starts a server and trains a 784-512-256-10 network on images of digits until Ctrl-C.\n"
    "Prints the address of the page. Options of the trainer: see nnscope train --help; the useful "
    "ones are\n"
    "  --epochs N --exit   end after N passes over the data\n"
    "  --paused            wait for resume on the page\n"
    "Without --exit the trained network stays, to be tried on the page, until Ctrl-C.\n";

typedef struct demo {
    const char *dir, *port;    // of the command line, may be NULL
    bool exit;                 // end with the training
    const char **trainer_argv; // owned array of borrowed texts
    client c;
    pid_t trainer, server; // 0: not running (or not ours)
    int trainer_status;    // as by waitpid
    sigset_t signals;
} demo;

// Takes our own options out; everything else is the trainer's. -1 to go on, else the exit status.
static int read_options(demo *d, int argc, char **argv) {
    static char endless[] = "--epochs=0", stay[] = "--stay";
    int kept = 1;
    bool epochs = false;
    d->trainer_argv = need_new(((size_t)argc + 4) * sizeof(char *));
    for (int i = 1; i < argc; i++) {
        bool valued = i + 1 < argc;
        if (!strcmp(argv[i], "--help")) return fputs(usage, stdout) < 0 ? EXIT_FAILED : EXIT_OK;
        if (!strcmp(argv[i], "--dir") && valued)
            d->dir = argv[++i];
        else if (!strcmp(argv[i], "--port") && valued)
            d->port = argv[++i];
        else
            d->trainer_argv[kept++] = argv[i];
    }
    for (int i = 1; i < kept; i++) {
        d->exit = d->exit || !strcmp(d->trainer_argv[i], "--exit");
        epochs = epochs || !strncmp(d->trainer_argv[i], "--epochs", 8);
    }
    if (!epochs) d->trainer_argv[kept++] = endless;
    if (!d->exit) d->trainer_argv[kept++] = stay;
    return -1;
}

static bool start_trainer(demo *d) {
    static char path[PATH_CAP];
    if (program_find("nnscope-train", path)) return false;
    setenv("OMP_WAIT_POLICY", "passive", 0);
    d->trainer_argv[0] = path;
    d->trainer = program_start(d->trainer_argv, false);
    return d->trainer > 0;
}

// Who holds the data directory's lock; 0: nobody.
static int holder(const demo *d) {
    char path[PATH_CAP];
    if (file_path(path, "%s/server.lock", d->c.dir)) return 0;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return 0;
    int pid = file_locked_by(fd);
    close(fd);
    return pid;
}

static bool start_server(demo *d) {
    static char self[PATH_CAP];
    if (program_self(self)) return false;
    const char *argv[] = {self,    "server", "--dir", d->c.dir, d->port ? "--port" : NULL,
                          d->port, NULL};
    d->server = program_start(argv, true);
    return d->server > 0;
}

// True once the child is gone; its status in *status.
static bool gone(pid_t child, int *status) {
    return waitpid(child, status, WNOHANG) == child;
}

// The server has written where it listens as soon as it does; older words of another server do not count.
static bool server_speaks(demo *d, int pid) {
    char path[PATH_CAP];
    buf text = {0};
    bool found = false;
    if (!file_path(path, "%s/server.json", d->c.dir) && !file_read(path, 65536, &text)) {
        buf_zero(&text, 1);
        json_t *json = text.failed ? NULL : json_loads((const char *)text.data, 0, NULL);
        found = json_integer_value(json_object_get(json, "pid")) == pid;
        json_decref(json);
    }
    buf_fini(&text);
    return found && !client_find(&d->c, d->dir) && d->c.url[0];
}

// Waits for the address. A signal in this time ends the waiting too.
static bool wait_for_server(demo *d, int pid) {
    int64_t until = clock_mono_ns() + SERVER_START_MS * NS_PER_MS;
    while (!server_speaks(d, pid)) {
        int status;
        if (d->server && gone(d->server, &status)) {
            d->server = 0;
            return false;
        }
        struct timespec nap = {.tv_nsec = 10 * NS_PER_MS};
        int number = sigtimedwait(&d->signals, NULL, &nap);
        if ((number > 0 && number != SIGCHLD) || clock_mono_ns() > until) return false;
    }
    return true;
}

static bool have_server(demo *d) {
    int pid = holder(d);
    if (pid) {
        printf("server: the one that runs already (process %d)\n", pid);
    } else {
        printf("server: starting, data in %s\n", d->c.dir);
        if (!start_server(d)) return false;
        pid = d->server;
    }
    fflush(stdout);
    return wait_for_server(d, pid);
}

// Asks a child to end and waits; kills it when its time is over.
static void end_child(pid_t *child, int signal_number, int64_t patience_ms, int *status) {
    if (*child <= 0) return;
    kill(*child, signal_number);
    int64_t until = clock_mono_ns() + patience_ms * NS_PER_MS;
    while (!gone(*child, status)) {
        if (clock_mono_ns() > until) {
            kill(*child, SIGKILL);
            waitpid(*child, status, 0);
            break;
        }
        clock_sleep_ns(5 * NS_PER_MS);
    }
    *child = 0;
}

static void end_all(demo *d) {
    int unused;
    end_child(&d->trainer, SIGINT, TRAINER_END_MS, &d->trainer_status);
    end_child(&d->server, SIGTERM, SERVER_END_MS, &unused);
}

static int exit_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

// A child has ended: the trainer's end may be the demo's, the server's always is. -1 to go on.
static int child_ended(demo *d) {
    int status;
    if (d->trainer && gone(d->trainer, &d->trainer_status)) {
        d->trainer = 0;
        int result = exit_of(d->trainer_status);
        if (d->exit || result) return result;
        printf("the training has ended; the page stays until Ctrl-C\n");
        fflush(stdout);
    }
    if (d->server && gone(d->server, &status)) {
        d->server = 0;
        fprintf(stderr, "nnscope demo: the server has ended (status %d)\n", exit_of(status));
        return EXIT_FAILED;
    }
    return -1;
}

static int wait_for_end(demo *d) {
    int result = child_ended(d);
    while (result < 0) {
        int number = sigwaitinfo(&d->signals, NULL);
        if (number < 0 && errno != EINTR) return EXIT_FAILED;
        if (number > 0 && number != SIGCHLD) return EXIT_OK;
        result = child_ended(d);
    }
    return result;
}

// Blocked, so that they wait until we ask for them; children start with none blocked.
static void block_signals(demo *d) {
    sigemptyset(&d->signals);
    sigaddset(&d->signals, SIGINT);
    sigaddset(&d->signals, SIGTERM);
    sigaddset(&d->signals, SIGHUP);
    sigaddset(&d->signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &d->signals, NULL);
}

static int run(demo *d) {
    if (d->dir) setenv("NNSCOPE_DIR", d->dir, 1);
    block_signals(d);
    if (!start_trainer(d)) return EXIT_FAILED;
    if (!have_server(d)) {
        fprintf(stderr, "nnscope demo: no server\n");
        return EXIT_FAILED;
    }
    printf("page:   %s/?token=%s   (Ctrl-C ends everything)\n", d->c.url, d->c.token);
    fflush(stdout);
    return wait_for_end(d);
}

int cmd_demo(int argc, char **argv) {
    demo d = {0};
    unsetenv("NNSCOPE_URL"); // a demo is always of this machine
    unsetenv("NNSCOPE_TOKEN");
    int result = read_options(&d, argc, argv);
    if (result < 0 && client_find(&d.c, d.dir)) {
        fprintf(stderr, "nnscope demo: no data directory: set NNSCOPE_DIR or HOME\n");
        result = EXIT_FAILED;
    }
    if (result < 0) {
        result = run(&d);
        end_all(&d);
    }
    mem_free(d.trainer_argv);
    return result;
}
