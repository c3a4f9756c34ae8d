/* harness_kinds_table.c - tries features on all kinds, and prints the table. */
/* SPDX-License-Identifier: MIT */
#include "harness_kinds.h"

enum seen {
    NOT_TRIED,
    BEGUN, /* and, at the end: it failed in the middle */
    ABSENT,
    AS_EXPECTED,
    OTHERWISE
};

static const struct kind_table *tried;
static struct {
    enum seen seen;
    int result;
} cells[KINDS][KIND_COLUMNS];

/* ---- printing ------------------------------------------------------------ */

static const char *cell_text(int cell)
{
    switch (cell) {
    case 0:
        return "works";
    case CELL_NONE:
        return ".";
    default:
        return rondo_error_name(cell);
    }
}

static void print_cell(enum kind_id id, size_t column)
{
    static const char *const marks[] = {[NOT_TRIED] = "?",
                                        [BEGUN] = "!!",
                                        [ABSENT] = "-",
                                        [AS_EXPECTED] = "",
                                        [OTHERWISE] = "!"};
    char text[64];

    (void)snprintf(text, sizeof text, "%s%s",
                   cell_text(tried->cells[id][column]),
                   marks[cells[id][column].seen]);
    if (cells[id][column].seen == OTHERWISE)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s",
                       cell_text(cells[id][column].result));
    print_error(" %-13s", text);
}

static int rows(void)
{
    return tried->rows ? tried->rows : KINDS;
}

static bool is_tried(size_t column)
{
    for (int id = 0; id < KINDS; id++)
        if (cells[id][column].seen != NOT_TRIED)
            return true;
    return false;
}

static void print_table(void)
{
    print_error("%s: expected; -: not on this system or backend; !: seen "
                "instead; !!: failed; ?: not tried\n%-20s",
                tried->title, "");
    for (size_t c = 0; c < KIND_COLUMNS; c++)
        if (is_tried(c))
            print_error(" %-13s", tried->columns[c].name);
    for (int id = 0; id < rows(); id++) {
        print_error("\n%-20s", kinds[id].name);
        for (size_t c = 0; c < KIND_COLUMNS; c++)
            if (is_tried(c))
                print_cell((enum kind_id)id, c);
    }
    print_error("\n");
}

static void print_if_wrong(void)
{
    bool wrong = tried && getenv("RONDO_TEST_TABLE");

    for (int id = 0; id < KINDS; id++)
        for (size_t c = 0; c < KIND_COLUMNS; c++)
            wrong |=
                cells[id][c].seen == BEGUN || cells[id][c].seen == OTHERWISE;
    if (wrong)
        print_table();
}

TEST_AROUND(NULL, print_if_wrong);

/* ---- trying -------------------------------------------------------------- */

static enum seen try_kind(struct world *w, enum kind_id id, size_t column)
{
    const struct kind_column *what = &tried->columns[column];
    int expected = tried->cells[id][column];
    struct rig *r = what->unmade ? rig_open(w, id) : rig_new(w, id);
    int result;

    if (!r)
        return ABSENT;
    result = what->attempt(r);
    rig_end(r);
    cells[id][column].result = result;
    return result == expected ? AS_EXPECTED : OTHERWISE;
}

void kinds_try(struct world *w, const struct kind_table *table, size_t column)
{
    int wrong = 0;

    tried = table;
    for (int id = 0; id < rows(); id++) {
        int cell = table->cells[id][column];

        if (cell == CELL_NONE)
            continue;
        w->row = kinds[id].name;
        cells[id][column].seen = BEGUN;
        cells[id][column].seen = try_kind(w, (enum kind_id)id, column);
        wrong += cells[id][column].seen == OTHERWISE;
    }
    w->row = NULL;
    if (wrong)
        test_fail(w, "%s: %d kinds are not as the table says",
                  table->columns[column].name, wrong);
}
