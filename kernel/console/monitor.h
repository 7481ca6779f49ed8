/*
 * The monitor: qemu's commands over a line. Line editing in edit.c, commands in
 * commands.c, the Tab key in complete.c.
 */
#ifndef KERNEL_CONSOLE_MONITOR_H
#define KERNEL_CONSOLE_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/console/edit.h"
#include "kernel/console/pager.h"

#define MONITOR_LINE EDIT_LINE
#define MONITOR_CORES 16u        /* that info cpus shows */

struct config;
struct local;
struct mux;
struct monitor;

/*
 * Output that is longer than what may wait for the line: `next` prints some of
 * it, less than 1 KiB, whenever there is room, and returns false when that was
 * all; `end` gives back what it needs, also when Ctrl-C cuts it off.
 */
struct monitor_output {
    bool (*next)(struct monitor *mon);
    void (*end)(struct monitor *mon);
    uint8_t *data;              /* the command's own */
    size_t size, at;
};

/* Lines that are a command's, and no commands: see paste.h. */
struct monitor_paste {
    void (*done)(struct monitor *mon, char *text, size_t len);  /* or NULL */
    char *text;
    size_t len, line, max;      /* bytes; where the line begins; at most */
    bool is_too_long, after_cr;
};

struct monitor {
    struct mux *mux;            /* where it prints, and whose machine it is */
    struct config *config;      /* what runs, or NULL */
    struct local *local;        /* the local screen, or NULL */
    struct edit edit;           /* the line that is typed */
    bool greeted;
    bool quit;                  /* "quit" was typed */
    bool is_remote;             /* monitor_remote.h's: nobody types there */
    struct monitor_output output;       /* its next is NULL: there is none */
    struct monitor_paging paging;
    bool collects;              /* what is printed goes to that */
    /* Of monitor_ask: who waits for an answer, or NULL. */
    void (*answer)(struct monitor *mon, char *line, void *ctx);
    void *answer_ctx;
    bool is_secret;             /* the answer */
    char question[MONITOR_LINE];
    /* Typed while that is printed, or a job (job.h) runs. */
    uint8_t ahead[MONITOR_LINE];
    unsigned ahead_len;
    struct monitor_paste paste;
    char unit_format;           /* what x showed last, for when nobody says: */
    unsigned unit_size;         /* xduoci and bytes each */
    uint64_t cores_seen_ns;     /* when info cpus last looked, and what */
    uint64_t cores_idle_ns[MONITOR_CORES];      /* it saw */
};

void monitor_init(struct monitor *mon, struct mux *mux);
/* The monitor gets the keyboard: banner the first time, then the prompt. */
void monitor_enter(struct monitor *mon);
/* The keyboard goes to somebody else: a text that waits for a key ends. */
void monitor_leave(struct monitor *mon);
/* One byte from the administrator. */
void monitor_input(struct monitor *mon, uint8_t c);

/* The prompt, unless a command is at work. */
void monitor_prompt(struct monitor *mon);

/*
 * `question` stands in place of the prompt, and the next line goes to
 * answer(mon, line, ctx), which may ask again; Ctrl-C is an empty one.
 */
void monitor_ask(struct monitor *mon, const char *question,
                 void (*answer)(struct monitor *mon, char *line, void *ctx),
                 void *ctx);
/* The same for a password: what is typed is not shown. */
void monitor_ask_secret(struct monitor *mon, const char *question,
                        void (*answer)(struct monitor *mon, char *line,
                                       void *ctx), void *ctx);

/*
 * Long output or a job has ended, the last that was at work: the prompt, the
 * line so far, and what was typed meanwhile.
 */
void monitor_go_on(struct monitor *mon);

/* What was typed while another monitor's job ran. True: there was some. */
bool monitor_wake(struct monitor *mon);

/* Long output goes on while the line has room. True: something was printed. */
bool monitor_output(struct monitor *mon, bool (*has_room)(struct mux *mux));

void monitor_printf(struct monitor *mon, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* commands.c: run one command line (modified in place). */
void monitor_command(struct monitor *mon, char *line);

#endif
