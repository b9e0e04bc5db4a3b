// Unit plan.c says which tensors belong to what is wanted, and keeps what the viewers look at.
#include "plan.h"

#include "journal/capture.h"

#include "base/error.h"

#include <nnscope.h>

#include <string.h>

#define ROLE(role) (1u << NNS_##role)
#define ROLES_UNITS (ROLE(ACT) | ROLE(PRE) | ROLE(PRE_GRAD) | ROLE(LABEL))
#define ROLES_STATISTICS                                                                           \
    (ROLES_UNITS | ROLE(WEIGHT) | ROLE(WEIGHT_GRAD) | ROLE(UPDATE) | ROLE(OTHER))
#define ROLES_OUTCOME (ROLE(INPUT) | ROLE(LABEL) | ROLE(PREDICTION) | ROLE(SAMPLE_LOSS))
#define ROLES_SNAPSHOT (ROLES_STATISTICS | ROLE(BIAS) | ROLE(BIAS_GRAD))

int plan_init(plan *p, bool recording) {
    if (pthread_mutex_init(&p->lock, NULL)) return NNS_E_NO_MEMORY;
    atomic_store(&p->recording, recording);
    atomic_store(&p->roles[WANT_KEEP], ROLES_SNAPSHOT);
    atomic_store(&p->roles[WANT_PRUNE], ROLE(WEIGHT) | ROLE(BIAS));
    atomic_store(&p->roles[WANT_STATISTICS], ROLES_STATISTICS);
    atomic_store(&p->roles[WANT_SNAPSHOT], ROLES_SNAPSHOT);
    atomic_store(&p->roles[WANT_FLIGHT], ROLES_STATISTICS);
    return 0;
}

void plan_fini(plan *p) {
    pthread_mutex_destroy(&p->lock);
}

bool plan_look(plan *p, look *out, int64_t now_ns) {
    pthread_mutex_lock(&p->lock);
    *out = p->look;
    pthread_mutex_unlock(&p->lock);
    return now_ns < out->until_ns;
}

uint32_t plan_unit_roles(uint32_t what) {
    uint32_t roles = 0;
    if (what & LOOK_UNITS) roles |= ROLES_UNITS;
    if (what & LOOK_OUTCOME) roles |= ROLES_OUTCOME;
    if (what & LOOK_CLASSES) roles |= ROLE(ACT) | ROLE(LABEL);
    if (what & LOOK_CORRELATION) roles |= ROLE(ACT);
    if (what & LOOK_VALUES) roles |= ROLE(ACT) | ROLE(INPUT) | ROLE(LABEL);
    return roles;
}

uint32_t plan_link_roles(uint32_t what) {
    uint32_t roles = 0;
    if (what & LOOK_WEIGHTS) roles |= ROLE(WEIGHT) | ROLE(BIAS);
    if (what & LOOK_GRADIENTS) roles |= ROLE(WEIGHT_GRAD) | ROLE(BIAS_GRAD);
    if (what & LOOK_UPDATES) roles |= ROLE(UPDATE) | ROLE(WEIGHT);
    return roles;
}
