/*
 * Virtual consoles: several things that want the screen, of which one has it.
 * Ctrl-Alt and a digit chooses, Ctrl and Page Up, Page Down, Up, Down look at
 * lines that scrolled away. What the shown one says is drawn 30 times a second
 * at most, whatever it says, and only as far as it differs.
 */
#ifndef KERNEL_SCREEN_CONSOLES_H
#define KERNEL_SCREEN_CONSOLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/screen/canvas.h"
#include "kernel/screen/vt.h"

#define CONSOLES_MAX 63u        /* three of each of 9 machines, four ports */
#define CONSOLES_NAME 48u
#define CONSOLES_DRAW_NS 33000000u
#define CONSOLES_TELL_NS 2000000000u    /* how long a console's name is shown */

struct guest;

/* What wants the screen. It outlives the consoles. */
struct console_source {
    char name[CONSOLES_NAME];   /* "monitor" */
    /* A terminal, which whoever made it writes to; or NULL: */
    struct vt *vt;
    /*
     * draws itself on the canvas or its surface: all of it, with what is around
     * it, or what changed since the last call.
     */
    void (*draw)(void *ctx, struct canvas *canvas, bool all);
    /* What is typed at the terminal. */
    void (*input)(void *ctx, const uint8_t *data, size_t len);
    /* Its machine; without a terminal, keyboard and mouse are that one's. */
    struct guest *guest;
    /* The LEDs that its keyboard has on; NULL: see keyboard.h. */
    unsigned (*leds)(void *ctx);
    void *ctx;
};

struct consoles {
    struct canvas *canvas;
    struct console {
        struct console_source source;
        unsigned back;          /* lines that the view is moved up */
        uint64_t scrolled;      /* of the terminal, when last looked at */
    } console[CONSOLES_MAX];
    unsigned count, shown;
    bool all;                   /* everything is to be drawn */
    bool is_drawn_over;         /* a source drew on the surface itself */
    uint64_t drawn_ns;
    uint64_t tell_end_ns;       /* its name is shown until then; 0: it is not */
    unsigned cursor_row, cursor_column; /* as drawn, of the terminal's cells */
    unsigned top, left;         /* of those that do not fit, left out in front */
    unsigned rows, columns;     /* of the canvas, as drawn */
};

void consoles_init(struct consoles *c, struct canvas *canvas);
/* Its number, 1 to CONSOLES_MAX; 0: there are so many already. */
unsigned consoles_add(struct consoles *c, const struct console_source *source);

/* Show console `number`, and for a while its name. False: there is none. */
bool consoles_show(struct consoles *c, unsigned number, uint64_t now);

/*
 * A key, or a character, with VT_SHIFT and so on. False: it is for whoever the
 * screen shows, which has no terminal.
 */
bool consoles_key(struct consoles *c, enum vt_key key, unsigned modifiers,
                  uint64_t now);
bool consoles_keypad(struct consoles *c, char key, uint64_t now);
bool consoles_type(struct consoles *c, uint32_t character, unsigned modifiers,
                   uint64_t now);

/* Draw, if it is time. When (as `now`) to call again, at the latest. */
uint64_t consoles_poll(struct consoles *c, uint64_t now);

#endif
