/*
 * The window: guest memory at its linear addresses, for each of the two
 * privileges, so that an access to guest memory is one host instruction and
 * needs no look at the TLB. What is not mapped there faults, is looked up in
 * the page tables and mapped, or goes by the handler. All of it goes when a
 * translation does; so the window is for code that computes for a while. Until
 * that shows, and everywhere else, traces are in the TLB's form.
 */
#ifndef EMU_JIT_WINDOW_H
#define EMU_JIT_WINDOW_H

#include "emu/cpu/window.h"
#include "emu/jit/jit.h"

/* trace.form: is there code for the window, and is it what is executed? */
enum jit_form { FORM_TLB, FORM_BOTH, FORM_WINDOW, FORM_REFUSED };

#define WINDOW_PAGES (1u << 20)
#define WINDOW_BYTES ((uint64_t)WINDOW_PAGES << 12)
#define WINDOW_RUNS 8192u
#define WINDOW_TRACES 4096u

/* Pages that were mapped at once; some may be gone since. */
struct window_run {
    uint32_t page, pages;
    const uint8_t *host;
};

/* One privilege's. */
struct window_view {
    uint8_t *range;             /* reserved */
    uint8_t *base;              /* linear address 0 in it */
    bool active;
    bool full;                  /* no more could be mapped */
    uint64_t since;             /* run.count when it became active */
    uint64_t patience;          /* instructions without a change until then */
    uint64_t faults;            /* since then */
    unsigned run_count, trace_count;
    struct window_run run[WINDOW_RUNS];
    struct trace *trace[WINDOW_TRACES]; /* of FORM_WINDOW */
    uint64_t mapped[WINDOW_PAGES / 64];
};

/* Where the accesses of window code are, and the stubs that they go to. */
struct window_site {
    uint32_t pc, stub;          /* offsets in the code memory; stub 0: none */
};
#define WINDOW_SITES (1u << 20)

struct jit_window {
    const struct window_ops *ops;
    struct window_code code;
    struct window_view view[2];         /* [user] */
    uint64_t changed;           /* run.count when translations last went */
    uint64_t patience;          /* the least of the views' */
    unsigned misses_max;        /* that a trace is allowed */
    bool sample;                /* the next visit is of a trace that is hot */
    bool missed;                /* the last fault was not mapped: of ... */
    struct window_view *miss_view;
    uint32_t miss_lin;
    bool miss_write;
    struct window_site *site;   /* ascending */
    unsigned site_count;
    struct {
        uint64_t promoted, refused, activated, dropped, faults, mapped;
    } counts;
};

/* NULL: this platform has none, or no memory. Moves the TLB's views. */
struct jit_window *jit_window_new(struct jit *j);
void jit_window_free(struct jit *j);

/* `t`, which has host code, is about to run. */
void jit_window_visit(struct cpu *c, struct trace *t);
/* The handler has run that a fault in `t` had led to. */
void jit_window_missed(struct cpu *c, struct trace *t);
/* All traces are gone, or all translations. */
void jit_window_flushed(struct cpu *c);
void jit_window_changed(struct cpu *c);
/* struct translator's */
void jit_window_page_changed(struct cpu *c, uint32_t lin, bool large);
void jit_window_page_tracked(struct cpu *c, uint64_t page);

/*
 * window_map.c. Map the page of `lin`, and those around it that are alike.
 * False: it is not to be accessed in that way without more ado.
 */
bool window_fill(struct cpu *c, struct window_view *v, uint32_t lin,
                 bool write);
/*
 * Nothing is there any more: of all, of that page or the 4 MiB around it, of
 * the page of RAM at `host`. False: the host has no room for so many pieces,
 * and something is there still.
 */
bool window_unmap_all(struct jit_window *w, struct window_view *v);
bool window_unmap_page(struct jit_window *w, struct window_view *v,
                       uint32_t lin, bool large);
bool window_unmap_host(struct jit_window *w, struct window_view *v,
                       const uint8_t *host);

/*
 * form.c: give the trace, which is in the one form, the other one, whose code
 * is made if need be. False: no room for that; it stays as it was.
 */
bool jit_change_form(struct cpu *c, struct trace *t);
/* Let `t` have one form only, which it is to be made in. */
void jit_forget_forms(struct jit *j, struct trace *t);

#endif
