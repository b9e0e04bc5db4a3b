// Unit folder.c keeps what a process has on disk besides its segments: DIR/runs/RUN with alive file, inbox
// and bell, and the FIFO DIR/wake (journal/place.h draws them).
//
// Place on the path: nns_open makes them; the helper makes them again when somebody deleted them, or when
// the disk was full or read-only before. While they are not there `up` is false: the lanes keep what is
// logged, and count what no longer fits.
#include "folder.h"

#include "base/clock.h"
#include "base/error.h"
#include "journal/place.h"

#include <sys/stat.h>
#include <unistd.h>

#define RETRY_MIN_NS (NS_PER_S / 4)
#define RETRY_MAX_NS (30 * NS_PER_S)

static void close_all(nns_run *run) {
    if (run->alive_fd >= 0) close(run->alive_fd);
    if (run->wake_fd >= 0) close(run->wake_fd);
    inbox_close_reader(&run->inbox, false);
    run->alive_fd = run->wake_fd = -1;
    run->up = false;
}

static int open_all(nns_run *run) {
    char wake[PATH_CAP];
    int result = place_make(run->dir);
    if (!result) result = file_folder(run->folder);
    if (result) return result;
    run->alive_fd = alive_hold(run->folder, run->process.text, &run->alive);
    if (run->alive_fd < 0) return run->alive_fd;
    result = inbox_open_reader(&run->inbox, run->folder, run->process.text);
    if (!result) result = file_path(wake, "%s/wake", run->dir);
    if (result) return result;
    run->wake_fd = place_fifo(wake);
    if (run->wake_fd < 0) return run->wake_fd;
    if (run->writer_made) return 0;
    result = segment_writer_init(&run->segments, run->folder, run->id.text, run->process.text);
    run->writer_made = !result;
    return result;
}

int folder_up(nns_run *run) {
    int result = open_all(run);
    run->up = !result;
    if (!result) return 0;
    if (run->alive_fd >= 0) {
        alive_release(run->alive_fd, run->folder, run->process.text);
        run->alive_fd = -1;
    }
    close_all(run);
    return result;
}

static bool still_there(nns_run *run) {
    struct stat st;
    if (fstat(run->alive_fd, &st) || st.st_nlink == 0) return false;
    return access(run->folder, F_OK) == 0;
}

bool folder_tend(nns_run *run, int64_t now_ns) {
    if (run->up && still_there(run)) return false;
    if (run->up) close_all(run);
    if (now_ns < run->retry_at_ns) return false;
    bool made = folder_up(run) == 0;
    run->retry_ns = made || !run->retry_ns ? RETRY_MIN_NS : run->retry_ns * 2;
    if (run->retry_ns > RETRY_MAX_NS) run->retry_ns = RETRY_MAX_NS;
    run->retry_at_ns = now_ns + run->retry_ns;
    return made;
}

void folder_down(nns_run *run, bool all_written) {
    if (!run->up) return;
    inbox_close_reader(&run->inbox, all_written);
    if (all_written) {
        alive_release(run->alive_fd, run->folder, run->process.text);
        run->alive_fd = -1;
    }
    place_ring(run->wake_fd);
    close_all(run);
}
