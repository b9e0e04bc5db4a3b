// Handlers of the routes: each turns a checked request into one core_* call, or answers at once.
#ifndef NNS_SERVER_HANDLERS_H
#define NNS_SERVER_HANDLERS_H

#include "routes.h"

#define X(method, path, scope, handler, query, body, wanted, answers, sentence) void handle_##handler(request *r);
#include "routes.def"
#undef X

#endif
