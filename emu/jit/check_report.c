/* What check=on says of a difference, before the machine stops. */
#include "emu/jit/check.h"

#include <stdarg.h>
#include <stdio.h>

#include "emu/cpu/compare.h"

#define TEXT 4096u
#define LINE 80u

static void __attribute__((format(printf, 2, 3)))
say(struct cpu *c, const char *fmt, ...)
{
    char line[LINE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    c->bus->report(c->bus->ctx, line);
}

static void say_registers(struct cpu *c, const struct cpu *of,
                          const char *title)
{
    static const char *const wanted[] = { "EAX", "ESI", "EIP", "ES ", "CS ",
                                          "SS ", "DS ", "FS ", "GS " };
    char text[TEXT];
    char *save = NULL;

    cpu_format_registers(of, text, sizeof(text));
    say(c, "%s:", title);
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        for (size_t n = 0; n < sizeof(wanted) / sizeof(wanted[0]); n++)
            if (!strncmp(line, wanted[n], strlen(wanted[n])))
                say(c, "  %s", line);
}

static void hex(char *to, const uint8_t *bytes, unsigned n)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned k = 0; k < n; k++) {
        to[3 * k] = digits[bytes[k] >> 4];
        to[3 * k + 1] = digits[bytes[k] & 15];
        to[3 * k + 2] = k + 1 < n ? ' ' : '\0';
    }
}

/* A write whose place has not the interpreter's bytes in it. */
static void say_memory(struct cpu *c, const struct jit_check *ch)
{
    for (unsigned n = 0; n < ch->dry.count; n++) {
        const struct dry_write *w = &ch->dry.write[n];
        char interp[3 * DRY_RUN_BYTES], native[3 * DRY_RUN_BYTES];

        if (!memcmp(ch->native[n], w->host, w->len))
            continue;
        hex(interp, w->host, w->len);
        hex(native, ch->native[n], w->len);
        say(c, "  at physical %08llx:", (unsigned long long)w->paddr);
        say(c, "    %s | %s", interp, native);
    }
}

static void say_insn(struct cpu *c, const struct insn *i, const uint8_t *code,
                     char mark)
{
    char bytes[3 * 15 + 1], text[40] = "";

    hex(bytes, code, i->len);
    if (c->bus->disassemble)
        c->bus->disassemble(code, i->len, i->rip, text, sizeof(text));
    if (!*text || i->len > 8) {
        say(c, "%c %08x: %s", mark, i->rip, bytes);
        if (*text)
            say(c, "%36s%s", "", text);
        return;
    }
    say(c, "%c %08x: %-24s %s", mark, i->rip, bytes, text);
}

/* The trace; `>` before what was compared. */
static void say_code(struct cpu *c, const struct jit_check *ch, unsigned k)
{
    struct trace *t = ch->trace;
    const uint8_t *code = trace_code(t);

    say(c, "guest code:");
    for (unsigned n = 0; n < t->n; n++) {
        say_insn(c, &t->insn[n], code, n >= ch->first && n < k ? '>' : ' ');
        code += t->insn[n].len;
    }
}

static void line_of(void *ctx, const char *line)
{
    say(ctx, "%s", line);
}

void check_report(struct cpu *c, unsigned k, const char *what)
{
    struct interp *e = c->interp;
    struct jit_check *ch = e->jit->check;
    const struct cpu_say differences = { c, line_of };
    uint32_t flags;

    say(c, "check=on: jit differs from interp behind %u instructions at %08x",
        k - ch->first, ch->trace->insn[ch->first].rip);
    if (what)
        say(c, "  %s", what);
    say(c, "interp | jit:");
    cpu_same(&ch->interp, &ch->jit, ch->undefined, &flags, &differences);
    if (!what)
        say_memory(c, ch);
    say_registers(c, &ch->start, "before");
    say_registers(c, &ch->interp, "interp");
    say_registers(c, &ch->jit, "jit");
    say_code(c, ch, k);
    longjmp(e->env, INTERP_FAILED);
}
