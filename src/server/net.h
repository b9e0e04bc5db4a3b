// The net side: sockets, HTTP, WebSocket, server-sent events, in front of a core. One thread runs it (net_run); order:
//
//     net_open       a loop without sockets, so that the core has somebody to wake
//     core_open      with net_hooks(n)
//     net_listen     reads or makes the tokens, binds, listens
//     net_run        until SIGINT, SIGTERM, SIGHUP
//     net_shut       closes sockets and viewers; then core_close; then net_close
#ifndef NNS_SERVER_NET_H
#define NNS_SERVER_NET_H

#include "core.h"

#define NET_PORT 7676

typedef struct net net;

typedef struct net_options {
    const char *dir;            // data directory
    const char *version;        // of the product
    const char *host;           // address to bind; NULL: 127.0.0.1 and ::1
    int port;                   // 0: NET_PORT or the next free one; -1: any free one; else this one or an error
    const char *prefix;         // "" or "/nnscope": path below which a proxy shows it
    const char *const *allow_hosts; // further Host names
    size_t allow_hosts_count;
    const char *tls_cert, *tls_key;
    bool behind_proxy;          // TLS is the proxy's; Origin may name X-Forwarded-Host
    int idle_seconds;           // 0: 60
    int connections_max;        // 0: 4096
} net_options;

// The texts of `options` must live as long as the net. *error: owned text, mem_free.
int net_open(net **n, const net_options *options, char **error);
core_hooks net_hooks(net *n);
int net_listen(net *n, core *c, char **error);
const char *net_url(const net *n);    // "http://127.0.0.1:7676/"
const char *net_token(const net *n);  // the first token
bool net_exposed(const net *n);       // bound beyond loopback with neither TLS nor a proxy
int net_port(const net *n);
int net_run(net *n);
void net_shut(net *n);
void net_close(net *n);

#endif
