// Unit gpu.c samples NVIDIA GPUs through NVML, the library of the driver (libnvidia-ml.so.1), loaded at run
// time: machines without it lose nothing. Types and numbers as in NVML's API reference.
//
// Place on the path: called by system.c once a second on the aside thread.
#include "gpu.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define GPUS_MAX 16
#define NVML_SUCCESS 0
#define NVML_TEMPERATURE_GPU 0

typedef struct nvml_utilization {
    unsigned gpu, memory; // per cent over the last sample period
} nvml_utilization;

typedef struct nvml_memory {
    unsigned long long total, free, used; // bytes
} nvml_memory;

typedef void *nvml_device;

typedef struct device {
    nvml_device handle;
    char name[96];
    nns_series use, memory, power, temperature;
} device;

struct gpu {
    nns_run *run;
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *);
    int (*by_index)(unsigned, nvml_device *);
    int (*name)(nvml_device, char *, unsigned);
    int (*utilization)(nvml_device, nvml_utilization *);
    int (*memory)(nvml_device, nvml_memory *);
    int (*power)(nvml_device, unsigned *); // milliwatts
    int (*temperature)(nvml_device, int, unsigned *);
    unsigned devices;
    bool opened;
    device device[GPUS_MAX];
};

// dlsym gives an object pointer; POSIX says that it holds a function's.
static bool symbol(gpu *g, void *to, const char *name) {
    void *found = dlsym(g->library, name);
    memcpy(to, &found, sizeof found);
    return found;
}

static bool symbols(gpu *g) {
    return symbol(g, &g->init, "nvmlInit_v2") && symbol(g, &g->shutdown, "nvmlShutdown") &&
           symbol(g, &g->count, "nvmlDeviceGetCount_v2") &&
           symbol(g, &g->by_index, "nvmlDeviceGetHandleByIndex_v2") &&
           symbol(g, &g->name, "nvmlDeviceGetName") &&
           symbol(g, &g->utilization, "nvmlDeviceGetUtilizationRates") &&
           symbol(g, &g->memory, "nvmlDeviceGetMemoryInfo") &&
           symbol(g, &g->power, "nvmlDeviceGetPowerUsage") &&
           symbol(g, &g->temperature, "nvmlDeviceGetTemperature");
}

static void find_devices(gpu *g) {
    unsigned count = 0;
    if (g->count(&count) != NVML_SUCCESS) return;
    for (unsigned i = 0; i < count && g->devices < GPUS_MAX; i++) {
        device *d = &g->device[g->devices];
        if (g->by_index(i, &d->handle) != NVML_SUCCESS) continue;
        if (g->name(d->handle, d->name, sizeof d->name) != NVML_SUCCESS) d->name[0] = 0;
        g->devices++;
    }
}

gpu *gpu_open(nns_run *run) {
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return NULL;
    gpu *g = mem_new(sizeof *g);
    if (g) {
        g->run = run;
        g->library = library;
        if (symbols(g) && g->init() == NVML_SUCCESS) {
            find_devices(g);
            if (g->devices) return g;
            g->shutdown();
        }
    }
    mem_free(g);
    dlclose(library);
    return NULL;
}

void gpu_close(gpu *g) {
    if (!g) return;
    g->shutdown();
    dlclose(g->library);
    mem_free(g);
}

static nns_series series_of(const gpu *g, unsigned i, const char *what, const char *unit) {
    char name[96];
    snprintf(name, sizeof name, "%sgpu/%u/%s", g->run->prefix, i, what);
    return nns_series_open_as(g->run, name, unit, NNS_NEITHER);
}

static void open_series(gpu *g) {
    for (unsigned i = 0; i < g->devices; i++) {
        device *d = &g->device[i];
        d->use = series_of(g, i, "utilization", "%");
        d->memory = series_of(g, i, "memory", "B");
        d->power = series_of(g, i, "power", "W");
        d->temperature = series_of(g, i, "temperature", "C");
    }
    g->opened = true;
}

static void sample(gpu *g, const device *d) {
    nvml_utilization use;
    nvml_memory memory;
    unsigned value;
    if (g->utilization(d->handle, &use) == NVML_SUCCESS) nns_scalar(g->run, d->use, use.gpu);
    if (g->memory(d->handle, &memory) == NVML_SUCCESS)
        nns_scalar(g->run, d->memory, (double)memory.used);
    if (g->power(d->handle, &value) == NVML_SUCCESS) nns_scalar(g->run, d->power, value / 1000.0);
    if (g->temperature(d->handle, NVML_TEMPERATURE_GPU, &value) == NVML_SUCCESS)
        nns_scalar(g->run, d->temperature, value);
}

void gpu_sample(gpu *g) {
    if (!g) return;
    if (!g->opened) open_series(g);
    for (unsigned i = 0; i < g->devices; i++)
        sample(g, &g->device[i]);
}

void gpu_names(gpu *g, buf *json) {
    buf_char(json, '[');
    for (unsigned i = 0; g && i < g->devices; i++) {
        if (i) buf_char(json, ',');
        buf_json(json, g->device[i].name, strlen(g->device[i].name));
    }
    buf_char(json, ']');
}
