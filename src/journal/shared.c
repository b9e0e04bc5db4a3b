// Unit shared.c knows the files of a process in the lanes' folder by their names: PROC.N.lane,
// PROC.stage, PROC.home.
#include "shared.h"

#include "base/id.h"
#include "home.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LANE_NUMBER_MAX = 1 << 20 };

long shared_lane_number(const char *name, const char *process) {
    if (strncmp(name, process, ID_LENGTH) != 0 || name[ID_LENGTH] != '.') return -1;
    const char *digits = name + ID_LENGTH + 1;
    size_t n = strspn(digits, "0123456789");
    if (n < 1 || n > 7 || strcmp(digits + n, ".lane") != 0) return -1;
    long number = strtol(digits, NULL, 10);
    return number <= LANE_NUMBER_MAX ? number : -1;
}

static bool is_stage(const char *name, const char *process) {
    return strncmp(name, process, ID_LENGTH) == 0 && strcmp(name + ID_LENGTH, ".stage") == 0;
}

void shared_remove(const char *lanes, const char *process) {
    DIR *dir = opendir(lanes);
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (shared_lane_number(entry->d_name, process) >= 0 || is_stage(entry->d_name, process))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    home_remove(lanes, process);
}
