// Unit listen.c binds, listens and accepts; libwebsockets takes over each accepted socket.
// Sockets are ours so that the port can be the next free one, loopback means both families, and a full server says no
// at once: above connections_max, or without descriptors, a connection is accepted and closed.
#include "net_inside.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024
#define ACCEPTS_AT_ONCE 64
#define PORTS_TRIED 100

static int bind_one(const struct sockaddr *address, socklen_t bytes) {
    int on = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, address, bytes) == 0 && listen(fd, BACKLOG) == 0) return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

static int port_of(int fd) {
    struct sockaddr_storage a;
    socklen_t bytes = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &bytes)) return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                         : ((struct sockaddr_in *)&a)->sin_port);
}

static int bind_name(net *n, const char *host, int port) {
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *found;
    char text[8];
    snprintf(text, sizeof text, "%d", port);
    if (getaddrinfo(host, text, &want, &found)) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = bind_one(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (fd >= 0) n->listeners[n->listener_count++] = fd;
    return fd < 0 ? -1 : 0;
}

static void unbind(net *n) {
    while (n->listener_count)
        close(n->listeners[--n->listener_count]);
}

// 127.0.0.1 and, where there is IPv6, ::1 on the same port.
static int bind_loopback(net *n, int port) {
    if (bind_name(n, "127.0.0.1", port)) return -1;
    if (!port) port = port_of(n->listeners[0]);
    if (!bind_name(n, "::1", port) || errno != EADDRINUSE) return 0;
    unbind(n);
    errno = EADDRINUSE;
    return -1;
}

static int bind_port(net *n, int port) {
    const char *host = n->options.host;
    return host ? bind_name(n, host, port) : bind_loopback(n, port);
}

int listen_open(net *n, char **error) {
    int asked = n->options.port, first = asked > 0 ? asked : asked < 0 ? 0 : NET_PORT;
    int last = asked == 0 ? first + PORTS_TRIED : first, result = -1;
    for (int port = first; result && port <= last; port++) {
        result = bind_port(n, port);
        if (result && errno != EADDRINUSE) break;
    }
    if (result) {
        buf text = {0};
        buf_print(&text, "cannot listen on %s port %d: %s",
                  n->options.host ? n->options.host : "127.0.0.1", first, strerror(errno));
        buf_char(&text, 0);
        *error = (char *)text.data;
        return -1;
    }
    n->port = port_of(n->listeners[0]);
    n->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return 0;
}

bool listen_outer(char *out, size_t capacity) {
    struct ifaddrs *all;
    bool found = false;
    if (getifaddrs(&all)) return false;
    for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
        unsigned flags = i->ifa_flags & (IFF_UP | IFF_LOOPBACK);
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || flags != IFF_UP) continue;
        found = inet_ntop(AF_INET, &((const struct sockaddr_in *)i->ifa_addr)->sin_addr, out,
                          (socklen_t)capacity);
    }
    freeifaddrs(all);
    return found;
}

// --- accepting -----------------------------------------------------------------------------

static void address_text(const struct sockaddr_storage *a, char *out, size_t capacity) {
    const void *at = a->ss_family == AF_INET6
                         ? (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr
                         : (const void *)&((const struct sockaddr_in *)a)->sin_addr;
    if (!inet_ntop(a->ss_family, at, out, (socklen_t)capacity)) out[0] = 0;
}

static conn *conn_new(net *n, int fd) {
    struct sockaddr_storage a;
    socklen_t bytes = sizeof a;
    conn *c = mem_new(sizeof *c);
    if (!c) return NULL;
    c->net = n;
    if (getsockname(fd, (struct sockaddr *)&a, &bytes) == 0)
        address_text(&a, c->local, sizeof c->local);
    c->loopback = !strncmp(c->local, "127.", 4) || !strcmp(c->local, "::1");
    c->next = n->conns;
    c->back = &n->conns;
    if (c->next) c->next->back = &c->next;
    n->conns = c;
    n->conn_count++;
    return c;
}

void conn_free(conn *c) {
    *c->back = c->next;
    if (c->next) c->next->back = c->back;
    c->net->conn_count--;
    mem_free(c);
}

static void take(net *n, int fd) {
    int on = 1;
    conn *c = n->conn_count < n->options.connections_max ? conn_new(n, fd) : NULL;
    if (!c) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int tls = n->options.tls_cert ? LWS_ADOPT_ALLOW_SSL : 0;
    lws_adopt_desc_t adopt = {.vh = n->vhost,
                              .type = (lws_adoption_type)(LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | tls),
                              .fd.sockfd = fd,
                              .opaque = c};
    n->adopting = c;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&adopt);
    if (n->adopting && !wsi) conn_free(c); // the library closed the socket
    if (n->adopting && wsi) c->wsi = wsi;
    n->adopting = NULL; // gone during a first handshake otherwise: conn_gone has freed it
}

// Without descriptors a waiting connection would make the loop spin: gives one up to turn it away.
static void turn_away(net *n, int listener) {
    close(n->spare);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    n->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void listen_ready(net *n, int listener) {
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(n, fd);
        } else if (errno == EMFILE || errno == ENFILE) {
            turn_away(n, listener);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}
