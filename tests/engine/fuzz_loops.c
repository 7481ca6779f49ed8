/*
 * Programs that a translator likes: flat 32-bit code that goes round in a loop
 * and mostly succeeds. EBX, EBP, ESI and EDI are addresses of data, some of it
 * read-only, absent, the same page twice or the code's own; EAX, ECX and EDX
 * are worked on. A fault starts the loop anew.
 */
#include <string.h>

#include "tests/engine/fuzz_layout.h"
#include "tests/engine/fuzz_out.h"

#define LOOP_BYTES 0x1000u      /* at CODE, at most */
#define RECOVER (CODE + 0x3000u)
#define USER_STACK (STACK - 0x1000u)
#define EXCEPTIONS 32u
#define VECTORS 256u

/* ---- Operands ------------------------------------------------------------- */

static bool is_byte(unsigned opcode)
{
    return !(opcode & 1);
}

/* A register that may change: rarely one that is an address. */
static unsigned any_reg(struct fuzz_random *r, bool byte)
{
    static const uint8_t high[] = { 0, 1, 2, 4, 5, 6 };

    if (fuzz_one_in(r, 16))
        return fuzz_below(r, 8);
    return byte ? PICK(r, high) : fuzz_below(r, 3);
}

/* Often at the end of a page. */
static uint32_t data_address(struct fuzz_random *r)
{
    uint32_t at = DATA + fuzz_below(r, DATA_BYTES);

    return fuzz_one_in(r, 4) ? (at | (PAGE - 1)) - fuzz_below(r, 20) : at;
}

static void put_absolute(struct out *o, unsigned reg, uint32_t at)
{
    put(o, reg << 3 | 5, 1);
    put(o, at, 4);
}

static void put_memory(struct fuzz_random *r, struct out *o, unsigned reg)
{
    static const uint8_t bases[] = { RBX, RBP, RSI, RDI };
    unsigned base = PICK(r, bases);

    switch (fuzz_below(r, 60)) {
    case 0 ... 4:
        put_absolute(o, reg, data_address(r));
        return;
    case 5 ... 9:               /* ESP + disp8 */
        put(o, 0x44 | reg << 3, 1);
        put(o, 0x24, 1);
        put(o, fuzz_below(r, 64), 1);
        return;
    case 10:                    /* base + index * scale + disp8 */
        put(o, 0x44 | reg << 3, 1);
        put(o, fuzz_below(r, 4) << 6 | fuzz_below(r, 8) << 3 | base, 1);
        put(o, fuzz_next(r), 1);
        return;
    case 11 ... 14:             /* base + disp32 */
        put(o, 0x80 | reg << 3 | base, 1);
        put(o, fuzz_below(r, 2 * PAGE) - PAGE, 4);
        return;
    }
    put(o, 0x40 | reg << 3 | base, 1);
    put(o, fuzz_next(r), 1);
}

static void put_rm(struct fuzz_random *r, struct out *o, bool byte,
                   unsigned reg)
{
    if (fuzz_one_in(r, 2))
        put(o, 0xc0 | reg << 3 | any_reg(r, byte), 1);
    else
        put_memory(r, o, reg);
}

static uint32_t constant(struct fuzz_random *r)
{
    static const uint32_t some[] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fffffff,
                                     0x80000000, 0xffffffff };

    return fuzz_one_in(r, 2) ? PICK(r, some) : (uint32_t)fuzz_next(r);
}

static void put_mov(struct out *o, unsigned reg, uint32_t v)
{
    put(o, 0xb8 + reg, 1);
    put(o, v, 4);
}

/* ---- Steps: integers ------------------------------------------------------ */

typedef void step(struct fuzz_random *r, struct out *o, uint32_t at);

static bool put_66(struct fuzz_random *r, struct out *o)
{
    bool op16 = fuzz_one_in(r, 6);

    if (op16)
        put(o, 0x66, 1);
    return op16;
}

static void put_prefix(struct fuzz_random *r, struct out *o)
{
    static const uint8_t some[] = { 0x26, 0x36, 0x64, 0x65, 0xf2, 0xf3 };

    if (fuzz_one_in(r, 80))
        put(o, 0xf0, 1);
    else if (fuzz_one_in(r, 12))
        put(o, PICK(r, some), 1);
}

static void alu(struct fuzz_random *r, struct out *o, uint32_t at)
{
    unsigned op = fuzz_below(r, 8) << 3 | fuzz_below(r, 4);

    put_prefix(r, o);
    put_66(r, o);
    put(o, op, 1);
    put_rm(r, o, is_byte(op), any_reg(r, is_byte(op)));
}

static void alu_imm(struct fuzz_random *r, struct out *o, uint32_t at)
{
    static const uint8_t ops[] = { 0x80, 0x81, 0x83 };
    unsigned op = PICK(r, ops);
    bool op16;

    put_prefix(r, o);
    op16 = put_66(r, o);
    put(o, op, 1);
    put_rm(r, o, is_byte(op), fuzz_below(r, 8));
    put(o, constant(r), op != 0x81 ? 1 : op16 ? 2 : 4);
}

static void move(struct fuzz_random *r, struct out *o, uint32_t at)
{
    static const uint8_t ops[] = { 0x88, 0x89, 0x8a, 0x8b, 0x84, 0x85, 0x86,
                                   0x87, 0x8d };
    unsigned op = PICK(r, ops);

    put_prefix(r, o);
    put_66(r, o);
    put(o, op, 1);
    if (op == 0x8d)
        put_memory(r, o, any_reg(r, false));
    else
        put_rm(r, o, is_byte(op), any_reg(r, is_byte(op)));
}

static void move_imm(struct fuzz_random *r, struct out *o, uint32_t at)
{
    unsigned op = 0xc6 + fuzz_below(r, 2);
    bool op16;

    if (fuzz_one_in(r, 3)) {
        put_mov(o, fuzz_below(r, 3), constant(r));
        return;
    }
    if (fuzz_one_in(r, 3)) {
        put(o, 0xa0 + fuzz_below(r, 4), 1);
        put(o, data_address(r), 4);
        return;
    }
    op16 = put_66(r, o);
    put(o, op, 1);
    put_rm(r, o, is_byte(op), 0);
    put(o, constant(r), is_byte(op) ? 1 : op16 ? 2 : 4);
}

static void one_operand(struct fuzz_random *r, struct out *o, uint32_t at)
{
    unsigned op = fuzz_below(r, 2);

    if (fuzz_one_in(r, 4)) {
        put(o, 0x40 + fuzz_below(r, 2) * 8 + fuzz_below(r, 3), 1);
        return;
    }
    put_prefix(r, o);
    put_66(r, o);
    if (fuzz_one_in(r, 2)) {                    /* INC, DEC */
        put(o, 0xfe + op, 1);
        put_rm(r, o, is_byte(op), fuzz_below(r, 2));
    } else {                                    /* NOT to IDIV */
        put(o, 0xf6 + op, 1);
        put_rm(r, o, is_byte(op), 2 + fuzz_below(r, fuzz_one_in(r, 8) ? 6 : 4));
    }
}

static void shift(struct fuzz_random *r, struct out *o, uint32_t at)
{
    static const uint8_t ops[] = { 0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3 };
    static const uint8_t doubles[] = { 0xa4, 0xa5, 0xac, 0xad };
    unsigned op = PICK(r, ops);

    put_66(r, o);
    if (fuzz_one_in(r, 4)) {
        op = PICK(r, doubles);
        put(o, 0x0f | op << 8, 2);
        put_rm(r, o, false, any_reg(r, false));
        if (!(op & 1))
            put(o, fuzz_below(r, 40), 1);
        return;
    }
    put(o, op, 1);
    put_rm(r, o, is_byte(op), fuzz_below(r, 8));
    if (op < 0xd0)
        put(o, fuzz_below(r, 40), 1);
}

static void two_bytes(struct fuzz_random *r, struct out *o, uint32_t at)
{
    static const uint8_t ops[] = { 0xaf, 0xb6, 0xb7, 0xbe, 0xbf, 0xa3, 0xab,
                                   0xb3, 0xbb, 0xbc, 0xbd, 0xc0, 0xc1, 0xb0,
                                   0xb1 };
    unsigned op = PICK(r, ops);

    switch (fuzz_below(r, 8)) {
    case 0:
        op = 0x40 + fuzz_below(r, 16);          /* CMOV */
        break;
    case 1:
        op = 0x90 + fuzz_below(r, 16);          /* SET */
        put(o, 0x0f | op << 8, 2);
        put_rm(r, o, true, 0);
        return;
    case 2:
        put(o, 0xba0f, 2);                      /* BT to BTC */
        put_rm(r, o, false, 4 + fuzz_below(r, 4));
        put(o, fuzz_next(r), 1);
        return;
    case 3:
        put(o, fuzz_one_in(r, 2) ? 0xc70ff0 : 0xc70f90, 3);     /* CMPXCHG8B */
        put_memory(r, o, 1);
        return;
    case 4:
        put(o, 0xc80f + (fuzz_below(r, 3) << 8), 2);            /* BSWAP */
        return;
    }
    put_prefix(r, o);
    put_66(r, o);
    put(o, 0x0f | op << 8, 2);
    put_rm(r, o, false, any_reg(r, false));
}

static void multiply(struct fuzz_random *r, struct out *o, uint32_t at)
{
    bool op16 = put_66(r, o), wide = fuzz_one_in(r, 2);

    put(o, wide ? 0x69 : 0x6b, 1);
    put_rm(r, o, false, any_reg(r, false));
    put(o, constant(r), !wide ? 1 : op16 ? 2 : 4);
}

static void flags(struct fuzz_random *r, struct out *o, uint32_t at)
{
    static const uint8_t ops[] = { 0xf5, 0xf8, 0xf9, 0xfc, 0x98, 0x99, 0x9e,
                                   0x9f, 0x9c, 0xfa, 0xfb, 0xd7, 0x90 };

    if (fuzz_one_in(r, 6))
        put(o, 0x9d9c, 2);                      /* PUSHF, POPF */
    else if (fuzz_one_in(r, 8))
        put(o, 0xfd, 1);
    else
        put(o, PICK(r, ops), 1);
}

static void stack(struct fuzz_random *r, struct out *o, uint32_t at)
{
    switch (fuzz_below(r, 8)) {
    case 0:
        put(o, 0x6a | fuzz_next(r) << 8, 2);
        return;
    case 1:
        put(o, 0x68, 1);
        put(o, constant(r), 4);
        return;
    case 2:
        put_66(r, o);
        put(o, 0xff, 1);
        put_memory(r, o, 6);
        return;
    case 3:
        put_66(r, o);
        put(o, 0x8f, 1);
        put_memory(r, o, 0);
        return;
    case 4:
        put(o, 0x6160, 2);                      /* PUSHA, POPA */
        return;
    case 5:
        put(o, fuzz_one_in(r, 2) ? 0x581e : 0x1f1e, 2);
        return;
    case 6:
        put(o, 0x58 + fuzz_below(r, 3), 1);
        return;
    }
    put_66(r, o);
    put(o, 0x50 + fuzz_below(r, 8), 1);
}

static void strings(struct fuzz_random *r, struct out *o, uint32_t at)
{
    static const uint8_t ops[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac,
                                   0xad, 0xae, 0xaf };

    if (fuzz_one_in(r, 2))
        put_mov(o, fuzz_one_in(r, 2) ? RSI : RDI, data_address(r));
    if (fuzz_one_in(r, 2)) {
        put_mov(o, RCX, fuzz_below(r, fuzz_one_in(r, 8) ? 5000 : 80));
        put(o, fuzz_one_in(r, 3) ? 0xf2 : 0xf3, 1);
    }
    put_66(r, o);
    put(o, PICK(r, ops), 1);
}

/* ---- Steps: control, FPU, system ------------------------------------------ */

static void jump(struct fuzz_random *r, struct out *o, uint32_t at)
{
    unsigned cc = fuzz_below(r, 16), over = fuzz_below(r, 12);
    uint32_t to = at + 7 + over;

    switch (fuzz_below(r, 10)) {
    case 0:
        put(o, 0x800f | cc << 8, 2);
        put(o, over, 4);
        return;
    case 1:
        put(o, 0xeb | over << 8, 2);
        return;
    case 2:
        put(o, 0xe8, 1);
        put(o, over, 4);
        return;
    case 3:
        put_mov(o, RAX, to);
        put(o, fuzz_one_in(r, 2) ? 0xe0ff : 0xd0ff, 2); /* JMP, CALL EAX */
        return;
    case 4:
        put(o, 0x68, 1);
        put(o, to, 4);
        put(o, 0xc3, 1);                        /* RET there */
        return;
    case 5:                                     /* DEC, back some bytes */
        put_mov(o, RCX, 1 + fuzz_below(r, 60));
        put(o, 0xfce2 - (fuzz_one_in(r, 2) << 8), 2);
        return;
    }
    put(o, 0x70 | cc | over << 8, 2);
}

/* FLDENV, FLDCW, FRSTOR: state that code does not expect. */
static bool loads_state(unsigned op, unsigned reg)
{
    return (op == 0xd9 && (reg == 4 || reg == 5)) || (op == 0xdd && reg == 4);
}

static void x87(struct fuzz_random *r, struct out *o, uint32_t at)
{
    unsigned op = 0xd8 + fuzz_below(r, 8), reg = fuzz_below(r, 8);

    if (fuzz_one_in(r, 30))
        put(o, fuzz_one_in(r, 2) ? 0xe3db : 0x770f, 2); /* FNINIT, EMMS */
    else if (fuzz_one_in(r, 2))
        put(o, op | (0xc0 | reg << 3 | fuzz_below(r, 8)) << 8, 2);
    else if (!loads_state(op, reg) || fuzz_one_in(r, 16)) {
        put(o, op, 1);
        put_memory(r, o, reg);
    }
}

static void simd_operand(struct fuzz_random *r, struct out *o)
{
    unsigned reg = fuzz_below(r, 8);

    if (fuzz_one_in(r, 2))
        put(o, 0xc0 | reg << 3 | fuzz_below(r, 8), 1);
    else if (fuzz_one_in(r, 12))
        put_memory(r, o, reg);
    else
        put_absolute(o, reg, data_address(r) & ~15u);
}

static void simd(struct fuzz_random *r, struct out *o, uint32_t at)
{
    static const uint8_t both[] = {             /* MMX or PS; 66: SSE2 */
        0x14, 0x15, 0x28, 0x29, 0x2e, 0x2f, 0x51, 0x54, 0x55, 0x56, 0x57, 0x58,
        0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x62, 0x63, 0x64,
        0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6e, 0x6f, 0x74, 0x75, 0x76,
        0x7e, 0x7f, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd8, 0xd9, 0xda, 0xdb, 0xdc,
        0xdd, 0xde, 0xdf, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe8, 0xe9, 0xea,
        0xeb, 0xec, 0xed, 0xee, 0xef, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf8,
        0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0x10, 0x11, 0x2a, 0x2c, 0x2d };
    static const uint8_t scalar[] = { 0x10, 0x11, 0x51, 0x58, 0x59, 0x5a, 0x5c,
                                      0x5d, 0x5e, 0x5f, 0x2a, 0x2c, 0x2d };
    static const uint8_t imm[] = { 0x70, 0xc2, 0xc6 };

    switch (fuzz_below(r, 6)) {
    case 0: case 1:
        put(o, 0xf2 + fuzz_below(r, 2), 1);
        put(o, 0x0f | PICK(r, scalar) << 8, 2);
        simd_operand(r, o);
        return;
    case 2:
        put(o, 0x66, 1);
        put(o, 0x0f | PICK(r, imm) << 8, 2);
        simd_operand(r, o);
        put(o, fuzz_below(r, 8), 1);
        return;
    }
    if (fuzz_one_in(r, 2))
        put(o, 0x66, 1);
    put(o, 0x0f | PICK(r, both) << 8, 2);
    simd_operand(r, o);
}

/* What handlers do in between; the privileged ones fault at CPL 3. */
static void system_step(struct fuzz_random *r, struct out *o, uint32_t at)
{
    switch (fuzz_below(r, 10)) {
    case 0:
        put(o, 0x310f, 2);                      /* RDTSC */
        return;
    case 1:
        put(o, 0x80e6, 2);                      /* OUT */
        return;
    case 2:
        put(o, 0xd8220fd8200full, 6);           /* CR3 once more */
        return;
    case 3:
        put(o, 0x010f, 2);                      /* INVLPG */
        put_memory(r, o, 7);
        return;
    case 4:
        put(o, fuzz_one_in(r, 2) ? 0x060f : 0x80cd, 2); /* CLTS, INT */
        return;
    case 5:                                     /* change code */
        put(o, 0x05c6, 2);
        put(o, CODE + fuzz_below(r, LOOP_BYTES), 4);
        put(o, fuzz_next(r), 1);
        return;
    case 6:
        put_mov(o, PICK(r, ((uint8_t[]){ RBX, RBP, RSI, RDI })),
                data_address(r));
        return;
    case 7:                                     /* LDMXCSR, of good values */
        put(o, 0xae0f, 2);
        put_absolute(o, 3, DATA);
        put(o, 0xae0f, 2);
        put_absolute(o, 2, DATA);
        return;
    }
    put_66(r, o);
    put(o, 0x8c, 1);                            /* MOV from segment */
    put_rm(r, o, false, fuzz_below(r, 6));
}

static step *const steps[] = {
    alu, alu, alu, alu, alu_imm, alu_imm, move, move, move, move_imm,
    one_operand, one_operand, shift, two_bytes, two_bytes, multiply, flags,
    stack, stack, strings, jump, jump, jump, x87, x87, simd, simd, simd,
};

/* ---- The program ---------------------------------------------------------- */

static void append(uint8_t *ram, uint32_t *at, const struct out *o)
{
    memcpy(ram + *at, o->b, o->n);
    *at += o->n;
}

static void put_jump(struct out *o, uint32_t from)
{
    put(o, 0xe9, 1);
    put(o, CODE - (from + o->n + 4), 4);
}

static void make_loop(struct fuzz_random *r, uint8_t *ram)
{
    static const uint8_t addresses[] = { RBX, RBP, RSI, RDI };
    uint32_t at = CODE;
    struct out o;

    for (unsigned n = 0; n < COUNT(addresses); n++) {
        o.n = 0;
        put_mov(&o, addresses[n], data_address(r));
        append(ram, &at, &o);
    }
    o.n = 0;
    put_mov(&o, RSP, USER_STACK + 0x400 + fuzz_below(r, 64));
    append(ram, &at, &o);
    for (unsigned n = 8 + fuzz_below(r, 80); n; n--) {
        o.n = 0;
        if (fuzz_one_in(r, 60))
            system_step(r, &o, at);
        else
            PICK(r, steps)(r, &o, at);
        append(ram, &at, &o);
    }
    o.n = 0;
    put_jump(&o, at);
    append(ram, &at, &o);
}

/* Where exceptions lead to, at CPL 0: the loop's start, as it was entered. */
static void make_recover(struct fuzz_random *r, uint8_t *ram, bool user)
{
    const uint32_t frame[] = {
        SEL_UDATA, USER_STACK,
        FLAG_1 | (uint32_t)(fuzz_next(r) & (FLAG_IOPL | FLAG_IF)),
        SEL_UCODE, CODE };
    struct out o = { .n = 0 };
    uint32_t at = RECOVER;

    put(&o, 0x060f, 2);                         /* CLTS */
    put_mov(&o, RAX, user ? SEL_UDATA : SEL_DATA);
    put(&o, 0xc08ed88e, 4);                     /* to DS and ES */
    append(ram, &at, &o);
    o.n = 0;
    if (user) {
        for (unsigned n = 0; n < COUNT(frame); n++) {
            put(&o, 0x68, 1);                   /* PUSH */
            put(&o, frame[n], 4);
        }
        put(&o, 0xcf, 1);                       /* IRET */
    } else {
        put_mov(&o, RSP, STACK);
        put_jump(&o, at);
    }
    append(ram, &at, &o);
    for (uint32_t v = 0; v < VECTORS; v++) {
        uint32_t gate[2] = { RECOVER | SEL_CODE << 16,
                             v < EXCEPTIONS ? 0x8e00 : 0xee00 };

        memcpy(ram + IDT + v * 8, gate, sizeof(gate));
    }
}

/* A page's entry in the tables of start_protected. */
static uint8_t *entry(const struct cpu *c, uint8_t *ram, uint32_t at)
{
    if (c->cr4 & CR4_PAE)
        return ram + TABLES + PAGE * 5 + at / PAGE * 8;
    return ram + TABLES + PAGE + at / PAGE * 4;
}

static void change_pages(struct fuzz_random *r, uint8_t *ram, struct cpu *c)
{
    static const uint32_t same[] = { CODE, DATA, DATA + PAGE };
    uint32_t alias = PICK(r, same) | PTE_P | PTE_W | PTE_U;

    if (fuzz_one_in(r, 2))
        *entry(c, ram, DATA + 3 * PAGE) &= (uint8_t)~PTE_W;
    if (fuzz_one_in(r, 2))
        *entry(c, ram, DATA + 5 * PAGE) = 0;
    if (fuzz_one_in(r, 3))
        memcpy(entry(c, ram, DATA + 6 * PAGE), &alias, 4);
}

void fuzz_loops(struct fuzz_random *r, uint8_t *ram, struct cpu *c)
{
    uint32_t mxcsr = 0x1f80 | (uint32_t)(fuzz_next(r) & 0xe040);

    if (!fuzz_one_in(r, 16))
        c->cr4 |= CR4_OSFXSR;
    memset(ram + CODE, 0, CODE_BYTES);
    memcpy(ram + DATA, &mxcsr, 4);
    make_loop(r, ram);
    make_recover(r, ram, c->cpl == 3);
    change_pages(r, ram, c);
    for (enum cpu_segreg s = FS; s <= GS; s++)
        if (fuzz_one_in(r, 2))
            c->seg[s].base = fuzz_below(r, 64);
}
