#include "tests/cpu/predict.h"

#include <string.h>

#include "tests/cpu/traits.h"

#define SCRATCH (DATA_BASE + PAGE / 2)
#define FSW_ES 0x80u
#define FSW_TOP 0x3800u

/* ---- Instructions ----------------------------------------------------- */

static bool is_prefix(uint8_t b)
{
    return (b & 0xe7) == 0x26 || (b >= 0x64 && b <= 0x67) || b == 0xf0 ||
           b == 0xf2 || b == 0xf3;
}

/* Of IA-32 code; *prefix: the last of 66, F2, F3, or 0. */
static const uint8_t *opcode_of(const uint8_t *code, uint8_t *prefix)
{
    *prefix = 0;
    for (; is_prefix(*code); code++)
        if (*code == 0x66 || *code >= 0xf2)
            *prefix = *code;
    return code;
}

/* ModRM's reg field of the last instruction. */
static unsigned reg_of(const struct test *t)
{
    uint8_t prefix;
    const uint8_t *op = opcode_of(t->code.bytes + t->code.start[t->insns - 1],
                                  &prefix);

    return op[1 + t->form->map] >> 3 & 7;
}

static bool is_one_byte(const struct test *t, uint8_t opcode)
{
    return t->insns == 1 && !t->form->map && t->form->opcode == opcode;
}

static uint32_t after(const struct test *t)
{
    return t->insn + t->code.len + 1;   /* past the INT3 */
}

/* The INT3 behind the instruction is reached in the state `t->in`. */
static void ends_unchanged(const struct test *t, struct run_state *e)
{
    memcpy(e->gpr, t->in.gpr, sizeof(e->gpr));
    e->eip = after(t);
    e->eflags = t->in.eflags;
    e->vector = EXC_BP;
    e->error = 0;
}

/* ---- Memory ----------------------------------------------------------- */

static bool readable(uint32_t linear)
{
    for (unsigned n = MEM_CODE; n < MEM_EXCHANGE; n++)
        if (linear - mappings[n].base < mappings[n].size)
            return true;
    return false;
}

static bool writable(uint32_t linear)
{
    uint8_t *native, *emulated;

    return area_at(linear, &native, &emulated) &&
           linear - (DATA_BASE + DATA_RW) >= DATA_SIZE - DATA_RW;
}

/* First of `n` bytes from `linear` on that is not `ok`, or what follows. */
static uint32_t first_not(bool (*ok)(uint32_t), uint32_t linear, unsigned n)
{
    uint32_t at = linear;

    while (at - linear < n && ok(at))
        at++;
    return at;
}

static uint32_t unreadable(uint32_t linear, unsigned n)
{
    return first_not(readable, linear, n);
}

static uint32_t unwritable(uint32_t linear, unsigned n)
{
    return first_not(writable, linear, n);
}

static void emulated_read(uint32_t linear, uint8_t *to, unsigned n)
{
    uint8_t *native, *emulated;

    for (unsigned k = 0; k < n; k++)
        to[k] = area_at(linear + k, &native, &emulated) ? *emulated : 0;
}

static void emulated_write(uint32_t linear, const uint8_t *from, unsigned n)
{
    uint8_t *native, *emulated;

    for (unsigned k = 0; k < n; k++)
        if (area_at(linear + k, &native, &emulated))
            *emulated = from[k];
}

static int32_t emulated_int(uint32_t linear, unsigned n)
{
    uint8_t b[4];

    emulated_read(linear, b, n);
    return n == 2 ? (int16_t)(b[0] | b[1] << 8)
                  : (int32_t)(b[0] | b[1] << 8 | b[2] << 16 |
                              (uint32_t)b[3] << 24);
}

/* ---- Integer instructions --------------------------------------------- */

static bool pushes_segment(const struct form *f)
{
    if (f->op16)
        return false;
    return f->map ? f->opcode == 0xa0 || f->opcode == 0xa8
                  : (f->opcode & 0xe7) == 0x06 && f->opcode < 0x20;
}

static void lar_limit(const struct test *t, struct run_state *e)
{
    bool lar = t->form->map && t->form->opcode == 0x02 && !t->form->op16;

    if (lar && e->vector == EXC_BP && e->eflags & FLAG_ZF)
        e->gpr[reg_of(t)] |= 0xf0000;   /* every descriptor there is flat */
}

/* A load first; whether it may store comes up when it has to. */
static void arpl_keeps(const struct test *t, struct run_state *e)
{
    bool stopped = e->vector == EXC_PF || e->vector == EXC_GP;
    uint32_t absent = unreadable(t->target, 2);

    if (!is_one_byte(t, 0x63) || t->form->rm != RM_MEM || !stopped)
        return;
    if (absent != t->target + 2) {
        e->vector = EXC_PF;
        e->cr2 = absent;
        e->error = 4;
        return;
    }
    if ((emulated_int(t->target, 2) & 3) < (int)(t->in.gpr[reg_of(t)] & 3))
        return;
    ends_unchanged(t, e);
    e->eflags &= ~FLAG_ZF;
}

static void bound_lower(const struct test *t, struct run_state *e)
{
    unsigned n = t->form->op16 ? 2 : 4;
    uint32_t index = t->in.gpr[t->insns == 1 ? reg_of(t) : 0];
    int32_t value = n == 2 ? (int16_t)index : (int32_t)index;

    if (!is_one_byte(t, 0x62) || e->vector != EXC_PF ||
        unreadable(t->target, n) != t->target + n)
        return;
    if (value < emulated_int(t->target, n)) {
        e->vector = EXC_BR;
        e->error = 0;
    }
}

static void restore_flags(const struct test *t, struct run_state *e,
                          uint8_t prefix)
{
    const struct form *f = t->form;
    bool compares = is_one_byte(t, 0xa6) || is_one_byte(t, 0xa7) ||
                    is_one_byte(t, 0xae) || is_one_byte(t, 0xaf);
    bool repeats = f->prefix[0] == prefix || f->prefix[1] == prefix;

    if (compares && repeats && e->vector == EXC_PF)
        e->eflags = (e->eflags & ~FLAGS_ARITH) | (t->in.eflags & FLAGS_ARITH);
}

static void repe_flags(const struct test *t, struct run_state *e)
{
    restore_flags(t, e, 0xf3);
}

static void repne_flags(const struct test *t, struct run_state *e)
{
    restore_flags(t, e, 0xf2);
}

static void cmps_order(const struct test *t, struct run_state *e)
{
    unsigned n = !(t->form->opcode & 1) ? 1 : t->form->op16 ? 2 : 4;
    uint32_t edi = e->gpr[RDI], at = unreadable(edi, n);

    if ((is_one_byte(t, 0xa6) || is_one_byte(t, 0xa7)) &&
        e->vector == EXC_PF && at != edi + n)
        e->cr2 = at;
}

/* ---- MMX and SSE ------------------------------------------------------ */

static bool moves_unaligned(const struct form *f)
{
    bool ps_pd = (f->opcode & 0xfe) == 0x10 &&
                 (!f->prefix[0] || f->prefix[0] == 0x66);
    bool dqu = (f->opcode == 0x6f || f->opcode == 0x7f) &&
               f->prefix[0] == 0xf3;

    return f->map && (ps_pd || dqu);
}

static void maskmov_order(const struct test *t, struct run_state *e)
{
    const struct form *f = t->form;
    uint32_t at = t->in.gpr[RDI];

    if (t->insns != 1 || !f->map || f->opcode != 0xf7 ||
        f->prefix[0] != 0x66 || e->vector != EXC_PF ||
        unwritable(at + 8, 8) == at + 16)
        return;
    e->cr2 = unwritable(at + 8, 8);
    e->error = readable(e->cr2) ? 7 : 6;
}

/* The faulting instruction may be one of a sequence. */
static bool mmx_store_at(const struct test *t, uint32_t eip)
{
    uint8_t prefix;
    const uint8_t *op;

    if (eip - t->insn >= t->code.len)
        return false;
    op = opcode_of(t->code.bytes + (eip - t->insn), &prefix);
    return op[0] == 0x0f && !prefix &&
           (op[1] == 0x7e || op[1] == 0x7f || op[1] == 0xe7);
}

static void mmx_top(const struct test *t, struct run_state *e)
{
    unsigned top = e->fpu.fsw >> 11 & 7;
    uint8_t old[8][16];

    if ((e->vector != EXC_PF && e->vector != EXC_AC) ||
        !mmx_store_at(t, e->eip))
        return;
    memcpy(old, e->fpu.st, sizeof(old));
    for (unsigned n = 0; n < 8; n++)
        memcpy(e->fpu.st[n], old[(n - top) & 7], 16);
    e->fpu.fsw &= (uint16_t)~FSW_TOP;
}

/* ---- x87 -------------------------------------------------------------- */

/* Of one instruction that did not get at its operand: as if it had. */
struct elsewhere {
    struct run_state end;
    bool stored;
    uint8_t bytes[16];
};

static void run_elsewhere(const struct test *t, struct elsewhere *o)
{
    const struct form *f = t->form;
    uint8_t code[6] = { f->opcode, (uint8_t)(f->ext << 3 | 5), SCRATCH & 0xff,
                        SCRATCH >> 8 & 0xff, SCRATCH >> 16 & 0xff,
                        SCRATCH >> 24 };
    uint8_t kept[16], pattern[16];

    emulated_read(SCRATCH, kept, sizeof(kept));
    memset(pattern, 0xa5, sizeof(pattern));
    emulated_write(SCRATCH, pattern, sizeof(pattern));
    emulated_code(t->insn - CODE_BASE, code, sizeof(code));
    emulated_run(&t->in, &o->end);
    o->end.eip += t->code.len - (uint32_t)sizeof(code);
    emulated_read(SCRATCH, o->bytes, sizeof(o->bytes));
    o->stored = memcmp(o->bytes, pattern, sizeof(pattern));
    emulated_write(SCRATCH, kept, sizeof(kept));
}

static void x87_store(const struct test *t, struct run_state *e)
{
    bool stopped = e->vector == EXC_PF || e->vector == EXC_AC;
    struct elsewhere o;

    if (t->insns != 1 || !form_x87_store(t->form) || !stopped)
        return;
    run_elsewhere(t, &o);
    if (!o.stored && o.end.fpu.fsw & FSW_ES && traits[TRAIT_X87_NO_STORE])
        *e = o.end;
    else if (form_x87_store(t->form) == 10 && e->vector == EXC_PF &&
             traits[TRAIT_X87_PARTS] &&
             unwritable(t->target, 8) == t->target + 8)
        emulated_write(t->target, o.bytes, 8);
}

static void int1_fault(const struct test *t, struct run_state *e)
{
    uint32_t at = e->eip - 1 - t->insn;

    if (e->vector == EXC_DB && at < t->code.len && t->code.bytes[at] == 0xf1)
        e->eip--;
}

/* ---- All -------------------------------------------------------------- */

/* May vary from one execution to another: either is right. */
static void flat_end(const struct run_state *native, struct run_state *e)
{
    bool limit = (e->vector == EXC_GP || e->vector == EXC_SS) && !e->error;

    if (!limit || native->vector != EXC_PF || native->cr2 < 0xfffffff0)
        return;
    e->vector = EXC_PF;
    e->error = 4 | (native->error & 2);
    e->cr2 = native->cr2;
}

void predict_run(const struct test *t, const struct run_state *native,
                 struct run_state *out)
{
    static void (*const change[TRAIT_COUNT])(const struct test *t,
                                             struct run_state *e) = {
        [TRAIT_LAR_LIMIT] = lar_limit, [TRAIT_ARPL_KEEPS] = arpl_keeps,
        [TRAIT_BOUND_LOWER] = bound_lower, [TRAIT_REPE_FLAGS] = repe_flags,
        [TRAIT_REPNE_FLAGS] = repne_flags, [TRAIT_CMPS_ORDER] = cmps_order,
        [TRAIT_MASKMOV_ORDER] = maskmov_order, [TRAIT_MMX_TOP] = mmx_top,
        [TRAIT_INT1_FAULT] = int1_fault,
    };
    struct run_state in = t->in;
    bool unaligned = traits[TRAIT_MOVU_NO_AC] && moves_unaligned(t->form);
    uint32_t slot = in.gpr[RSP] - 2;
    uint8_t above[2];

    if (unaligned)
        in.eflags &= ~FLAG_AC;
    emulated_read(slot, above, 2);
    emulated_run(&in, out);
    out->eflags |= unaligned ? t->in.eflags & FLAG_AC : 0;
    if (traits[TRAIT_PUSH_SEG16] && pushes_segment(t->form))
        emulated_write(slot, above, 2);
    for (unsigned n = 0; n < TRAIT_COUNT; n++)
        if (traits[n] && change[n])
            change[n](t, out);
    if (traits[TRAIT_X87_NO_STORE] || traits[TRAIT_X87_PARTS])
        x87_store(t, out);
    if (traits[TRAIT_FLAT_END])
        flat_end(native, out);
}
