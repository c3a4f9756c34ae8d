/* example.c - asks PostgreSQL: query CONNINFO SQL, and prints the rows.
 *
 *   cc example.c rondo_pq.c -lpq -lrondo -pthread */
/* SPDX-License-Identifier: MIT */
#include "rondo_pq.h"

#include <stdio.h>

struct query {
    rondo_pq *pq;
    const char *sql;
    int failed;
};

static void print_row(const PGresult *result, int row)
{
    for (int i = 0; i < PQnfields(result); i++)
        printf("%s%s", i ? "\t" : "", PQgetvalue(result, row, i));
    printf("\n");
}

static void answered(rondo_loop *loop, void *arg, const PGresult *result,
                     int error)
{
    struct query *q = arg;
    (void)loop;
    if (!result) { /* that was all */
        if (error)
            fprintf(stderr, "query: %s\n", rondo_last_error());
        q->failed |= error != 0;
        rondo_pq_free(q->pq);
        return;
    }
    if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
        fprintf(stderr, "query: %s", PQresultErrorMessage(result));
        q->failed = 1;
    }
    for (int row = 0; row < PQntuples(result); row++)
        print_row(result, row);
}

static void connected(rondo_loop *loop, void *arg, int error)
{
    struct query *q = arg;
    (void)loop;
    if (!error && PQsendQuery(rondo_pq_connection(q->pq), q->sql) &&
        rondo_pq_await(q->pq, answered, q) == 0)
        return;
    fprintf(stderr, "query: %s\n", rondo_last_error());
    q->failed = 1;
    rondo_pq_free(q->pq);
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    struct query q = {.sql = argc == 3 ? argv[2] : NULL};
    rondo_pq_protocol protocol = {
        .size = sizeof protocol, .connected = connected, .arg = &q};
    if (!q.sql) {
        fprintf(stderr, "usage: query CONNINFO SQL\n");
        return 2;
    }
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_pq_connect(loop, argv[1], &protocol, &q.pq) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "query: %s\n", rondo_last_error());
        return 1;
    }
    rondo_loop_close(loop);
    return q.failed;
}
