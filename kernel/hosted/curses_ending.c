/* See curses_ending.h. Apart, as term.h makes macros of everyday words. */
#include "kernel/hosted/curses_ending.h"

#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved_mode;
static char ending[256];        /* what brings the terminal back */
static size_t ending_len;
static volatile sig_atomic_t is_open;

static int add_to_ending(int c)
{
    if (ending_len < sizeof ending)
        ending[ending_len++] = (char)c;
    return c;
}

static void add_string(const char *name)
{
    const char *text = tigetstr((char *)name);

    if (text && text != (char *)-1)
        tputs(text, 1, add_to_ending);
}

void curses_ending_begin(void) { tcgetattr(STDIN_FILENO, &saved_mode); }

void curses_ending_ready(void)
{
    static const char *const names[] = { "rmacs", "sgr0", "op", "rmkx",
                                         "cnorm", "rmcup" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_string(names[i]);
    is_open = 1;
}

void curses_end(void)
{
    if (!is_open)
        return;
    is_open = 0;
    while (write(STDOUT_FILENO, ending, ending_len) < 0 && errno == EINTR)
        ;
    tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
}
