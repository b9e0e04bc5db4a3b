// Sections of captures: what the worker and the helper have in common.
#ifndef NNS_PROBE_SECTIONS_H
#define NNS_PROBE_SECTIONS_H

#include "tensor.h"

#include "journal/capture.h"

void section_add(buf *out, capture_section section, const void *data); // a scale of 0 says 1
// The shape of `elements` values of a layer: the layer's own when it is as many, else one row (l NULL too).
void section_layer_shape(capture_section *section, const layer *l, uint64_t elements);

#endif
