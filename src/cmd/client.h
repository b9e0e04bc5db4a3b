// The command line's side of the server's interface: finds the server, makes one call at a time.
#ifndef NNS_CMD_CLIENT_H
#define NNS_CMD_CLIENT_H

#include "base/buf.h"
#include "base/file.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

// Exit statuses of every command.
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_SERVER = 3, EXIT_REFUSED = 4 };

typedef struct client {
    char dir[PATH_CAP];  // data directory
    char url[1024];      // of the server, no slash at the end; "" without a server
    char token[256];
    bool remote;         // by NNSCOPE_URL: never read the local store instead
} client;

// Finds the server: NNSCOPE_URL and NNSCOPE_TOKEN, else DIR/server.json and DIR/token when a server lives there.
// Always succeeds unless the data directory cannot even be named; c->url says whether there is a server.
int client_find(client *c, const char *dir);

typedef struct client_reply {
    int status;          // of HTTP; 0 when no answer came
    buf body;
    char error[256];     // why no answer came
} client_reply;

// One call; `path` begins with /api. `body` NULL: none. 0, or NNS_E_IO with reply->error. reply->body is owned by the caller.
int client_call(const client *c, const char *method, const char *path, const char *accept,
                const char *body, client_reply *reply);

// GET whose body, when the answer is 200, goes to `sink` piece by piece instead of reply->body: it may be long.
// False from the sink gives up. NNS_E_IO too when the answer ends before its end (reply->status is 0 then).
typedef bool (*client_sink)(void *context, const void *data, size_t bytes);
int client_fetch(const client *c, const char *path, const char *accept, client_sink sink,
                 void *context, client_reply *reply);

// Appends a text as it stands in a path or a query.
void client_encode(buf *out, const char *text);

// All runs that fit `query` ("&state=..."), newest first, as {"runs": [...]}; NULL as client_get.
json_t *client_runs(const client *c, const char *query, int *exit_status);

// GET as JSON: an owned value, or NULL with the reason printed on stderr and *exit_status set.
json_t *client_get(const client *c, const char *path, int *exit_status);

// Prints what the server said is wrong ({"error": {"message"}}), or the status; returns the exit status for it.
int client_explain(const client_reply *reply);

// The run that a person means: an id or the beginning of one, a name or the beginning of one (of several the best fit, then
// the newest). `run` gets the id; prints why not and returns an exit status otherwise.
int client_resolve(const client *c, const char *meant, char run[27]);

// The same in a list that is there already ({"runs": [...]}).
int client_pick(json_t *runs, const char *meant, char run[27]);

#endif
