// Unit loop.c runs the net thread: one libwebsockets context, listeners, signals, wakes from other threads.
// On the path: everything that comes in from a socket passes serve below, which only hands on.
//
// Other threads touch nothing here but the wake (core_hooks), which is one byte into the loop's pipe;
// wakes that nobody has answered yet are not sent again.
#include "net_inside.h"

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "http.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define HEADERS_BYTES 16384
#define READ_BYTES 65536 // at once from a socket: large bodies
#define IDLE_SECONDS 60
#define CONNECTIONS_MAX 4096
#define DESCRIPTORS 8192

static conn *conn_of(struct lws *wsi) {
    return lws_get_opaque_user_data(wsi);
}

static net *net_of(struct lws *wsi) {
    return lws_context_user(lws_get_context(wsi));
}

// --- wakes ---------------------------------------------------------------------------------

static void wake(void *context) {
    net *n = context;
    if (!atomic_exchange(&n->woken, true)) lws_cancel_service(n->lws);
}

core_hooks net_hooks(net *n) {
    return (core_hooks){n, wake};
}

static void viewer_ready(void *context, void *user) {
    conn *c = user;
    (void)context;
    if (c->live || c->request) lws_callback_on_writable(c->wsi);
}

static void woken(net *n) {
    atomic_store(&n->woken, false);
    if (!n->core) return;
    core_poll(n->core);
    core_ready_viewers(n->core, viewer_ready, n);
}

// --- callbacks -----------------------------------------------------------------------------

static void conn_gone(struct lws *wsi) {
    conn *c = conn_of(wsi);
    if (!c || c->wsi != wsi) return;
    lws_set_opaque_user_data(wsi, NULL);
    live_close(c);
    http_gone(c);
    if (c->net->adopting == c) c->net->adopting = NULL;
    conn_free(c);
}

static int serve_http(conn *c, enum lws_callback_reasons reason, void *in, size_t length) {
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return http_begin(c);
    case LWS_CALLBACK_HTTP_BODY:
        return http_body(c, in, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return http_body_end(c);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_writable(c);
    case LWS_CALLBACK_CLOSED_HTTP:
        http_gone(c);
        return 0;
    case LWS_CALLBACK_TIMER:
        lws_callback_on_writable(c->wsi);
        return 0;
    default:
        return 0;
    }
}

static int serve_live(conn *c, enum lws_callback_reasons reason, void *in, size_t length) {
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return live_confirm(c);
    case LWS_CALLBACK_ESTABLISHED:
        return live_open(c);
    case LWS_CALLBACK_RECEIVE:
        return live_receive(c, in, length);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return live_writable(c);
    case LWS_CALLBACK_CLOSED:
        live_close(c);
        return 0;
    default:
        return 0;
    }
}

static int serve(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                 size_t length) {
    (void)user;
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
        woken(net_of(wsi));
        return 0;
    }
    conn *c = wsi ? conn_of(wsi) : NULL;
    if (!c) return 0;
    c->wsi = wsi;
    switch (reason) {
    case LWS_CALLBACK_WSI_DESTROY:
        conn_gone(wsi);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLOSED:
        return serve_live(c, reason, in, length);
    default:
        return serve_http(c, reason, in, length);
    }
}

// What does not begin as HTTP that the library knows (a method of others, another protocol) is a raw socket to it.
static int serve_stray(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t length) {
    conn *c = conn_of(wsi);
    if (reason == LWS_CALLBACK_WSI_DESTROY) return serve(wsi, reason, user, in, length);
    if (!c) return 0;
    c->wsi = wsi;
    if (reason == LWS_CALLBACK_RAW_RX) return http_stray(c, in, length);
    return reason == LWS_CALLBACK_RAW_WRITEABLE ? http_writable(c) : 0;
}

// Listeners and the signal descriptor are files to the library: it only polls them.
static int serve_files(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t length) {
    (void)user, (void)in, (void)length;
    if (reason != LWS_CALLBACK_RAW_RX_FILE) return 0;
    net *n = net_of(wsi);
    int fd = lws_get_socket_fd(wsi);
    if (fd == n->signals) {
        struct signalfd_siginfo info;
        while (read(fd, &info, sizeof info) > 0)
            continue;
        atomic_store(&n->stopping, true);
        lws_cancel_service(n->lws);
    } else {
        listen_ready(n, fd);
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "nnscope", .callback = serve, .rx_buffer_size = 4096},
    {.name = "files", .callback = serve_files},
    {.name = "stray", .callback = serve_stray, .rx_buffer_size = 4096},
    {0},
};

// --- opening -------------------------------------------------------------------------------

static void library_says(int level, const char *line) {
    (void)level;
    log_debug("%.*s", (int)strcspn(line, "\n"), line);
}

// The library keeps tables as large as the descriptor limit: enough, not millions.
static void limit_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int say(char **error, int result, const char *text) {
    *error = mem_text(text, strlen(text));
    return result;
}

static int open_context(net *n) {
    struct lws_context_creation_info info = {0};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.user = n;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8;
    if (n->options.tls_cert) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.pt_serv_buf_size = READ_BYTES;
    info.max_http_header_data = HEADERS_BYTES;
    info.max_http_header_pool = (unsigned short)n->options.connections_max;
    info.timeout_secs = (unsigned)n->options.idle_seconds;
    info.server_string = "nnscope";
    lws_set_log_level(LLL_ERR | LLL_WARN, library_says);
    n->lws = lws_create_context(&info);
    return n->lws ? 0 : NNS_E_IO;
}

static int open_vhost(net *n) {
    struct lws_context_creation_info info = {0};
    n->validity.secs_since_valid_ping = 30;
    n->validity.secs_since_valid_hangup = 60;
    info.port = n->options.tls_cert ? CONTEXT_PORT_NO_LISTEN_SERVER : CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.vhost_name = "nnscope";
    if (n->options.tls_cert) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.options |= LWS_SERVER_OPTION_FALLBACK_TO_APPLY_LISTEN_ACCEPT_CONFIG;
    info.listen_accept_role = "raw-skt";
    info.listen_accept_protocol = "stray";
    info.alpn = "http/1.1";
    info.keepalive_timeout = n->options.idle_seconds;
    info.timeout_secs = (unsigned)n->options.idle_seconds;
    info.timeout_secs_ah_idle =
        info.timeout_secs < 10 ? info.timeout_secs : 10; // for all headers of a request
    info.retry_and_idle_policy = &n->validity;
    info.ssl_cert_filepath = n->options.tls_cert;
    info.ssl_private_key_filepath = n->options.tls_key;
    n->vhost = lws_create_vhost(n->lws, &info);
    return n->vhost ? 0 : NNS_E_IO;
}

static int adopt_file(net *n, int fd) {
    lws_adopt_desc_t adopt = {
        .vh = n->vhost, .type = LWS_ADOPT_RAW_FILE_DESC, .fd.filefd = fd, .vh_prot_name = "files"};
    return lws_adopt_descriptor_vhost_via_info(&adopt) ? 0 : NNS_E_IO;
}

// From here on the signals that end a process come through a descriptor. Before threads are made.
static int open_signals(net *n) {
    sigset_t set;
    struct sigaction hangup;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) || hangup.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP); // not under nohup
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    n->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return n->signals < 0 ? NNS_E_IO : adopt_file(n, n->signals);
}

int net_open(net **out, const net_options *options, char **error) {
    net *n = mem_new(sizeof *n);
    *error = NULL;
    *out = n;
    if (!n) return NNS_E_NO_MEMORY;
    n->options = *options;
    n->signals = n->spare = -1;
    if (!n->options.prefix) n->options.prefix = "";
    if (!n->options.idle_seconds) n->options.idle_seconds = IDLE_SECONDS;
    if (!n->options.connections_max) n->options.connections_max = CONNECTIONS_MAX;
    limit_descriptors();
    int result = open_context(n);
    if (!result) result = open_vhost(n);
    if (result)
        say(error, result,
            options->tls_cert ? "TLS cannot be set up: look at the certificate and the key"
                              : "no event loop");
    if (!result) result = open_signals(n);
    if (result) {
        net_close(n);
        *out = NULL;
    }
    return result;
}

static void url_of(const net *n, const char *host, char out[512]) {
    bool six = strchr(host, ':') != NULL;
    snprintf(out, 512, "%s://%s%s%s:%d%s/", n->options.tls_cert ? "https" : "http", six ? "[" : "",
             host, six ? "]" : "", n->port, n->options.prefix);
}

static bool is_loopback(const char *name) {
    http_host host;
    char text[300];
    snprintf(text, sizeof text, strchr(name, ':') ? "[%s]" : "%s", name);
    return http_host_parse(text, strlen(text), &host) && http_host_loopback(&host);
}

static void make_urls(net *n) {
    const char *host = n->options.host ? n->options.host : "127.0.0.1";
    bool any = !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
    char other[64];
    url_of(n, any ? "127.0.0.1" : host, n->url);
    if (n->options.behind_proxy || is_loopback(host)) return;
    if (!any)
        url_of(n, host, n->outer);
    else if (listen_outer(other, sizeof other))
        url_of(n, other, n->outer);
}

int net_listen(net *n, core *c, char **error) {
    n->core = c;
    int result = tokens_open(&n->tokens, n->options.dir, error);
    if (!result) result = tokens_load(n->tokens, core_store(c));
    if (!result) result = listen_open(n, error);
    for (int i = 0; !result && i < n->listener_count; i++)
        result = adopt_file(n, n->listeners[i]);
    if (result) return result;
    n->auth = (auth){.tokens = n->tokens,
                     .allow_hosts = n->options.allow_hosts,
                     .allow_hosts_count = n->options.allow_hosts_count,
                     .behind_proxy = n->options.behind_proxy};
    snprintf(n->auth.cookie, sizeof n->auth.cookie, "nnscope_%d", n->port);
    make_urls(n);
    return 0;
}

// --- running -------------------------------------------------------------------------------

const char *net_url(const net *n) {
    return n->url;
}

const char *net_token(const net *n) {
    return tokens_first(n->tokens);
}

int net_port(const net *n) {
    return n->port;
}

bool net_exposed(const net *n) {
    return n->options.host && !n->options.tls_cert && !n->options.behind_proxy &&
           !is_loopback(n->options.host);
}

int net_run(net *n) {
    int result = 0;
    woken(n);
    while (!atomic_load(&n->stopping) && result >= 0)
        result = lws_service(n->lws, 0);
    return result < 0 && !atomic_load(&n->stopping) ? NNS_E_IO : 0;
}

// The core still wakes and answers while it ends: what it owes goes to nobody.
void net_shut(net *n) {
    for (conn *c = n->conns; c; c = c->next) {
        live_close(c);
        http_gone(c);
    }
}

void net_close(net *n) {
    if (!n) return;
    net_shut(n);
    if (n->lws) lws_context_destroy(n->lws);
    while (n->conns)
        conn_free(n->conns);
    if (n->spare >= 0) close(n->spare);
    tokens_close(n->tokens);
    mem_free(n);
}
