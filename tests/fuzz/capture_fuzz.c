// Unit capture_fuzz.c fuzzes the gate of captures: every byte of every section that it lets through is read.
#include "journal/capture.h"

#include <stdlib.h>

static volatile uint64_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    capture_head head;
    if (capture_open(data, size, &head) != 0) return 0;
    capture_section section;
    size_t at = 0;
    uint32_t sections = 0;
    for (; capture_next(data, size, &at, &section) == 0; sections++) {
        for (size_t i = 0; i < section.stored; i++)
            sink += section.data[i];
        size_t bytes = section.elements * capture_element_bytes(section.coding);
        if (bytes > CAPTURE_BYTES_MAX) abort();
        if (!(section.coding & CODING_PACKED) && bytes != section.stored) abort();
        sink += (uint64_t)capture_quantity_word(section.quantity)[0];
    }
    if (sections != head.sections) abort();
    return 0;
}
