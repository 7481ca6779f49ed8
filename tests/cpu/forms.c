#include "tests/cpu/forms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct form forms[FORMS_MAX];
unsigned forms_count;

/*
 * Opcodes `first` to `last`. Letters of `spec`: m ModRM with register and
 * memory forms, R or M one of them; v operand sizes 32 and 16; i imm8, w
 * imm16, z imm of the operand size, p far pointer; k the memory form may be
 * locked; s repeatable. `exts`: the opcode extensions of a group, as bits.
 */
struct row {
    uint8_t map, first, last;
    const char *spec;
    uint8_t exts;
    enum form_hint hint;
};

static const struct row rows[] = {
    { 0, 0x06, 0x06, "v", 0, H_NONE }, { 0, 0x07, 0x07, "v", 0, H_POP_SREG },
    { 0, 0x0e, 0x0e, "v", 0, H_NONE }, { 0, 0x16, 0x16, "v", 0, H_NONE },
    { 0, 0x17, 0x17, "v", 0, H_POP_SREG }, { 0, 0x1e, 0x1e, "v", 0, H_NONE },
    { 0, 0x1f, 0x1f, "v", 0, H_POP_SREG }, { 0, 0x27, 0x27, "", 0, H_NONE },
    { 0, 0x2f, 0x2f, "", 0, H_NONE }, { 0, 0x37, 0x37, "", 0, H_NONE },
    { 0, 0x3f, 0x3f, "", 0, H_NONE }, { 0, 0x40, 0x5f, "v", 0, H_NONE },
    { 0, 0x60, 0x60, "v", 0, H_NONE }, { 0, 0x61, 0x61, "v", 0, H_POPA },
    { 0, 0x62, 0x62, "Mv", 0, H_BOUND }, { 0, 0x63, 0x63, "m", 0, H_SELECTOR },
    { 0, 0x68, 0x68, "vz", 0, H_NONE }, { 0, 0x69, 0x69, "mvz", 0, H_NONE },
    { 0, 0x6a, 0x6a, "vi", 0, H_NONE }, { 0, 0x6b, 0x6b, "mvi", 0, H_NONE },
    { 0, 0x6c, 0x6f, "v", 0, H_STRING }, { 0, 0x70, 0x7f, "i", 0, H_REL8 },
    { 0, 0x80, 0x80, "mik", 0xff, H_NONE },
    { 0, 0x81, 0x81, "mvzk", 0xff, H_NONE },
    { 0, 0x82, 0x82, "mi", 0xff, H_NONE },
    { 0, 0x83, 0x83, "mvik", 0xff, H_NONE },
    { 0, 0x84, 0x84, "m", 0, H_NONE }, { 0, 0x85, 0x85, "mv", 0, H_NONE },
    { 0, 0x86, 0x86, "mk", 0, H_NONE }, { 0, 0x87, 0x87, "mvk", 0, H_NONE },
    { 0, 0x88, 0x88, "m", 0, H_NONE }, { 0, 0x89, 0x89, "mv", 0, H_NONE },
    { 0, 0x8a, 0x8a, "m", 0, H_NONE }, { 0, 0x8b, 0x8b, "mv", 0, H_NONE },
    { 0, 0x8c, 0x8c, "mv", 0x2f, H_NONE }, { 0, 0x8d, 0x8d, "mv", 0, H_NONE },
    { 0, 0x8e, 0x8e, "mv", 0x2d, H_SREG },
    { 0, 0x8f, 0x8f, "mv", 0x01, H_NONE },
    { 0, 0x90, 0x99, "v", 0, H_NONE }, { 0, 0x9a, 0x9a, "vp", 0, H_FAR_IMM },
    { 0, 0x9b, 0x9b, "", 0, H_NONE }, { 0, 0x9c, 0x9c, "v", 0, H_NONE },
    { 0, 0x9d, 0x9d, "v", 0, H_POPF }, { 0, 0x9e, 0x9f, "", 0, H_NONE },
    { 0, 0xa0, 0xa0, "", 0, H_MOFFS }, { 0, 0xa1, 0xa1, "v", 0, H_MOFFS },
    { 0, 0xa2, 0xa2, "", 0, H_MOFFS }, { 0, 0xa3, 0xa3, "v", 0, H_MOFFS },
    { 0, 0xa4, 0xa4, "s", 0, H_STRING }, { 0, 0xa5, 0xa5, "vs", 0, H_STRING },
    { 0, 0xa6, 0xa6, "s", 0, H_STRING }, { 0, 0xa7, 0xa7, "vs", 0, H_STRING },
    { 0, 0xa8, 0xa8, "i", 0, H_NONE }, { 0, 0xa9, 0xa9, "vz", 0, H_NONE },
    { 0, 0xaa, 0xaa, "s", 0, H_STRING }, { 0, 0xab, 0xab, "vs", 0, H_STRING },
    { 0, 0xac, 0xac, "s", 0, H_STRING }, { 0, 0xad, 0xad, "vs", 0, H_STRING },
    { 0, 0xae, 0xae, "s", 0, H_STRING }, { 0, 0xaf, 0xaf, "vs", 0, H_STRING },
    { 0, 0xb0, 0xb7, "i", 0, H_NONE }, { 0, 0xb8, 0xbf, "vz", 0, H_NONE },
    { 0, 0xc0, 0xc0, "mi", 0xff, H_NONE },
    { 0, 0xc1, 0xc1, "mvi", 0xff, H_NONE },
    { 0, 0xc2, 0xc2, "vw", 0, H_RETN }, { 0, 0xc3, 0xc3, "v", 0, H_RETN },
    { 0, 0xc4, 0xc5, "Mv", 0, H_LXS }, { 0, 0xc6, 0xc6, "mi", 0x01, H_NONE },
    { 0, 0xc7, 0xc7, "mvz", 0x01, H_NONE },
    { 0, 0xc8, 0xc8, "vw", 0, H_ENTER },
    { 0, 0xc9, 0xc9, "v", 0, H_LEAVE }, { 0, 0xca, 0xca, "vw", 0, H_RETF },
    { 0, 0xcb, 0xcb, "v", 0, H_RETF }, { 0, 0xcc, 0xcc, "", 0, H_NONE },
    { 0, 0xcd, 0xcd, "i", 0, H_INT }, { 0, 0xce, 0xce, "", 0, H_NONE },
    { 0, 0xcf, 0xcf, "v", 0, H_IRET }, { 0, 0xd0, 0xd0, "m", 0xff, H_NONE },
    { 0, 0xd1, 0xd1, "mv", 0xff, H_NONE },
    { 0, 0xd2, 0xd2, "m", 0xff, H_NONE },
    { 0, 0xd3, 0xd3, "mv", 0xff, H_NONE }, { 0, 0xd4, 0xd5, "i", 0, H_NONE },
    { 0, 0xd6, 0xd6, "", 0, H_NONE }, { 0, 0xd7, 0xd7, "", 0, H_XLAT },
    { 0, 0xe0, 0xe3, "i", 0, H_REL8 }, { 0, 0xe4, 0xe5, "i", 0, H_NONE },
    { 0, 0xe8, 0xe9, "vz", 0, H_RELZ }, { 0, 0xea, 0xea, "vp", 0, H_FAR_IMM },
    { 0, 0xeb, 0xeb, "i", 0, H_REL8 }, { 0, 0xec, 0xef, "", 0, H_NONE },
    { 0, 0xf1, 0xf1, "", 0, H_NONE }, { 0, 0xf4, 0xf5, "", 0, H_NONE },
    { 0, 0xf6, 0xf6, "mi", 0x03, H_NONE },
    { 0, 0xf6, 0xf6, "mk", 0x0c, H_NONE },
    { 0, 0xf6, 0xf6, "m", 0x30, H_NONE },
    { 0, 0xf6, 0xf6, "m", 0xc0, H_DIV_AL },
    { 0, 0xf7, 0xf7, "mvz", 0x03, H_NONE },
    { 0, 0xf7, 0xf7, "mvk", 0x0c, H_NONE },
    { 0, 0xf7, 0xf7, "mv", 0x30, H_NONE },
    { 0, 0xf7, 0xf7, "mv", 0xc0, H_DIV },
    { 0, 0xf8, 0xfd, "", 0, H_NONE }, { 0, 0xfe, 0xfe, "mk", 0x03, H_NONE },
    { 0, 0xff, 0xff, "mvk", 0x03, H_NONE },
    { 0, 0xff, 0xff, "mv", 0x14, H_JMP_RM },
    { 0, 0xff, 0xff, "mv", 0x28, H_FAR_MEM },
    { 0, 0xff, 0xff, "mv", 0x40, H_NONE },
    { 0, 0xff, 0xff, "mv", 0x80, H_NONE },
    { 1, 0x00, 0x00, "m", 0x30, H_SELECTOR },
    { 1, 0x02, 0x03, "mv", 0, H_SELECTOR }, { 1, 0x06, 0x06, "", 0, H_NONE },
    { 1, 0x08, 0x09, "", 0, H_NONE }, { 1, 0x0b, 0x0b, "", 0, H_NONE },
    { 1, 0x18, 0x18, "m", 0, H_NONE },
    { 1, 0x1f, 0x1f, "mv", 0x01, H_NONE }, { 1, 0x20, 0x23, "R", 0, H_NONE },
    { 1, 0x30, 0x30, "", 0, H_NONE }, { 1, 0x32, 0x32, "", 0, H_NONE },
    { 1, 0x40, 0x4f, "mv", 0, H_NONE }, { 1, 0x80, 0x8f, "vz", 0, H_RELZ },
    { 1, 0x90, 0x9f, "m", 0, H_NONE }, { 1, 0xa0, 0xa0, "v", 0, H_NONE },
    { 1, 0xa3, 0xa3, "mv", 0, H_BT }, { 1, 0xa4, 0xa4, "mvi", 0, H_NONE },
    { 1, 0xa5, 0xa5, "mv", 0, H_NONE }, { 1, 0xa8, 0xa8, "v", 0, H_NONE },
    { 1, 0xa9, 0xa9, "v", 0, H_POP_SREG }, { 1, 0xab, 0xab, "mvk", 0, H_BT },
    { 1, 0xac, 0xac, "mvi", 0, H_NONE }, { 1, 0xad, 0xad, "mv", 0, H_NONE },
    { 1, 0xae, 0xae, "M", 0x01, H_FXSAVE },
    { 1, 0xae, 0xae, "M", 0x02, H_FXRSTOR },
    { 1, 0xae, 0xae, "M", 0x04, H_LDMXCSR },
    { 1, 0xae, 0xae, "M", 0x88, H_NONE }, { 1, 0xae, 0xae, "R", 0xe0, H_NONE },
    { 1, 0xaf, 0xaf, "mv", 0, H_NONE }, { 1, 0xb0, 0xb0, "mk", 0, H_CMPXCHG },
    { 1, 0xb1, 0xb1, "mvk", 0, H_CMPXCHG }, { 1, 0xb2, 0xb2, "Mv", 0, H_LXS },
    { 1, 0xb3, 0xb3, "mvk", 0, H_BT }, { 1, 0xb5, 0xb5, "Mv", 0, H_LXS },
    { 1, 0xb6, 0xb7, "mv", 0, H_NONE },
    { 1, 0xba, 0xba, "mvi", 0x10, H_NONE },
    { 1, 0xba, 0xba, "mvik", 0xe0, H_NONE },
    { 1, 0xbb, 0xbb, "mvk", 0, H_BT }, { 1, 0xbc, 0xbd, "mv", 0, H_NONE },
    { 1, 0xbe, 0xbf, "mv", 0, H_NONE }, { 1, 0xc0, 0xc0, "mk", 0, H_NONE },
    { 1, 0xc1, 0xc1, "mvk", 0, H_NONE }, { 1, 0xc3, 0xc3, "m", 0, H_NONE },
    { 1, 0xc7, 0xc7, "Mk", 0x02, H_CMPXCHG },
    { 1, 0xc8, 0xcf, "", 0, H_NONE },
};

/* ---- Adding forms ----------------------------------------------------- */

static void add(const struct form *f)
{
    if (forms_count == FORMS_MAX)
        abort();
    forms[forms_count] = *f;
    forms[forms_count++].last_fault = -1;
}

static void push_prefix(struct form *f, uint8_t prefix)
{
    f->prefix[f->prefix[0] != 0] = prefix;
}

/* The plain form, then with the prefixes that the row allows. */
static void add_prefixed(const struct form *f, const char *spec)
{
    static const uint8_t rep[] = { 0xf3, 0xf2 };
    struct form g;

    add(f);
    if (strchr(spec, 'k') && f->rm == RM_MEM) {
        g = *f;
        push_prefix(&g, 0xf0);
        add(&g);
    }
    for (unsigned n = 0; strchr(spec, 's') && n < 2; n++) {
        g = *f;
        push_prefix(&g, rep[n]);
        add(&g);
    }
}

static void add_rm(struct form f, const char *spec)
{
    bool both = strchr(spec, 'm');

    if (both || strchr(spec, 'R')) {
        f.rm = RM_REG;
        add_prefixed(&f, spec);
    }
    if (both || strchr(spec, 'M')) {
        f.rm = RM_MEM;
        add_prefixed(&f, spec);
    }
    if (f.rm == RM_NONE)
        add_prefixed(&f, spec);
}

static void add_exts(struct form f, const struct row *r)
{
    f.ext = -1;
    if (!r->exts) {
        add_rm(f, r->spec);
        return;
    }
    for (int ext = 0; ext < 8; ext++) {
        f.ext = (int8_t)ext;
        if (r->exts >> ext & 1)
            add_rm(f, r->spec);
    }
}

static void add_row(const struct row *r)
{
    for (unsigned op = r->first; op <= r->last; op++) {
        for (int op16 = 0; op16 <= (strchr(r->spec, 'v') != NULL); op16++) {
            struct form f = { .map = r->map, .opcode = (uint8_t)op,
                              .hint = r->hint, .op16 = op16 };
            unsigned z = op16 ? 2 : 4;

            if (op16)
                push_prefix(&f, 0x66);
            f.imm = (uint8_t)(!!strchr(r->spec, 'i') +
                              2 * !!strchr(r->spec, 'w') +
                              z * !!strchr(r->spec, 'z') +
                              (z + 2) * !!strchr(r->spec, 'p'));
            if (op == 0xc8 && !r->map)  /* ENTER: imm16, imm8 */
                f.imm = 3;
            add_exts(f, r);
        }
    }
}

static void add_alu(void)
{
    for (unsigned base = 0; base < 0x40; base += 8) {
        const char *lock = base == 0x38 ? "" : "k";
        char byte_spec[4] = "m", size_spec[4] = "mv";
        struct row r[4];

        strcat(byte_spec, lock);
        strcat(size_spec, lock);
        r[0] = (struct row){ 0, base, base, byte_spec, 0, H_NONE };
        r[1] = (struct row){ 0, base + 1, base + 1, size_spec, 0, H_NONE };
        r[2] = (struct row){ 0, base + 2, base + 2, "m", 0, H_NONE };
        r[3] = (struct row){ 0, base + 3, base + 3, "mv", 0, H_NONE };
        for (unsigned n = 0; n < 4; n++)
            add_row(&r[n]);
        add_row(&(struct row){ 0, base + 4, base + 4, "i", 0, H_NONE });
        add_row(&(struct row){ 0, base + 5, base + 5, "vz", 0, H_NONE });
    }
}

/* ---- x87 and SIMD ----------------------------------------------------- */

static void add_x87(void)
{
    for (unsigned op = 0; op < 8; op++) {
        struct form f = { .opcode = (uint8_t)(0xd8 + op), .hint = H_FLOAT };

        f.rm = RM_MEM;
        for (int ext = 0; ext < 8; ext++) {
            bool env = (op == 1 && (ext == 4 || ext == 6)) ||
                       (op == 5 && (ext == 4 || ext == 6));

            f.ext = (int8_t)ext;
            f.hint = env ? H_ENV : H_FLOAT;
            if (ext == 1 && (op == 3 || op == 5 || op == 7))
                continue;       /* FISTTP is SSE3: the host has it */
            add(&f);
            if (!env)
                continue;
            f.op16 = true;
            f.prefix[0] = 0x66;
            add(&f);
            f.op16 = false;
            f.prefix[0] = 0;
        }
        f.rm = RM_FIXED;
        f.hint = H_FLOAT;
        for (unsigned modrm = 0xc0; modrm < 0x100; modrm++) {
            f.modrm = (uint8_t)modrm;
            add(&f);
        }
    }
}

unsigned form_x87_store(const struct form *f)
{
    static const struct {
        uint8_t opcode, exts, bytes;
    } stores[] = {
        { 0xd9, 0x0c, 4 }, { 0xdb, 0x0c, 4 }, { 0xdb, 0x80, 10 },
        { 0xdd, 0x0c, 8 }, { 0xdf, 0x0c, 2 }, { 0xdf, 0x40, 10 },
        { 0xdf, 0x80, 8 },
    };

    for (unsigned n = 0; n < sizeof(stores) / sizeof(stores[0]); n++)
        if (!f->map && f->rm == RM_MEM && f->opcode == stores[n].opcode &&
            stores[n].exts >> f->ext & 1)
            return stores[n].bytes;
    return 0;
}

/* SSE3, SSE4A and later, which the host may execute and an i686 does not. */
static bool is_newer(unsigned op, unsigned prefix)
{
    static const uint16_t newer[] = {
        0xf212, 0xf312, 0xf316, 0x667c, 0xf27c, 0x667d, 0xf27d, 0x66d0,
        0xf2d0, 0xf2f0, 0xf22b, 0xf32b, 0x6678, 0xf278, 0x6679, 0xf279,
    };

    for (unsigned n = 0; n < sizeof(newer) / sizeof(newer[0]); n++)
        if (newer[n] == (prefix << 8 | op))
            return true;
    return false;
}

static enum form_hint simd_hint(unsigned op)
{
    if (op == 0xf7)
        return H_MASKMOV;
    return (op >= 0x51 && op <= 0x5f) || op == 0xc2 || op == 0xe6 ||
           (op >= 0x2a && op <= 0x2f) ? H_FLOAT : H_NONE;
}

/* All four prefixes of an opcode, whether they mean something or not. */
static void add_simd(unsigned first, unsigned last)
{
    static const uint8_t prefixes[] = { 0, 0x66, 0xf3, 0xf2 };

    for (unsigned op = first; op <= last; op++) {
        bool group = op >= 0x71 && op <= 0x73;

        for (unsigned n = 0; n < 4; n++) {
            struct form f = { .map = 1, .opcode = (uint8_t)op };

            if (is_newer(op, prefixes[n]))
                continue;
            f.prefix[0] = prefixes[n];
            f.hint = simd_hint(op);
            f.imm = (op >= 0x70 && op <= 0x73) || op == 0xc2 ||
                    (op >= 0xc4 && op <= 0xc6);
            if (op == 0x77) {
                f.ext = -1;
                add(&f);
                continue;
            }
            for (f.ext = group ? 0 : -1; f.ext < (group ? 8 : 0); f.ext++)
                add_rm(f, "m");
        }
    }
}

void forms_build(void)
{
    add_alu();
    for (unsigned n = 0; n < sizeof(rows) / sizeof(rows[0]); n++)
        add_row(&rows[n]);
    add_x87();
    add_simd(0x10, 0x17);
    add_simd(0x28, 0x2f);
    add_simd(0x50, 0x7f);
    add_simd(0xc2, 0xc2);
    add_simd(0xc4, 0xc6);
    add_simd(0xd0, 0xfe);
}

void form_name(const struct form *f, char *buf, unsigned size)
{
    static const char *const rm_names[] = { "", "r", "m", "" };
    char ext[8] = "", pre[8] = "";

    if (f->rm == RM_FIXED)
        snprintf(ext, sizeof(ext), "%02X", f->modrm);
    else if (f->ext >= 0)
        snprintf(ext, sizeof(ext), "/%d", f->ext);
    for (unsigned n = 0; n < 2 && f->prefix[n]; n++)
        snprintf(pre + 2 * n, sizeof(pre) - 2 * n, "%02X", f->prefix[n]);
    snprintf(buf, size, "%s%s%s%02X%s%s", pre, pre[0] ? "." : "",
             f->map ? "0F" : "", f->opcode, ext, rm_names[f->rm]);
}
