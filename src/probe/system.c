// Unit system.c samples the machine and the process once a second into series of their own.
//
// Place on the path: called by aside.c; values go through nns_scalar into that thread's lane. Everything
// comes from /proc by file descriptors that stay open; what is missing there is left out. GPUs: gpu.c.
#include "system.h"

#include "gpu.h"
#include "lanes.h"

#include "base/clock.h"
#include "base/mem.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_STAT, FILE_MEMORY, FILE_DISK, FILE_NET, FILE_SELF_MEMORY, FILE_SELF_IO, FILES };
static const char *const files[FILES] = {"/proc/stat",    "/proc/meminfo",    "/proc/diskstats",
                                         "/proc/net/dev", "/proc/self/statm", "/proc/self/io"};

#define TEXT_BYTES 65536

// A counter that only grows, and the series of its rate.
typedef struct rate {
    nns_series series;
    uint64_t last;
    bool known;
} rate;

struct system_sampler {
    nns_run *run;
    gpu *gpu;
    int fds[FILES];
    char text[TEXT_BYTES];
    int64_t last_ns;
    double seconds; // since the last sample
    double page_bytes;
    nns_series cpu, memory, process_cpu, process_memory;
    uint64_t busy, total;
    double cores; // whose idle time the process may use; 0: not known
    rate process_ns, disk_read, disk_write, net_in, net_out, process_read, process_write;
};

static bool has_quota(void) {
    char text[16] = "";
    int fd = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) close(fd);
    return n > 0 && strncmp(text, "max", 3) != 0;
}

// A process that is kept to some of the cores, or to a part of their time, gains nothing by what idles beside them.
static double cores_to_use(void) {
    cpu_set_t mine;
    long all = sysconf(_SC_NPROCESSORS_ONLN);
    if (sched_getaffinity(0, sizeof mine, &mine) || CPU_COUNT(&mine) < all || has_quota()) return 0;
    return (double)all;
}

static nns_series open_series(nns_run *run, const char *name, const char *unit) {
    char full[SERIES_NAME_MAX + 1];
    snprintf(full, sizeof full, "%s%s", run->prefix, name);
    return nns_series_open_as(run, full, unit, NNS_NEITHER);
}

static void open_all(system_sampler *s) {
    nns_run *run = s->run;
    s->cores = cores_to_use();
    s->cpu = open_series(run, "system/cpu", "%");
    s->memory = open_series(run, "system/memory", "B");
    s->process_cpu = open_series(run, "process/cpu", "%");
    s->process_memory = open_series(run, "process/memory", "B");
    s->disk_read.series = open_series(run, "system/disk_read", "B/s");
    s->disk_write.series = open_series(run, "system/disk_write", "B/s");
    s->net_in.series = open_series(run, "system/network_in", "B/s");
    s->net_out.series = open_series(run, "system/network_out", "B/s");
    s->process_read.series = open_series(run, "process/disk_read", "B/s");
    s->process_write.series = open_series(run, "process/disk_write", "B/s");
}

system_sampler *system_open(nns_run *run) {
    system_sampler *s = mem_new(sizeof *s);
    if (!s) return NULL;
    s->run = run;
    s->page_bytes = (double)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < FILES; i++)
        s->fds[i] = open(files[i], O_RDONLY | O_CLOEXEC);
    s->gpu = gpu_open(run);
    return s;
}

void system_close(system_sampler *s) {
    if (!s) return;
    for (int i = 0; i < FILES; i++)
        if (s->fds[i] >= 0) close(s->fds[i]);
    gpu_close(s->gpu);
    mem_free(s);
}

// The file's text, 0-terminated; NULL when it cannot be read.
static const char *text_of(system_sampler *s, int file) {
    if (s->fds[file] < 0) return NULL;
    ssize_t n = pread(s->fds[file], s->text, TEXT_BYTES - 1, 0);
    if (n <= 0) return NULL;
    s->text[n] = 0;
    return s->text;
}

static void log_rate(system_sampler *s, rate *r, uint64_t now, double unit) {
    if (r->known && s->seconds > 0 && now >= r->last)
        nns_scalar(s->run, r->series, (double)(now - r->last) * unit / s->seconds);
    r->last = now;
    r->known = true;
}

// "cpu  user nice system idle iowait irq softirq steal ..."
static void sample_cpu(system_sampler *s) {
    const char *at = text_of(s, FILE_STAT);
    if (!at || strncmp(at, "cpu ", 4) != 0) return;
    uint64_t total = 0, idle = 0;
    char *next = (char *)(uintptr_t)at + 4;
    for (int field = 0; field < 8; field++) {
        uint64_t ticks = strtoull(next, &next, 10);
        total += ticks;
        if (field == 3 || field == 4) idle += ticks;
    }
    uint64_t busy = total - idle;
    if (s->total && total > s->total && busy >= s->busy) {
        double share = (double)(busy - s->busy) / (double)(total - s->total);
        nns_scalar(s->run, s->cpu, 100 * share);
        atomic_store(&s->run->idle_ppm, share < 1 ? (uint32_t)((1 - share) * s->cores * 1e6) : 0);
    }
    s->busy = busy;
    s->total = total;
}

// The number behind `key`, or -1.
static int64_t number_after(const char *text, const char *key) {
    const char *at = strstr(text, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

static void sample_memory(system_sampler *s) {
    const char *text = text_of(s, FILE_MEMORY);
    if (!text) return;
    int64_t total = number_after(text, "MemTotal:"), free_kb = number_after(text, "MemAvailable:");
    if (total >= 0 && free_kb >= 0) nns_scalar(s->run, s->memory, (double)(total - free_kb) * 1024);
}

// A whole disk, not a part of it: "sda", "vdb", "nvme0n1".
static bool whole_disk(const char *name) {
    size_t n = strlen(name);
    if (!strncmp(name, "nvme", 4)) return !strchr(name + 4, 'p');
    bool disk = !strncmp(name, "sd", 2) || !strncmp(name, "vd", 2) || !strncmp(name, "xvd", 3);
    return disk && n && (name[n - 1] < '0' || name[n - 1] > '9');
}

// "major minor name reads merged sectors ms writes merged sectors ..."
static void sample_disk(system_sampler *s) {
    const char *text = text_of(s, FILE_DISK);
    uint64_t in = 0, out = 0;
    if (!text) return;
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
        char name[64];
        int end = 0;
        unsigned long long read_sectors, write_sectors;
        if (sscanf(line, "%*u %*u %63s%n", name, &end) == 1 && whole_disk(name) &&
            sscanf(line + end, "%*u %*u %llu %*u %*u %*u %llu", &read_sectors, &write_sectors) ==
                2) {
            in += read_sectors;
            out += write_sectors;
        }
    }
    log_rate(s, &s->disk_read, in, 512);
    log_rate(s, &s->disk_write, out, 512);
}

// "  eth0: bytes packets errs drop fifo frame compressed multicast bytes ..."
static void sample_network(system_sampler *s) {
    const char *text = text_of(s, FILE_NET);
    uint64_t in = 0, out = 0;
    if (!text) return;
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
        char name[64];
        unsigned long long got, sent;
        if (sscanf(line, " %63[^: ]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &got, &sent) ==
                3 &&
            strcmp(name, "lo") != 0) {
            in += got;
            out += sent;
        }
    }
    log_rate(s, &s->net_in, in, 1);
    log_rate(s, &s->net_out, out, 1);
}

// All its threads, those that have ended too; 100 % is one core.
static void sample_process_cpu(system_sampler *s) {
    struct timespec cpu;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu)) return;
    s->process_ns.series = s->process_cpu;
    log_rate(s, &s->process_ns, (uint64_t)cpu.tv_sec * NS_PER_S + (uint64_t)cpu.tv_nsec, 1e-7);
}

// What the lanes and the staging area add to the resident size: both views of each, every page touched.
static double own_bytes(nns_run *run) {
    double bytes = run->has_stage ? (double)run->stage.ring.map_bytes : 0;
    for (uint32_t i = 0; i < atomic_load(&run->lane_count) && i < RUN_LANES; i++) {
        lane_slot *slot = atomic_load(&run->lanes[i]);
        if (slot) bytes += (double)slot->lane.map_bytes;
    }
    return bytes;
}

// The program's memory, without nnscope's.
static void sample_process_memory(system_sampler *s) {
    const char *text = text_of(s, FILE_SELF_MEMORY);
    unsigned long long resident;
    if (!text || sscanf(text, "%*u %llu", &resident) != 1) return;
    double bytes = (double)resident * s->page_bytes - own_bytes(s->run);
    if (bytes > 0) nns_scalar(s->run, s->process_memory, bytes);
}

static void sample_process_disk(system_sampler *s) {
    const char *text = text_of(s, FILE_SELF_IO);
    if (!text) return;
    int64_t in = number_after(text, "\nread_bytes:"), out = number_after(text, "\nwrite_bytes:");
    if (in >= 0) log_rate(s, &s->process_read, (uint64_t)in, 1);
    if (out >= 0) log_rate(s, &s->process_write, (uint64_t)out, 1);
}

void system_sample(system_sampler *s) {
    if (!s || atomic_load(&s->run->serial) == 0) return;
    if (!s->cpu) open_all(s);
    int64_t now = clock_mono_ns();
    s->seconds = s->last_ns ? (double)(now - s->last_ns) * 1e-9 : 0;
    s->last_ns = now;
    sample_cpu(s);
    sample_memory(s);
    sample_disk(s);
    sample_network(s);
    sample_process_cpu(s);
    sample_process_memory(s);
    sample_process_disk(s);
    gpu_sample(s->gpu);
}
