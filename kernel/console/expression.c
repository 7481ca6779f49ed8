/* See expression.h. */
#include "kernel/console/expression.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "kernel/guest_debug.h"

#define DEPTH_MAX 32u           /* of parentheses and signs */
#define NAME_MAX_BYTES 12u

struct parser {
    const char *at;
    const struct guest_registers *r;
    unsigned depth;
    char *why;
    size_t why_size;
};

static bool parse_sum(struct parser *p, uint64_t *v);

static bool fails(struct parser *p, const char *what)
{
    if (*p->at)
        snprintf(p->why, p->why_size, "%s at '%.20s'", what, p->at);
    else
        snprintf(p->why, p->why_size, "%s at the end", what);
    return false;
}

static void skip_blanks(struct parser *p)
{
    p->at += strspn(p->at, " \t");
}

/* ---- Registers ------------------------------------------------------------ */

static const char *const general[] = {
    [RAX] = "ax", [RCX] = "cx", [RDX] = "dx", [RBX] = "bx", [RSP] = "sp",
    [RBP] = "bp", [RSI] = "si", [RDI] = "di",
};

/* "eax", "rax", "ax", "r8" to "r15". */
static bool general_register(const struct guest_registers *r, const char *name,
                             uint64_t *v)
{
    unsigned n = name[0] == 'r' ? (unsigned)atoi(name + 1) : 0;
    bool is_wide = *name == 'r', is_e = *name == 'e';

    for (unsigned i = 0; i < 8; i++)
        if (!strcmp(name + (is_wide || is_e), general[i])) {
            *v = is_wide ? r->gpr[i] : is_e ? (uint32_t)r->gpr[i]
                                            : (uint16_t)r->gpr[i];
            return true;
        }
    if (n < 8 || n > 15 || strlen(name) != (n > 9 ? 3u : 2u))
        return false;
    *v = r->gpr[n];
    return true;
}

/* "cs", "cs.base", "cs.limit". */
static bool segment_register(const struct guest_registers *r, const char *name,
                             uint64_t *v)
{
    static const char letters[] = "ecsdfg";     /* in their numbers' order */
    const char *letter = strchr(letters, *name);

    if (!*name || !letter || name[1] != 's')
        return false;
    if (!name[2])
        *v = r->seg[letter - letters].sel;
    else if (!strcmp(name + 2, ".base"))
        *v = r->seg[letter - letters].base;
    else if (!strcmp(name + 2, ".limit"))
        *v = r->seg[letter - letters].limit;
    else
        return false;
    return true;
}

static bool other_register(const struct guest_registers *r, const char *name,
                           uint64_t *v)
{
    const struct { const char *name; uint64_t v; } others[] = {
        { "eip", (uint32_t)r->rip }, { "rip", r->rip },
        /* qemu's: where the next instruction lies. */
        { "pc", r->is_64bit ? r->rip : (uint32_t)(r->rip + r->seg[CS].base) },
        { "eflags", r->rflags }, { "rflags", r->rflags }, { "cr0", r->cr0 },
        { "cr2", r->cr2 }, { "cr3", r->cr3 }, { "cr4", r->cr4 },
        { "efer", r->efer },
    };

    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(name, others[i].name)) {
            *v = others[i].v;
            return true;
        }
    return false;
}

static bool parse_register(struct parser *p, uint64_t *v)
{
    char name[NAME_MAX_BYTES] = "";
    size_t n = 1;

    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '.')
        n++;
    if (n - 1 >= sizeof name)
        return fails(p, "no such register");
    memcpy(name, p->at + 1, n - 1);
    if (!general_register(p->r, name, v) && !segment_register(p->r, name, v) &&
        !other_register(p->r, name, v))
        return fails(p, "no such register");
    p->at += n;
    return true;
}

/* ---- Values and operators ------------------------------------------------- */

static bool parse_character(struct parser *p, uint64_t *v)
{
    if (!p->at[1] || p->at[2] != '\'')
        return fails(p, "no character between ' and '");
    *v = (uint8_t)p->at[1];
    p->at += 3;
    return true;
}

static bool parse_number(struct parser *p, uint64_t *v)
{
    char *end;

    if (!isdigit((unsigned char)*p->at))
        return fails(p, *p->at ? "no value" : "a value is missing");
    errno = 0;
    *v = strtoull(p->at, &end, 0);
    if (errno || isalnum((unsigned char)*end))
        return fails(p, "no number of 64 bits");
    p->at = end;
    return true;
}

static bool parse_parentheses(struct parser *p, uint64_t *v)
{
    p->at++;
    if (!parse_sum(p, v))
        return false;
    if (*p->at != ')')
        return fails(p, "a ) is missing");
    p->at++;
    return true;
}

static bool parse_unary(struct parser *p, uint64_t *v)
{
    char c;
    bool did;

    skip_blanks(p);
    c = *p->at;
    if (p->depth == DEPTH_MAX)
        return fails(p, "too many signs and parentheses");
    p->depth++;
    if (c == '(') {
        did = parse_parentheses(p, v);
    } else if (c == '$') {
        did = parse_register(p, v);
    } else if (c == '\'') {
        did = parse_character(p, v);
    } else if (c && strchr("+-~", c)) {
        p->at++;
        did = parse_unary(p, v);
        *v = c == '-' ? -*v : c == '~' ? ~*v : *v;
    } else {
        did = parse_number(p, v);
    }
    p->depth--;
    skip_blanks(p);
    return did;
}

/* Behind a blank, a file's name or a - for none; there is a value before it. */
static bool is_file(const char *at)
{
    bool is_name = *at == '/' && (isalpha((unsigned char)at[1]) ||
                                  (at[1] && strchr("./_", at[1])));

    return (is_name || (*at == '-' && !at[1])) && strchr(" \t", at[-1]);
}

/* The operator at hand if it is one of these, else 0. */
static char take_operator(struct parser *p, const char *these)
{
    return *p->at && strchr(these, *p->at) && !is_file(p->at) ? *p->at++ : 0;
}

static bool parse_product(struct parser *p, uint64_t *v)
{
    uint64_t right;
    char op;

    if (!parse_unary(p, v))
        return false;
    while ((op = take_operator(p, "*/%"))) {
        if (!parse_unary(p, &right))
            return false;
        if (op != '*' && !right)
            return fails(p, "division by zero");
        *v = op == '*' ? *v * right : op == '/' ? *v / right : *v % right;
    }
    return true;
}

static bool parse_logic(struct parser *p, uint64_t *v)
{
    uint64_t right;
    char op;

    if (!parse_product(p, v))
        return false;
    while ((op = take_operator(p, "&|^"))) {
        if (!parse_product(p, &right))
            return false;
        *v = op == '&' ? *v & right : op == '|' ? *v | right : *v ^ right;
    }
    return true;
}

static bool parse_sum(struct parser *p, uint64_t *v)
{
    uint64_t right;
    char op;

    if (!parse_logic(p, v))
        return false;
    while ((op = take_operator(p, "+-"))) {
        if (!parse_logic(p, &right))
            return false;
        *v = op == '+' ? *v + right : *v - right;
    }
    return true;
}

int expression(const char **text, const struct guest_registers *r,
               uint64_t *value, char *why, size_t why_size)
{
    struct parser p = { *text, r, 0, why, why_size };

    *value = 0;
    if (!parse_sum(&p, value))
        return -EINVAL;
    *text = p.at;
    return 0;
}
