/* See telnet.h. Commands and options by RFC 854, 855, 856, 857, 858. */
#include "kernel/chardev/telnet.h"

#include <string.h>

enum { SE = 240, SB = 250, WILL = 251, WONT = 252, DO = 253, DONT = 254,
       IAC = TELNET_IAC };
enum { OPTION_BINARY = 0, OPTION_ECHO = 1, OPTION_SGA = 3, OPTIONS_KNOWN = 8 };
enum { IN_DATA, IN_IAC, IN_OPTION, IN_SUB, IN_SUB_IAC };

#define BIT(option) (1u << (option))
/* The guest echoes; a line has no GO AHEAD. */
#define WE_DO (BIT(OPTION_BINARY) | BIT(OPTION_ECHO) | BIT(OPTION_SGA))
#define CLIENT_DOES (BIT(OPTION_BINARY) | BIT(OPTION_SGA))
#define SERVER_DOES WE_DO

static void say(struct telnet *t, uint8_t command, uint8_t option)
{
    t->reply[t->reply_len++] = IAC;
    t->reply[t->reply_len++] = command;
    t->reply[t->reply_len++] = option;
}

bool telnet_is_full(const struct telnet *t)
{
    return t->reply_len + 3 > TELNET_REPLY;
}

void telnet_init(struct telnet *t, bool server)
{
    memset(t, 0, sizeof *t);
    t->we_may = server ? WE_DO : CLIENT_DOES;
    t->they_may = server ? CLIENT_DOES : SERVER_DOES;
    if (!server)
        return;
    say(t, WILL, OPTION_ECHO);
    say(t, WILL, OPTION_SGA);
    say(t, WILL, OPTION_BINARY);
    say(t, DO, OPTION_BINARY);
    t->our_offer = WE_DO;
    t->their_offer = BIT(OPTION_BINARY);
}

/*
 * What the other end wants of an option. An answer goes out only where it
 * changes something and is none itself, so that no two ends answer each other
 * for ever.
 */
static void negotiate(struct telnet *t, uint8_t option)
{
    bool is_ours = t->command == DO || t->command == DONT;
    bool on = t->command == DO || t->command == WILL;
    uint8_t *state = is_ours ? &t->ours : &t->theirs;
    uint8_t *offer = is_ours ? &t->our_offer : &t->their_offer;
    uint8_t bit = option < OPTIONS_KNOWN ? (uint8_t)BIT(option) : 0;
    bool is_answer = *offer & bit;

    *offer &= (uint8_t)~bit;
    if (!(bit & (is_ours ? t->we_may : t->they_may))) {
        if (on)
            say(t, is_ours ? WONT : DONT, option);
        return;
    }
    if (on == !!(*state & bit))
        return;
    *state ^= bit;
    if (is_answer)
        return;
    if (on)
        say(t, is_ours ? WILL : DO, option);
    else
        say(t, is_ours ? WONT : DONT, option);
}

static enum telnet_input command(struct telnet *t, uint8_t c, uint8_t *out)
{
    t->state = IN_DATA;
    switch (c) {
    case IAC:
        *out = IAC;
        return TELNET_DATA;
    case TELNET_BREAK:
        return TELNET_BROKE;
    case SB:
        t->state = IN_SUB;
        break;
    case WILL ... DONT:
        t->command = c;
        t->state = IN_OPTION;
        break;
    default:                    /* GA, NOP, AYT ...: nothing of a line's */
        break;
    }
    return TELNET_NOTHING;
}

static enum telnet_input data(struct telnet *t, uint8_t c, uint8_t *out)
{
    bool was_cr = t->after_cr;

    if (c == IAC) {
        t->state = IN_IAC;
        return TELNET_NOTHING;
    }
    t->after_cr = c == '\r' && !(t->theirs & BIT(OPTION_BINARY));
    if (was_cr && !c)           /* CR NUL is CR (RFC 854, page 11) */
        return TELNET_NOTHING;
    *out = c;
    return TELNET_DATA;
}

enum telnet_input telnet_input(struct telnet *t, uint8_t c, uint8_t *out)
{
    switch (t->state) {
    case IN_IAC:
        return command(t, c, out);
    case IN_OPTION:
        t->state = IN_DATA;
        negotiate(t, c);
        return TELNET_NOTHING;
    case IN_SUB:
        if (c == IAC)
            t->state = IN_SUB_IAC;
        return TELNET_NOTHING;
    case IN_SUB_IAC:
        t->state = c == SE ? IN_DATA : IN_SUB;
        return TELNET_NOTHING;
    default:
        return data(t, c, out);
    }
}

size_t telnet_output(struct telnet *t, uint8_t c, uint8_t out[TELNET_OUT])
{
    size_t n = 0;

    if (t->sent_cr && c != '\n' && !(t->ours & BIT(OPTION_BINARY)))
        out[n++] = 0;
    t->sent_cr = c == '\r';
    if (c == IAC)
        out[n++] = IAC;
    out[n++] = c;
    return n;
}
