// The database as the rest of the folder sees it: statements by name, values, rows. One connection
// belongs to one thread at a time. sqlite.c is behind it; another engine would be another such file
// and another statement.def.
#ifndef NNS_STORE_DB_H
#define NNS_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct db db;

typedef enum db_statement {
#define X(name, sql) DB_##name,
#include "statement.def"
#undef X
    DB_STATEMENTS
} db_statement;

typedef enum db_type { DB_NULL, DB_INT, DB_REAL, DB_TEXT, DB_BLOB } db_type;
typedef struct db_value {
    db_type type;
    int64_t i;
    double r;
    const void *data; // borrowed for the call
    size_t bytes;
} db_value;

static inline db_value db_i(int64_t i) {
    return (db_value){.type = DB_INT, .i = i};
}
static inline db_value db_r(double r) {
    return (db_value){.type = DB_REAL, .r = r};
}
static inline db_value db_b(const void *data, size_t bytes) {
    return (db_value){.type = data ? DB_BLOB : DB_NULL, .data = data, .bytes = bytes};
}
db_value db_t(const char *text); // NULL: null

typedef struct db_options {
    bool writer;    // makes the file when missing, keeps the schema
    bool exclusive; // no shared memory
} db_options;

// *error: a sentence for a person, owned (mem_free), set on failure when memory allows.
int db_open(db **d, const char *path, const db_options *options, char **error);
void db_close(db *d);
const char *db_error(db *d);

int db_begin(db *d, bool write);
int db_commit(db *d);
void db_rollback(db *d); // also right when no transaction is open

// Runs a statement without rows.
int db_run(db *d, db_statement statement, const db_value *values, int count);

// Rows: db_select, then db_next until it is not 1 (0: no more; negative: error), then db_done (always).
int db_select(db *d, db_statement statement, const db_value *values, int count);
int db_next(db *d, db_statement statement);
void db_done(db *d, db_statement statement);
int64_t db_int(db *d, db_statement statement, int column);
double db_real(db *d, db_statement statement, int column);
const char *db_text(db *d, db_statement statement, int column); // "" for null; until the next row
const void *db_blob(db *d, db_statement statement, int column, size_t *bytes);

// Gives up to `pages` free pages back to the file system: -> free pages left, or a code. Outside a transaction.
int64_t db_shrink(db *d, int pages);
int db_checkpoint(db *d);  // moves what the WAL holds into the file, as far as readers let it
int64_t db_changes(db *d); // rows of the last statement

#endif
