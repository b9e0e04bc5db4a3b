// What must happen before oneDNN's thread pool is loaded.
#ifndef NNS_TRAIN_START_H
#define NNS_TRAIN_START_H

// Makes idle threads of the pool sleep instead of spinning. Returns, in this process or in the one
// that replaces it; call it first in main.
void start_passive(char **argv);

#endif
