// Clocks. Times inside the product are int64 nanoseconds (monotonic) or int64 milliseconds (wall).
#ifndef NNS_BASE_CLOCK_H
#define NNS_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t clock_mono_ns(void); // CLOCK_MONOTONIC
int64_t clock_wall_ns(void); // CLOCK_REALTIME, since 1970
int64_t clock_wall_ms(void);
int64_t clock_thread_cpu_ns(void); // CPU time of the calling thread
void clock_sleep_ns(int64_t ns);

#endif
