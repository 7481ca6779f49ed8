/*
 * cputest: random user-mode code on the real processor and on the
 * interpreter. Every form of every instruction runs until it has ended
 * without a fault --runs times; then sequences of instructions.
 *
 * The processor must be an x86-64 one; where it is newer than an i686, forms
 * that it executes and an i686 does not are left out (forms.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cpu/compare.h"
#include "tests/cpu/encode.h"
#include "tests/cpu/random.h"

struct options {
    uint64_t seed;
    unsigned runs, sequences;
    const char *only;           /* forms whose names contain this */
};

static unsigned mismatches;

static bool ended_well(const struct run_state *s)
{
    return s->vector == EXC_BP || s->vector == EXC_DB || s->vector == EXC_OF;
}

/* Returns false at a mismatch. */
static bool run_test(struct test *t, struct run_state *native, bool quiet)
{
    struct run_state emulated;

    memset(&emulated, 0, sizeof(emulated));
    native_code(t->insn - CODE_BASE, t->code64.bytes, t->code64.len);
    emulated_code(t->insn - CODE_BASE, t->code.bytes, t->code.len);
    native_run(&t->in, native);
    emulated_run(&t->in, &emulated);
    return compare_run(t, native, &emulated, quiet);
}

static void run_form(struct form *f, const struct options *o)
{
    unsigned wrong = 0, attempts = 0;
    struct run_state native;
    struct test t;

    while (f->good < o->runs && attempts < 40 * o->runs) {
        if (!f->good && attempts >= 200 + o->runs)
            break;              /* never works: #UD and the like */
        attempts++;
        generate_one(&t, f, true);
        if (!run_test(&t, &native, wrong > 2))
            wrong++;
        if (ended_well(&native)) {
            f->good++;
        } else {
            f->faults++;
            f->last_fault = native.vector;
        }
        if (wrong >= 50)
            break;
    }
    if (wrong)
        printf("  %u of %u runs differ\n", wrong, attempts);
    mismatches += wrong;
}

static void run_sequences(const struct options *o)
{
    struct run_state native;
    unsigned wrong = 0, good = 0;
    struct test t;

    for (unsigned n = 0; n < o->sequences && wrong < 50; n++) {
        generate_sequence(&t, 2 + random_below(8), true);
        if (!run_test(&t, &native, wrong > 5))
            wrong++;
        good += ended_well(&native);
    }
    printf("sequences: %u, to their end without a fault: %u, wrong: %u\n",
           o->sequences, good, wrong);
    mismatches += wrong;
}

/* ---- Report ----------------------------------------------------------------- */

static void print_cell(const char *text, unsigned *column)
{
    unsigned n = (unsigned)strlen(text);

    if (*column + n + 1 > 79) {
        printf("\n");
        *column = 0;
    }
    printf("%s ", text);
    *column += n + 1;
}

/* `good`: those that run; otherwise those that always fault, and by what. */
static unsigned print_forms(bool good)
{
    unsigned column = 0, count = 0;
    char name[32], cell[64];

    for (unsigned n = 0; n < forms_count; n++) {
        const struct form *f = &forms[n];

        if ((f->good != 0) != good || !(f->good + f->faults))
            continue;
        form_name(f, name, sizeof(name));
        snprintf(cell, sizeof(cell), "%s %s%d", name, good ? "" : "#",
                 good ? (int)f->good : f->last_fault);
        print_cell(cell, &column);
        count++;
    }
    printf("\n");
    return count;
}

/* A form that can only fault must do so by #UD or, privileged, by #GP. */
static unsigned check_counts(const struct options *o)
{
    unsigned bad = 0;
    char name[32];

    for (unsigned n = 0; n < forms_count; n++) {
        const struct form *f = &forms[n];
        bool refused = !f->good && (f->last_fault == EXC_UD ||
                                    f->last_fault == EXC_GP);

        if (!(f->good + f->faults) || f->good >= o->runs || refused)
            continue;
        form_name(f, name, sizeof(name));
        printf("too few runs: %s %u, last fault #%d\n", name, f->good,
               f->last_fault);
        bad++;
    }
    return bad;
}

static void parse(struct options *o, int argc, char **argv)
{
    for (int n = 1; n < argc; n++) {
        const char *value = n + 1 < argc ? argv[n + 1] : "";
        char *end = NULL;

        if (!strcmp(argv[n], "--seed"))
            o->seed = strtoull(value, &end, 0);
        else if (!strcmp(argv[n], "--runs"))
            o->runs = (unsigned)strtoul(value, &end, 0);
        else if (!strcmp(argv[n], "--sequences"))
            o->sequences = (unsigned)strtoul(value, &end, 0);
        else if (!strcmp(argv[n], "--form"))
            o->only = value;
        if ((!end && o->only != value) || (end && (*end || !*value))) {
            fprintf(stderr, "usage: cputest [--seed N] [--runs N] "
                    "[--sequences N] [--form NAME]\n");
            exit(2);
        }
        n++;
    }
}

static bool wanted(const struct options *o, const struct form *f)
{
    char name[32];

    form_name(f, name, sizeof(name));
    return !o->only || strstr(name, o->only);
}

int main(int argc, char **argv)
{
    struct options o = { .seed = 1, .runs = 1000, .sequences = 100000 };
    unsigned bad;

    setvbuf(stdout, NULL, _IOLBF, 0);
    parse(&o, argc, argv);
    random_seed(o.seed);
    forms_build();
    generate_low = native_init();
    emulated_init();
    if (!generate_low)
        printf("no memory below 64 KiB (needs root): 16-bit addresses left "
               "out\n");
    for (unsigned n = 0; n < forms_count; n++)
        if (wanted(&o, &forms[n]) && encode_long_mode(&forms[n]))
            run_form(&forms[n], &o);
    if (!o.only)
        run_sequences(&o);
    printf("runs without a fault, by form (r register, m memory):\n");
    printf("%u forms\n", print_forms(true));
    printf("forms that only fault, and the vector:\n");
    printf("%u forms\n", print_forms(false));
    bad = check_counts(&o);
    printf("seed %llu: %u mismatches, %u forms with too few runs\n",
           (unsigned long long)o.seed, mismatches, bad);
    return mismatches || bad;
}
