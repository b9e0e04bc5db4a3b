// Unit spark.c chooses the main series of a run and keeps its sparkline: at most SPARK means over equal
// numbers of points; when full, neighbours are merged and the stride doubles, so that the whole run shows.
#include "run.h"

#include <math.h>
#include <string.h>

// Lower is better. 1000: never the main series.
int main_rank_of(const char *name) {
    static const char *const first[] = {"val/accuracy", "train/loss"};
    for (int i = 0; i < 2; i++)
        if (strcmp(name, first[i]) == 0) return i;
    if (strncmp(name, "param/", 6) == 0 || strncmp(name, "system/", 7) == 0) return 999;
    if (strstr(name, "loss")) return 2;
    return 3;
}

static void merge(run *r) {
    for (uint32_t i = 0; i < SPARK / 2; i++)
        r->spark[i] = (r->spark[2 * i] + r->spark[2 * i + 1]) / 2;
    r->spark_count = SPARK / 2;
    r->spark_stride *= 2;
}

static void better(run *r, double value) {
    bool higher = r->main->direction == 2 || (r->main->direction == 0 && r->main_rank == 0);
    if (isnan(r->main_best) || (higher ? value > r->main_best : value < r->main_best))
        r->main_best = value;
}

void spark_add(run *r, double value) {
    r->main_last = value;
    if (!isfinite(value)) return;
    better(r, value);
    r->spark_sum += value;
    if (++r->spark_have < r->spark_stride) return;
    r->spark[r->spark_count++] = r->spark_sum / (double)r->spark_have;
    r->spark_have = 0;
    r->spark_sum = 0;
    if (r->spark_count == SPARK) merge(r);
}
