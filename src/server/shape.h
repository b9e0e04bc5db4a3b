// The shapes of JSON that goes in and out (shape.def): as JSON Schema, and held against what came.
#ifndef NNS_SERVER_SHAPE_H
#define NNS_SERVER_SHAPE_H

#include "base/buf.h"

#include <jansson.h>

// The schema of a type: what stands behind a colon in shape.def.
void shape_schema(const char *type, size_t length, buf *out);

// All shapes: "NAME":{schema}, ... with commas between.
void shape_components(buf *out);

// What a shape means, in a sentence; NULL: there is none of that name.
const char *shape_sentence(const char *name, size_t length);

// The members of a shape in the words of shape.def; NULL: there is none of that name.
const char *shape_members(const char *name);

// The name of a member of `object` that `members` (in those words) lacks, borrowed from it; NULL: there is none.
const char *shape_stray(const char *members, json_t *object);

#endif
