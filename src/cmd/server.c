// Unit server.c is `nnscope server`: a core and the net side in front of it, until a signal.
// Order: the loop (so that the core has somebody to wake), the core (which takes the directory's lock), then the
// sockets; and back. DIR/server.json tells the other commands where the server is, from listening to the end.
#include "commands.h"
#include "options.h"

#include "base/error.h"
#include "base/mem.h"
#include "journal/place.h"
#include "server/net.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALLOW_HOSTS_MAX 32

static const char usage[] =
    "nnscope server [OPTIONS]\n"
    "Serves the dashboard and the API on 127.0.0.1 and ::1, takes in what runs record, until "
    "Ctrl-C.\n"
    "  --port N         port; default 7676 or the next free one; 0: any free one\n"
    "  --host ADDRESS   address to bind instead of loopback; then use TLS or a proxy\n"
    "  --allow-host H   a further host name under which the server is reached (repeatable)\n"
    "  --tls-cert FILE, --tls-key FILE   serve https with this certificate\n"
    "  --behind-proxy   a proxy in front does TLS and sets X-Forwarded-Host\n"
    "  --prefix PATH    path under which a proxy shows the server, such as /nnscope\n"
    "  --open           opens the page in a browser; --no-open (the default) does not\n"
    "  --idle-seconds N closes connections that say nothing for so long; default 60\n"
    "  --snapshots N    bytes of snapshots of a network that a run keeps (512M, 2G); default 1G; "
    "older ones are thinned\n"
    "  --ready-fd N     writes the address and a newline to this descriptor when listening\n"
    "  --dir DIR        data directory\n"
    "  --json           prints one JSON object instead of the address\n";

typedef struct server_arguments {
    net_options net;
    const char *allow[ALLOW_HOSTS_MAX];
    bool open;
    int ready_fd;
    uint64_t snapshots;
} server_arguments;

static int take_number(const char *value, int most, int *out) {
    char *end;
    long n = strtol(value, &end, 10);
    if (*end || end == value || n < 0 || n > most) return 1;
    *out = (int)n;
    return 0;
}

// 500000, 512M, 2G.
static int take_bytes(const char *value, uint64_t *out) {
    static const char units[] = "kMGT";
    char *end;
    double n = strtod(value, &end);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (end == value || (*end && (!unit || end[1]))) return 1;
    for (const char *at = units; unit && at <= unit; at++)
        n *= 1024;
    if (!(n >= 1 && n < 1e15)) return 1;
    *out = (uint64_t)n;
    return 0;
}

static int take_port(server_arguments *a, const char *value) {
    if (take_number(value, 65535, &a->net.port)) return 1;
    if (!a->net.port) a->net.port = -1;
    return 0;
}

static int take_prefix(server_arguments *a, const char *value) {
    size_t n = strlen(value);
    a->net.prefix = n == 1 && *value == '/' ? "" : value;
    if (!*a->net.prefix) return 0;
    if (value[0] != '/' || value[n - 1] == '/' || n > 128) return 1;
    return strspn(value, "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~") != n;
}

static int take(void *context, int letter, const char *value) {
    server_arguments *a = context;
    switch (letter) {
    case 'p':
        return take_port(a, value);
    case 'H':
        a->net.host = value;
        return 0;
    case 'x':
        return take_prefix(a, value);
    case 'c':
        a->net.tls_cert = value;
        return 0;
    case 'k':
        a->net.tls_key = value;
        return 0;
    case 'b':
        a->net.behind_proxy = true;
        return 0;
    case 'o':
        a->open = true;
        return 0;
    case 'n':
        a->open = false;
        return 0;
    case 'r':
        return take_number(value, 1 << 20, &a->ready_fd);
    case 's':
        return take_bytes(value, &a->snapshots);
    case 'i':
        return take_number(value, 86400, &a->net.idle_seconds);
    case 'a':
        if (a->net.allow_hosts_count == ALLOW_HOSTS_MAX) return 1;
        a->allow[a->net.allow_hosts_count++] = value;
        return 0;
    default:
        return 1;
    }
}

static int failed(char *error, int result) {
    fprintf(stderr, "nnscope server: %s\n", error ? error : error_sentence(result));
    mem_free(error);
    return EXIT_FAILED;
}

// --- what others read ----------------------------------------------------------------------

static int write_place(const net *n, const char *dir) {
    char path[PATH_CAP];
    buf json = {0};
    buf_text(&json, "{\"url\": ");
    buf_json(&json, net_url(n), strlen(net_url(n)));
    buf_print(&json, ", \"port\": %d, \"pid\": %d, \"version\": \"%s\"}\n", net_port(n),
              (int)getpid(), NNSCOPE_VERSION);
    int result = file_path(path, "%s/server.json", dir);
    if (!result) result = json.failed ? NNS_E_NO_MEMORY : file_write(path, json.data, json.length);
    buf_fini(&json);
    return result;
}

static void remove_place(const char *dir) {
    char path[PATH_CAP];
    if (!file_path(path, "%s/server.json", dir)) unlink(path);
}

static void open_browser(const char *address) {
    pid_t child = fork();
    if (child != 0) return;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(1);
    execlp("xdg-open", "xdg-open", address, (char *)NULL);
    _exit(1);
}

static void tell(const net *n, const server_arguments *a, bool json) {
    char address[1024];
    snprintf(address, sizeof address, "%s?token=%s", net_url(n), net_token(n));
    if (json)
        printf("{\"url\": \"%s\", \"port\": %d, \"pid\": %d}\n", address, net_port(n),
               (int)getpid());
    else
        printf("%s\n", address);
    fflush(stdout);
    if (a->ready_fd >= 0) dprintf(a->ready_fd, "%s\n", address);
    if (a->open) open_browser(address);
    if (net_exposed(n))
        fprintf(stderr,
                "nnscope server: listening beyond this machine without TLS: tokens and data can be "
                "read on the way.\n"
                "Use --tls-cert and --tls-key, or a proxy that does TLS and --behind-proxy.\n");
}

// --- the server ----------------------------------------------------------------------------

static int serve(net *n, core *c, const server_arguments *a, bool json) {
    char *error = NULL;
    int result = net_listen(n, c, &error);
    if (result) return failed(error, result);
    result = write_place(n, a->net.dir);
    if (result)
        fprintf(stderr, "nnscope server: %s/server.json: %s\n", a->net.dir, error_sentence(result));
    tell(n, a, json);
    result = net_run(n);
    remove_place(a->net.dir);
    return result ? failed(NULL, result) : EXIT_OK;
}

static int run_server(const server_arguments *a, bool json) {
    net *n;
    core *c;
    char *error = NULL;
    int result = net_open(&n, &a->net, &error);
    if (result) return failed(error, result);
    core_options options = {
        .dir = a->net.dir, .hooks = net_hooks(n), .snapshot_bytes = a->snapshots};
    result = core_open(&c, &options, &error);
    if (result) {
        net_close(n);
        return failed(error, result);
    }
    int status = serve(n, c, a, json);
    net_shut(n);
    core_close(c);
    net_close(n);
    return status;
}

int cmd_server(int argc, char **argv) {
    static const struct option own[] = {{"port", required_argument, NULL, 'p'},
                                        {"host", required_argument, NULL, 'H'},
                                        {"allow-host", required_argument, NULL, 'a'},
                                        {"prefix", required_argument, NULL, 'x'},
                                        {"tls-cert", required_argument, NULL, 'c'},
                                        {"tls-key", required_argument, NULL, 'k'},
                                        {"behind-proxy", no_argument, NULL, 'b'},
                                        {"open", no_argument, NULL, 'o'},
                                        {"no-open", no_argument, NULL, 'n'},
                                        {"ready-fd", required_argument, NULL, 'r'},
                                        {"idle-seconds", required_argument, NULL, 'i'},
                                        {"snapshots", required_argument, NULL, 's'},
                                        {0}};
    char dir[PATH_CAP];
    server_arguments a = {.net.version = NNSCOPE_VERSION, .ready_fd = -1};
    command_options o = {.usage = usage, .own = own, .take = take, .context = &a};
    int status = options_parse(&o, argc, argv);
    if (status >= 0) return status;
    if (o.words || !a.net.tls_cert != !a.net.tls_key) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    int result = place_data(o.dir, dir);
    if (result) return failed(NULL, result);
    a.net.dir = dir;
    a.net.allow_hosts = a.allow;
    return run_server(&a, o.json);
}
