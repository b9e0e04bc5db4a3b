// Stands for the driver's library: two GPUs with known figures, one of which does not tell its power.
#include <stdio.h>

typedef struct use {
    unsigned gpu, memory;
} use;
typedef struct memory {
    unsigned long long total, free, used;
} memory;

static int devices[2] = {0, 1};

int nvmlInit_v2(void) {
    return 0;
}

int nvmlShutdown(void) {
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = 2;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    *device = &devices[index];
    return 0;
}

int nvmlDeviceGetName(void *device, char *name, unsigned bytes) {
    snprintf(name, bytes, "Fake %d", *(int *)device);
    return 0;
}

int nvmlDeviceGetUtilizationRates(void *device, use *u) {
    u->gpu = 50u + (unsigned)*(int *)device;
    return 0;
}

int nvmlDeviceGetMemoryInfo(void *device, memory *m) {
    m->used = 1000000000ull * (unsigned)(1 + *(int *)device);
    return 0;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) {
    *milliwatts = 250500;
    return *(int *)device ? 3 : 0;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
    (void)device;
    *celsius = sensor == 0 ? 65 : 0;
    return 0;
}
