// Unit replay.c stands for libFuzzer where there is no clang: it gives every file of the
// directories named on the command line to the target, each in memory of exactly its size.
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
    buf content = {0};
    int result = file_read(path, 16 << 20, &content);
    if (!result) {
        uint8_t *exact = need_new(content.length);
        if (content.length) memcpy(exact, content.data, content.length);
        LLVMFuzzerTestOneInput(exact, content.length);
        mem_free(exact);
    }
    buf_fini(&content);
    return result;
}

// -> files replayed, or -1
static int replay_folder(const char *folder) {
    DIR *dir = opendir(folder);
    int count = 0;
    if (!dir) return -1;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[PATH_CAP];
        if (entry->d_name[0] == '.') continue;
        if (file_path(path, "%s/%s", folder, entry->d_name) || replay_file(path)) {
            fprintf(stderr, "cannot replay %s/%s\n", folder, entry->d_name);
            count = -1;
            break;
        }
        count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv) {
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);
        if (count < 0) return 1;
        total += count;
    }
    printf("%d inputs\n", total);
    return total ? 0 : 1;
}
