// Unit sqlite.c is the only file that knows SQLite: schema, settings, statements.
//
//     run, series, attempt                  the catalogue; series.stats is drawn in series.c
//     piece   chunks (level 0) and pyramid blobs (level 1 ...) in order of arrival, later of series; index on
//             (series, level, ordinal). A chunk with axis != 0 takes its steps and times from the rows
//             first .. first + count of that axis; with 0 it carries them itself.
//     axis    time columns that the series of a lane share
//     log     what is not in a chunk yet (log.c)
//     event, media, param, command, audit, token, cursor
//     document texts of a run, each put anew as a whole (since version 2)
//     snapshot what the network looked like: a file named by hash, perhaps on top of another (since version 2)
//     job     runs to rewrite or to purge, so that a restart goes on
//
// WAL, synchronous FULL: a commit that returned survives a power cut. Incremental vacuum is set before the first table,
// because it cannot be added later. Caches are small: the system's page cache does the work.
#include "db.h"

#include "base/error.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCHEMA_VERSION = 2, APPLICATION = 0x4E4E5331 };

static const char *const schema =
    "CREATE TABLE run(id INTEGER PRIMARY KEY,key TEXT,name TEXT,project TEXT,grp TEXT,tags "
    "TEXT,notes TEXT,"
    "facts TEXT,state INT,created_ms INT,started_ms INT,ended_ms INT,last_step INT,heard_ms "
    "INT,attempt INT,"
    "epoch REAL,total_steps INT,paused_ms INT,exit_status INT,archived INT,points INT,bytes "
    "INT,dropped INT,"
    "extra TEXT);"
    "CREATE TABLE series(id INTEGER PRIMARY KEY,run INT,name TEXT,kind INT,unit TEXT,direction "
    "INT,chunked INT,"
    "stats BLOB);"
    "CREATE INDEX series_name ON series(run,name);"
    "CREATE TABLE attempt(run INT,number INT,first_step INT,PRIMARY KEY(run,number)) WITHOUT ROWID;"
    "CREATE TABLE piece(id INTEGER PRIMARY KEY,series INT,level INT,ordinal INT,count INT,attempt "
    "INT,axis INT,"
    "first INT,data BLOB);"
    "CREATE UNIQUE INDEX piece_place ON piece(series,level,ordinal);"
    "CREATE TABLE axis(id INTEGER PRIMARY KEY,run INT,data BLOB);"
    "CREATE INDEX axis_run ON axis(run);"
    "CREATE TABLE log(id INTEGER PRIMARY KEY,data BLOB);"
    "CREATE TABLE event(run INT,number INT,step INT,time_ms INT,type INT,json TEXT,PRIMARY "
    "KEY(run,number))"
    " WITHOUT ROWID;"
    "CREATE TABLE media(id INTEGER PRIMARY KEY,run INT,series INT,step INT,time_ms INT,kind "
    "INT,hash TEXT,"
    "json TEXT,data BLOB);"
    "CREATE INDEX media_run ON media(run,step);"
    "CREATE INDEX media_series ON media(series,step);"
    "CREATE TABLE param(id INTEGER PRIMARY KEY,run INT,name TEXT,json TEXT);"
    "CREATE UNIQUE INDEX param_name ON param(run,name);"
    "CREATE TABLE command(run INT,number INT,json TEXT,PRIMARY KEY(run,number)) WITHOUT ROWID;"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY,time_ms INT,json TEXT);"
    "CREATE TABLE token(hash TEXT PRIMARY KEY,json TEXT) WITHOUT ROWID;"
    "CREATE TABLE cursor(run INT,process TEXT,lane INT,next INT,state BLOB,PRIMARY "
    "KEY(run,process,lane))"
    " WITHOUT ROWID;"
    "CREATE TABLE job(run INT,kind INT,PRIMARY KEY(run,kind)) WITHOUT ROWID;"
    "PRAGMA application_id=1313755953;"
    "PRAGMA user_version=1;";

// What version 2 added.
static const char *const version_2 =
    "CREATE TABLE document(run INT,name TEXT,json TEXT,PRIMARY KEY(run,name)) WITHOUT ROWID;"
    "CREATE TABLE snapshot(id INTEGER PRIMARY KEY,run INT,attempt INT,step INT,"
    "time_ms INT,flags INT,bytes INT,base INT,depth INT,hash TEXT);"
    "CREATE INDEX snapshot_step ON snapshot(run,step);"
    "CREATE INDEX snapshot_run ON snapshot(run,id);"
    "PRAGMA user_version=2;";

// The same, empty, for whoever only reads an older store.
static const char *const version_2_seen =
    "PRAGMA query_only=OFF;"
    "CREATE TEMP TABLE document(run INT,name TEXT,json TEXT);"
    "CREATE TEMP TABLE snapshot(id INTEGER PRIMARY KEY,run INT,attempt INT,step INT,time_ms INT,"
    "flags INT,bytes INT,base INT,depth INT,hash TEXT);"
    "PRAGMA query_only=ON;";

static const char *const texts[DB_STATEMENTS] = {
#define X(name, sql) sql,
#include "statement.def"
#undef X
};

struct db {
    sqlite3 *handle;
    sqlite3_stmt *statements[DB_STATEMENTS];
};

static int code_of(int result) {
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_NOMEM:
        return NNS_E_NO_MEMORY;
    case SQLITE_FULL:
        return NNS_E_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return NNS_E_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return NNS_E_CORRUPT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return NNS_E_PERMISSION;
    case SQLITE_TOOBIG:
        return NNS_E_TOO_LARGE;
    default:
        return NNS_E_IO;
    }
}

db_value db_t(const char *text) {
    return (db_value){
        .type = text ? DB_TEXT : DB_NULL, .data = text, .bytes = text ? strlen(text) : 0};
}

const char *db_error(db *d) {
    return sqlite3_errmsg(d->handle);
}

// --- opening ---------------------------------------------------------------------------------

static int fail(db *d, int result, const char *path, const char *why, char **error) {
    char text[512];
    int n = snprintf(text, sizeof text, "%s: %s", path, why ? why : sqlite3_errmsg(d->handle));
    if (error) *error = mem_text(text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
    return result ? result : NNS_E_IO;
}

// A plain file that nobody else may read, made 0600 before SQLite sees it (its WAL takes the mode over).
// An existing file is never opened here: closing it would drop this process's locks on it.
static int make_file(const char *path, bool writer, const char **why) {
    struct stat st;
    *why = "no such store";
    if (lstat(path, &st) == 0) {
        *why = "is not a plain file";
        return S_ISREG(st.st_mode) ? 0 : NNS_E_INVALID;
    }
    if (errno != ENOENT || !writer) return error_from_errno(errno);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    *why = "cannot be made";
    if (fd < 0) return error_from_errno(errno);
    close(fd);
    return 0;
}

static int exec(db *d, const char *sql) {
    return code_of(sqlite3_exec(d->handle, sql, NULL, NULL, NULL));
}

static int pragma_int(db *d, const char *sql, int64_t *out) {
    sqlite3_stmt *st = NULL;
    int result = sqlite3_prepare_v2(d->handle, sql, -1, &st, NULL);
    if (result == SQLITE_OK) result = sqlite3_step(st);
    if (result == SQLITE_ROW) *out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return code_of(result);
}

static int make_schema(db *d, int64_t version) {
    int result = exec(d, "BEGIN IMMEDIATE");
    if (!result && version < 1) result = exec(d, schema);
    if (!result && version < 2) result = exec(d, version_2);
    if (!result) result = exec(d, "COMMIT");
    return result;
}

static int settings(db *d, const db_options *o) {
    int result =
        exec(d, "PRAGMA busy_timeout=5000;PRAGMA trusted_schema=OFF;PRAGMA cell_size_check=ON;"
                "PRAGMA temp_store=MEMORY;PRAGMA mmap_size=0");
    if (!result && o->exclusive) result = exec(d, "PRAGMA locking_mode=EXCLUSIVE");
    if (!result && !o->writer) result = exec(d, "PRAGMA cache_size=-1024;PRAGMA query_only=ON");
    int64_t pages = 1;
    if (!result && o->writer) result = pragma_int(d, "PRAGMA page_count", &pages);
    if (!result && pages == 0) // setting it on an old file would write, and sync, each time
        result = exec(d, "PRAGMA page_size=16384;PRAGMA auto_vacuum=INCREMENTAL");
    if (!result && o->writer)
        result = exec(d, "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA "
                         "cache_size=-4096;PRAGMA secure_delete=OFF;"
                         "PRAGMA wal_autocheckpoint=1000;PRAGMA journal_size_limit=33554432");
    return result;
}

static int check_version(db *d, const char *path, const db_options *o, char **error) {
    int64_t version = 0, application = 0;
    int result = pragma_int(d, "PRAGMA user_version", &version);
    if (!result) result = pragma_int(d, "PRAGMA application_id", &application);
    if (result) return fail(d, result, path, NULL, error);
    if (version == 0 && application == 0 && o->writer) {
        result = make_schema(d, 0);
        return result ? fail(d, result, path, NULL, error) : 0;
    }
    if (application != APPLICATION)
        return fail(d, NNS_E_INVALID, path, "is not a store of nnscope", error);
    if (version > SCHEMA_VERSION)
        return fail(d, NNS_E_VERSION, path, "was written by a newer nnscope; install that one",
                    error);
    if (version == SCHEMA_VERSION) return 0;
    result = o->writer ? make_schema(d, version) : exec(d, version_2_seen);
    return result ? fail(d, result, path, NULL, error) : 0;
}

int db_open(db **out, const char *path, const db_options *o, char **error) {
    *out = NULL;
    if (error) *error = NULL;
    db *d = mem_new(sizeof *d);
    if (!d) return NNS_E_NO_MEMORY;
    const char *why = NULL;
    int result = make_file(path, o->writer, &why);
    if (result) {
        fail(d, result, path, why, error);
        mem_free(d);
        return result;
    }
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (o->writer || o->exclusive ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    result = code_of(sqlite3_open_v2(path, &d->handle, flags, NULL));
    if (!result) result = settings(d, o);
    if (result) fail(d, result, path, NULL, error);
    if (!result) result = check_version(d, path, o, error);
    if (result)
        db_close(d);
    else
        *out = d;
    return result;
}

void db_close(db *d) {
    if (!d) return;
    for (int i = 0; i < DB_STATEMENTS; i++)
        sqlite3_finalize(d->statements[i]);
    sqlite3_close(d->handle);
    mem_free(d);
}

// --- statements ------------------------------------------------------------------------------

int db_begin(db *d, bool write) {
    return exec(d, write ? "BEGIN IMMEDIATE" : "BEGIN");
}

int db_commit(db *d) {
    return exec(d, "COMMIT");
}

void db_rollback(db *d) {
    if (!sqlite3_get_autocommit(d->handle)) sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
}

static int bind(sqlite3_stmt *st, int at, const db_value *v) {
    switch (v->type) {
    case DB_INT:
        return sqlite3_bind_int64(st, at, v->i);
    case DB_REAL:
        return sqlite3_bind_double(st, at, v->r);
    case DB_TEXT:
        return sqlite3_bind_text64(st, at, v->data, v->bytes, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BLOB:
        return sqlite3_bind_blob64(st, at, v->data, v->bytes, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(st, at);
    }
}

int db_select(db *d, db_statement statement, const db_value *values, int count) {
    sqlite3_stmt **st = &d->statements[statement];
    int result = SQLITE_OK;
    if (!*st)
        result = sqlite3_prepare_v3(d->handle, texts[statement], -1, SQLITE_PREPARE_PERSISTENT, st,
                                    NULL);
    for (int i = 0; result == SQLITE_OK && i < count; i++)
        result = bind(*st, i + 1, &values[i]);
    return code_of(result);
}

int db_next(db *d, db_statement statement) {
    int result = sqlite3_step(d->statements[statement]);
    return result == SQLITE_ROW ? 1 : code_of(result);
}

void db_done(db *d, db_statement statement) {
    sqlite3_stmt *st = d->statements[statement];
    if (!st) return;
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

int db_run(db *d, db_statement statement, const db_value *values, int count) {
    int result = db_select(d, statement, values, count);
    while (!result && (result = db_next(d, statement)) == 1)
        result = 0;
    db_done(d, statement);
    return result;
}

int64_t db_int(db *d, db_statement statement, int column) {
    return sqlite3_column_int64(d->statements[statement], column);
}

double db_real(db *d, db_statement statement, int column) {
    return sqlite3_column_double(d->statements[statement], column);
}

const char *db_text(db *d, db_statement statement, int column) {
    const unsigned char *text = sqlite3_column_text(d->statements[statement], column);
    return text ? (const char *)text : "";
}

const void *db_blob(db *d, db_statement statement, int column, size_t *bytes) {
    const void *data = sqlite3_column_blob(d->statements[statement], column);
    *bytes = (size_t)sqlite3_column_bytes(d->statements[statement], column);
    return data;
}

// --- space -----------------------------------------------------------------------------------

int64_t db_shrink(db *d, int pages) {
    char sql[64];
    int64_t left = 0;
    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", pages);
    int result = exec(d, sql);
    if (!result) result = pragma_int(d, "PRAGMA freelist_count", &left);
    return result ? result : left;
}

int db_checkpoint(db *d) {
    int result = sqlite3_wal_checkpoint_v2(d->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return result == SQLITE_BUSY || result == SQLITE_LOCKED ? 0 : code_of(result);
}

int64_t db_changes(db *d) {
    return sqlite3_changes64(d->handle);
}
