// The worker's own: what it knows of layers and tensors, the set under way. Insides of digest.c and of the units that digest
// parts of a set (gather.c observe.c look.c snapshot.c answer.c); nobody else includes it. All of it belongs to the worker.
#ifndef NNS_PROBE_DIGEST_STATE_H
#define NNS_PROBE_DIGEST_STATE_H

#include "network.h"

#include "flight.h"
#include "links.h"
#include "moments.h"
#include "outlet.h"
#include "prune.h"
#include "samples.h"
#include "sections.h"
#include "units.h"

#define CHUNK 16384u              // numbers converted at a time
#define LOOK_CELLS (1u << 20)     // of one weight in a look
#define LOOK_CELLS_ALL (4u << 20) // of all weights of one quantity together
#define SNAPSHOT_CELLS (4u << 20) // of one weight in a snapshot
#define SNAPSHOT_CELLS_ALL (32u << 20)
#define CELLS_LEAST 4096u
#define SNAPSHOT_STRONGEST 3000u
#define UNITS_MAX (1u << 20) // of a layer whose units are looked at one by one

// One slice of a weight as it stood before the update.
typedef struct earlier {
    struct earlier *next;
    uint64_t first, count;
    _Alignas(16) uint8_t bytes[]; // as copied
} earlier;

// Numbers of one kind on their way into captures: links of a look and of a snapshot.
typedef struct gathering {
    moments moments;
    links *look, *snapshot;
} gathering;

typedef struct tensor_view {
    // Of the set under way; `set` says of which.
    uint64_t set;
    uint32_t next; // tensor of the same layer in this set; 0 none
    bool whole;    // its last slice came
    bool updated;  // `change` holds something
    links_shape shape;
    uint64_t elements;
    double rows_part; // of the batch's rows, what was copied; 1: all, or no batch
    int64_t step;
    gathering own, change; // itself; a weight's last change
    links *plane;          // batch roles, biases: all of it as cells in the order of the role
    earlier *earlier;
    float *raw; // prune: in the order of memory
    // Lasting.
    float scale; // of snapshots
    bool was_nonfinite;
} tensor_view;

typedef struct layer_view {
    bool has_weight;
    uint64_t seen_set; // of which set `seen` is
    uint32_t seen;     // its first tensor
    units units;
    bool has_units;
    float *weight_in; // (units) norm of the incoming weights as last seen; NULL: not yet
    uint32_t weight_units;
    float last[STATISTIC_COUNT];  // as last seen; NaN: never
    float fresh[STATISTIC_COUNT]; // of this set; NaN: not of this set
    nns_series series[STATISTIC_COUNT], flight_series[STATISTIC_COUNT];
    int64_t written_step[STATISTIC_COUNT]; // its last point
    double correlation_cost_ns;
    int64_t correlated_ns;
} layer_view;

typedef struct set {
    bool open;
    uint64_t number, command;
    uint32_t why;
    int64_t step, last_step, time_ns, wall_ms;
    bool sliced, looked;
    look look;
    buf look_capture, snapshot_capture; // begun when wanted
    bool snapshot;                      // one is made of this set
    uint64_t weights;                   // elements of all weights of the network
    uint32_t of_role[NNS_OTHER + 1];    // first tensor of each role in this set
} set;

typedef struct digest {
    nns_run *run;
    network *net;
    // Any thread.
    pthread_t thread;
    _Atomic uint32_t signal; // futex: something waits
    _Atomic bool ending;
    _Atomic int64_t end_by_ns;
    // Worker.
    outlet out;
    samples samples;
    layer_view **layers;   // [LAYERS_MAX]
    tensor_view **tensors; // [TENSORS_MAX]
    set set;
    flight flight;
    prune prune;
    int64_t observed_step; // of the last observed samples
    bool has_observed;
    uint64_t observed;
    bool alarmed; // NaN or infinity was said: the next snapshot shows what it made
    uint32_t snapshot_every, snapshot_skipped; // while unread ones pile up: one of so many is made
    float scratch[CHUNK], difference[CHUNK];
} digest;

static inline layer *layer_at(digest *d, uint32_t handle) {
    return registry_layer(&d->net->registry, handle);
}
static inline tensor *tensor_at(digest *d, uint32_t handle) {
    return registry_tensor(&d->net->registry, handle);
}
// NULL: no memory, or no such one.
layer_view *layer_view_of(digest *d, uint32_t handle);
static inline uint32_t layers_of(digest *d) {
    return atomic_load_explicit(&d->net->registry.layer_count, memory_order_acquire);
}
static inline uint32_t tensors_of(digest *d) {
    return atomic_load_explicit(&d->net->registry.tensor_count, memory_order_acquire);
}
// The first tensor of the layer in this set (tensor_view.next leads on); 0 none.
uint32_t first_seen(digest *d, uint32_t layer);
// The first of them that is whole and has this role; NULL.
tensor_view *seen_tensor(digest *d, uint32_t layer, nns_role role, uint32_t *handle);

// gather.c: slices into tensor views.
void gather_begin(digest *d);
void gather_slice(digest *d, const copy *c);
void gather_forget(digest *d); // all of the set

// observe.c: units, samples and statistics of a whole set.
void observe_set(digest *d);
void observe_links(digest *d, uint32_t handle, tensor_view *view); // a weight became whole
links *observed_plane(digest *d, uint32_t layer); // activation of the layer in this set; NULL

// look.c, snapshot.c: sections; a tensor's when it became whole, the others at the end of the set.
void look_begin(digest *d);
void look_tensor(digest *d, uint32_t handle, tensor_view *view);
void look_end(digest *d);
void snapshot_begin(digest *d);
void snapshot_tensor(digest *d, uint32_t handle, tensor_view *view);
void snapshot_end(digest *d);

// sections.c: what looks and snapshots have in common.
void sections_of_layer(digest *d, buf *out,
                       uint32_t layer);
void section_weight_in(digest *d, buf *out, uint32_t handle); // unit quantities and statistics of this set
void section_strong(buf *out, int quantity, uint32_t layer, uint32_t tensor, links *l);
// The bias (U), exact, or its gradient; nothing when its copy is of another shape.
void section_bias(buf *out, int quantity, const tensor *t, uint32_t handle, const tensor_view *v);
void section_matrix_shape(capture_section *section, const links *l); // of its cells
float moments_largest(const moments *m);                             // |x|

// Head of a capture of this set.
capture_head set_head(const digest *d, int kind);
void capture_rehead(buf *capture, const capture_head *head); // the head again, now that it is known

void digest_wake_worker(digest *d); // digest.c; any thread of the library

// answer.c: pins, and the pruning curve.
void answer_pin(digest *d, const copy *c);
void answer_prune_start(digest *d);
void answer_prune_done(digest *d);

// alarm.c: NaN and infinities; writing the flight recorder out.
void alarm_series(digest *d, const copy *c);
void alarm_set(digest *d);
uint32_t alarm_fly(digest *d, uint32_t flags); // returns the steps written

static inline bool role_is_weight(nns_role role) {
    return role == NNS_WEIGHT || role == NNS_WEIGHT_GRAD || role == NNS_UPDATE;
}

#endif
