// Unit job.c runs work on other threads and brings the answers back to the net thread. A job is queued
// by anyone, worked on by one thread of its queue with a store reader of that thread, then answered from
// core_poll. Nothing here takes the core's lock.
#include "inside.h"

#include <assert.h>

static job *take(job_queue *q) {
    pthread_mutex_lock(&q->mutex);
    while (!q->first && !q->ending)
        pthread_cond_wait(&q->more, &q->mutex);
    job *j = q->first;
    if (j) {
        q->first = j->next;
        if (!q->first) q->last = &q->first;
        j->next = NULL;
    }
    pthread_mutex_unlock(&q->mutex);
    return j;
}

static void *worker(void *context) {
    job_queue *q = context;
    store_reader *reader = NULL;
    if (store_reader_open(q->core->store, &reader)) reader = NULL;
    for (job *j; (j = take(q));) {
        if (!reader && store_reader_open(q->core->store, &reader)) reader = NULL;
        if (reader)
            j->work(q->core, j, reader);
        else
            reply_error(&j->reply, 503, "no_store", "the store cannot be read at the moment");
        if (j->done)
            job_answer(q->core, j);
        else
            job_free(j);
    }
    if (reader) store_reader_close(reader);
    return NULL;
}

int job_queue_open(job_queue *q, core *c, int threads) {
    *q = (job_queue){
        .core = c, .mutex = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    q->last = &q->first;
    for (; q->thread_count < threads; q->thread_count++)
        if (pthread_create(&q->threads[q->thread_count], NULL, worker, q)) return NNS_E_NO_MEMORY;
    return 0;
}

void job_queue_close(job_queue *q) {
    if (!q->core) return;
    pthread_mutex_lock(&q->mutex);
    q->ending = true;
    pthread_cond_broadcast(&q->more);
    pthread_mutex_unlock(&q->mutex);
    for (int i = 0; i < q->thread_count; i++)
        pthread_join(q->threads[i], NULL);
    assert(!q->first);
    q->core = NULL;
}

void job_submit(job_queue *q, job *j) {
    pthread_mutex_lock(&q->mutex);
    j->next = NULL;
    *q->last = j;
    q->last = &j->next;
    pthread_cond_signal(&q->more);
    pthread_mutex_unlock(&q->mutex);
}

void job_answer(core *c, job *j) {
    pthread_mutex_lock(&c->answers_mutex);
    j->next = NULL;
    *c->answers_last = j;
    c->answers_last = &j->next;
    pthread_mutex_unlock(&c->answers_mutex);
    if (c->hooks.wake) c->hooks.wake(c->hooks.context);
}

void job_free(job *j) {
    if (j->fini) j->fini(j);
    buf_fini(&j->reply.body);
    mem_free(j);
}

void answer_later(core *c, core_reply *reply, core_done done, void *context) {
    job *j = mem_new(sizeof *j);
    if (!j) { // an answer must come: at once then
        done(context, reply);
        buf_fini(&reply->body);
        return;
    }
    *j = (job){.done = done, .context = context, .reply = *reply};
    *reply = (core_reply){0};
    job_answer(c, j);
}

void core_poll(core *c) {
    pthread_mutex_lock(&c->answers_mutex);
    job *first = c->answers;
    c->answers = NULL;
    c->answers_last = &c->answers;
    pthread_mutex_unlock(&c->answers_mutex);
    while (first) {
        job *j = first;
        first = j->next;
        j->done(j->context, &j->reply);
        job_free(j);
    }
}
