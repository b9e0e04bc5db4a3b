// Unit facts.c writes facts: the program's own (nns_fact_*), and those of process and machine, gathered once
// at the start. FACT keys and members: journal/event.def.
//
// Nothing secret leaves the process: of the environment only names of a short list, of the command line
// no value that belongs to a word like "token".
#include "facts.h"

#include "git.h"
#include "gpu.h"
#include "json.h"
#include "lanes.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <unistd.h>

#define KEY_BYTES_MAX 255
#define VALUE_BYTES_MAX 262144u
#define ARGUMENTS_BYTES_MAX 65536u

extern char **environ;

// One FACT record; dropped and counted where there is no room, and where it is too large.
static void put(nns_run *run, const char *key, const char *json, size_t json_bytes) {
    size_t key_bytes = strnlen(key, KEY_BYTES_MAX + 1);
    if (!series_name_valid(key, key_bytes) || json_bytes > VALUE_BYTES_MAX) return;
    size_t bytes = lanes_padded(16 + key_bytes + json_bytes);
    uint8_t *at = lanes_begin(run, bytes, false);
    if (!at) return;
    lanes_head(at, RECORD_FACT, bytes, 0);
    le_put_u16(at + 8, (uint16_t)key_bytes);
    le_put_u16(at + 10, 0);
    le_put_u32(at + 12, (uint32_t)json_bytes);
    memcpy(at + 16, key, key_bytes);
    memcpy(at + 16 + key_bytes, json, json_bytes);
    lanes_end(at);
}

// --- the program's own -----------------------------------------------------------------------------

void nns_fact_text(nns_run *run, const char *key, const char *text) {
    if (!run_is_open(run) || !key || !text) return;
    buf json = {0};
    buf_json(&json, text, strnlen(text, VALUE_BYTES_MAX / 6));
    if (!json.failed) put(run, key, (const char *)json.data, json.length);
    buf_fini(&json);
}

void nns_fact_json(nns_run *run, const char *key, const char *json) {
    if (!run_is_open(run) || !key || !json) return;
    size_t bytes = strnlen(json, VALUE_BYTES_MAX + 1);
    if (bytes <= VALUE_BYTES_MAX && json_valid(json, bytes))
        put(run, key, json, bytes);
    else
        nns_fact_text(run, key, json);
}

void nns_fact_double(nns_run *run, const char *key, double value) {
    uint8_t memory[64];
    buf json = {.data = memory, .capacity = sizeof memory};
    if (!run_is_open(run) || !key) return;
    buf_number(&json, value);
    put(run, key, (const char *)memory, json.length);
}

void nns_fact_int(nns_run *run, const char *key, int64_t value) {
    char text[24];
    if (!run_is_open(run) || !key) return;
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    put(run, key, text, (size_t)n);
}

// --- process ---------------------------------------------------------------------------------------

static bool secret_word(const char *text, size_t bytes) {
    static const char *const words[] = {"token",   "secret",  "passw",  "credential",
                                        "api-key", "api_key", "apikey", "auth"};
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(bytes < 63 ? bytes : 63), text);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(name, words[i])) return true;
    return false;
}

// One argument; `hide`: its value belongs to a secret word before it. True: the next one does.
static bool argument(buf *json, const char *text, bool hide) {
    size_t name = strcspn(text, "=");
    bool named = text[0] == '-' || text[name] == '=';
    bool secret = named && secret_word(text, name);
    if (hide && text[0] != '-') {
        buf_text(json, "\"***\"");
    } else if (secret && text[name] == '=') {
        char shown[80];
        snprintf(shown, sizeof shown, "%.*s=***", (int)(name < 70 ? name : 70), text);
        buf_json(json, shown, strlen(shown));
    } else {
        buf_json(json, text, strlen(text));
    }
    return secret && text[name] != '=';
}

static void given_arguments(buf *json, char *const *arguments) {
    bool hide = false;
    for (int i = 0; arguments[i] && json->length < ARGUMENTS_BYTES_MAX; i++) {
        if (i) buf_char(json, ',');
        hide = argument(json, arguments[i], hide);
    }
}

// Without argc and argv: what the kernel keeps of them.
static void read_arguments(buf *json) {
    buf text = {0};
    bool hide = false;
    if (file_read("/proc/self/cmdline", ARGUMENTS_BYTES_MAX, &text) == 0) {
        buf_char(&text, 0);
        for (size_t at = 0; !text.failed && at + 1 < text.length;) {
            const char *one = (const char *)text.data + at;
            if (at) buf_char(json, ',');
            hide = argument(json, one, hide);
            at += strlen(one) + 1;
        }
    }
    buf_fini(&text);
}

static void add_member(buf *json, const char *key, const char *text) {
    if (!text || !*text) return;
    buf_print(json, "%s\"%s\":", json->length > 1 ? "," : "", key);
    buf_json(json, text, strlen(text));
}

static const char *user_name(char out[32]) {
    const char *user = getenv("USER");
    if (!user || !*user) user = getenv("LOGNAME");
    if (user && *user) return user;
    snprintf(out, 32, "%u", (unsigned)geteuid());
    return out;
}

static void tell(nns_run *run, const char *key, buf *json) {
    if (!json->failed) put(run, key, (const char *)json->data, json->length);
    buf_fini(json);
}

static void process_facts(nns_run *run) {
    buf json = {0};
    char path[PATH_CAP], user[32];
    buf_print(&json, "{\"pid\":%d,\"command\":[", (int)getpid());
    if (run->arguments)
        given_arguments(&json, run->arguments);
    else
        read_arguments(&json);
    buf_char(&json, ']');
    if (getcwd(path, sizeof path)) add_member(&json, "cwd", path);
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    add_member(&json, "executable", path);
    add_member(&json, "user", user_name(user));
    buf_char(&json, '}');
    tell(run, "process", &json);
}

// --- machine ---------------------------------------------------------------------------------------

// The value of the first line "key ... : value" of a file, or "".
static void value_of(const char *path, const char *key, char *out, size_t cap) {
    buf text = {0};
    out[0] = 0;
    int result = file_read(path, 1 << 20, &text);
    buf_char(&text, 0);
    const char *at = result || text.failed ? NULL : strstr((const char *)text.data, key);
    if (at) at += strcspn(at, ":=\n");
    if (at && *at && *at != '\n') {
        at += 1 + strspn(at + 1, " \t\"");
        snprintf(out, cap, "%.*s", (int)strcspn(at, "\"\n"), at);
    }
    buf_fini(&text);
}

static void machine_facts(nns_run *run) {
    buf json = {0};
    struct utsname system;
    char text[256];
    buf_char(&json, '{');
    add_member(&json, "host", run->alive.host);
    value_of("/etc/os-release", "PRETTY_NAME", text, sizeof text);
    add_member(&json, "os", text);
    if (uname(&system) == 0) {
        add_member(&json, "kernel", system.release);
        add_member(&json, "architecture", system.machine);
    }
    value_of("/proc/cpuinfo", "model name", text, sizeof text);
    add_member(&json, "cpu", text);
    buf_print(&json, "%s\"cores\":%ld", json.length > 1 ? "," : "", sysconf(_SC_NPROCESSORS_ONLN));
    buf_print(&json, ",\"memory_bytes\":%lld",
              (long long)sysconf(_SC_PHYS_PAGES) * (long long)sysconf(_SC_PAGESIZE));
    gpu *g = run->no_system ? NULL : gpu_open(run);
    buf_text(&json, ",\"gpus\":");
    gpu_names(g, &json);
    gpu_close(g);
    buf_char(&json, '}');
    tell(run, "machine", &json);
}

// --- environment, build ----------------------------------------------------------------------------

static bool wanted(const char *entry, size_t name) {
    static const char *const starts[] = {
        "CUDA_",  "NVIDIA_VISIBLE", "OMP_",     "MKL_",    "OPENBLAS_", "NCCL_",
        "SLURM_", "TORCH",          "PYTORCH_", "KERAS_",  "TF_",       "XLA_",
        "JAX_",   "DNNL_",          "ONEDNN_",  "MASTER_", "NNSCOPE_"};
    static const char *const names[] = {
        "RANK",        "WORLD_SIZE",     "LOCAL_RANK", "CONDA_DEFAULT_ENV",
        "VIRTUAL_ENV", "PYTHONHASHSEED", "PYTHONPATH", "LANG",
        "TZ"};
    if (secret_word(entry, name)) return false;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (!strncmp(entry, starts[i], strlen(starts[i]))) return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == name && !strncmp(entry, names[i], name)) return true;
    return false;
}

static void environment_facts(nns_run *run) {
    buf json = {0};
    buf_char(&json, '{');
    for (char **at = environ; at && *at && json.length < ARGUMENTS_BYTES_MAX; at++) {
        size_t name = strcspn(*at, "=");
        if ((*at)[name] != '=' || !wanted(*at, name)) continue;
        if (json.length > 1) buf_char(&json, ',');
        buf_json(&json, *at, name);
        buf_char(&json, ':');
        buf_json(&json, *at + name + 1, strlen(*at + name + 1));
    }
    buf_char(&json, '}');
    tell(run, "environment", &json);
}

static void build_facts(nns_run *run) {
    buf json = {0};
    buf_char(&json, '{');
    add_member(&json, "library", NNS_VERSION);
    add_member(&json, "compiler", __VERSION__);
    buf_char(&json, '}');
    tell(run, "build", &json);
}

static void git_facts(nns_run *run) {
    char path[PATH_CAP];
    buf json = {0};
    if (getcwd(path, sizeof path) && git_describe(path, &json))
        tell(run, "git", &json);
    else
        buf_fini(&json);
}

void facts_write_first(nns_run *run) {
    process_facts(run);
    environment_facts(run);
    build_facts(run);
}

void facts_write(nns_run *run) {
    machine_facts(run);
    git_facts(run);
}
