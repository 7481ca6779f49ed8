/*
 * Snapshots of a whole machine: a guest of its own that keeps all devices busy
 * is saved in the middle, loaded into another machine, and both run on to the
 * same state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "emu/cpu/cpu.h"
#include "emu/dev/device.h"
#include "emu/state.h"
#include "kernel/platform.h"
#include "tests/unit/fake_disk.h"
#include "tests/unit/fake_snapshot.h"
#include "tests/unit/machine_harness.h"

#define ROM_BYTES 0x10000u
#define SMALL_RAM MIB
#define ICOUNT_SHIFT 6          /* 64 ns an instruction */
#define INSNS(n) ((uint64_t)(n) << ICOUNT_SHIFT)

/*
 * The guest's ROM, at F0000h: to flat 32-bit mode; a timer interrupt each
 * 84 us; then for ever arithmetic, x87 and SSE state, stores over 16 KiB,
 * sectors by PIO, bytes to COM1, the RTC, and HLT.
 */
__asm__(
    ".pushsection .rodata\n"
    "guest_rom:\n"
    ".code16\n"
    "   cli\n"
    "   lgdtl %cs:(gdtr - guest_rom)\n"
    "   movl %cr0, %eax\n"
    "   orl $1, %eax\n"
    "   movl %eax, %cr0\n"
    "   ljmpl $8, $(0xf0000 + flat - guest_rom)\n"
    ".balign 8\n"
    "gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n"
    "gdtr: .word 23\n"
    "   .long 0xf0000 + gdt - guest_rom\n"
    ".code32\n"
    "flat:\n"
    "   movw $16, %ax\n"
    "   movw %ax, %ds\n"
    "   movw %ax, %es\n"
    "   movw %ax, %ss\n"
    "   movl $0x7000, %esp\n"
    /* IDT at 6000h: vector 20h. */
    "   movl $(0xf0000 + tick - guest_rom), %eax\n"
    "   movw %ax, 0x6100\n"
    "   shrl $16, %eax\n"
    "   movw %ax, 0x6106\n"
    "   movl $0x8e000008, 0x6102\n"
    "   movw $8, 0x6102\n"
    "   movw $0x8e00, 0x6104\n"
    "   movw $0x1ff, 0x5000\n"
    "   movl $0x6000, 0x5002\n"
    "   lidt 0x5000\n"
    "   movb $0x11, %al; outb %al, $0x20\n"
    "   movb $0x20, %al; outb %al, $0x21\n"
    "   movb $0x04, %al; outb %al, $0x21\n"
    "   movb $0x01, %al; outb %al, $0x21\n"
    "   movb $0xfe, %al; outb %al, $0x21\n"
    "   movb $0x34, %al; outb %al, $0x43\n"
    "   movb $100, %al; outb %al, $0x40\n"
    "   movb $0, %al; outb %al, $0x40\n"
    "   movw $0x3fc, %dx; movb $0x0b, %al; outb %al, %dx\n"
    "   fninit\n"
    "   fldpi\n"
    "   movl $1, %ebx\n"
    "   xorl %esi, %esi\n"
    "   sti\n"
    "again:\n"
    "   movl $300, %ecx\n"
    "1: imull $1664525, %ebx, %ebx\n"
    "   addl $1013904223, %ebx\n"
    "   movl %ebx, 0x10000(%esi)\n"
    "   addl $4, %esi\n"
    "   andl $0x3fff, %esi\n"
    "   fld1\n"
    "   faddp\n"
    "   rdtsc\n"
    "   xorl %eax, %ebx\n"
    "   decl %ecx\n"
    "   jnz 1b\n"
    "   movw $0x3f8, %dx; movb %bl, %al; outb %al, %dx\n"
    "   movb $0x0c, %al; outb %al, $0x70; inb $0x71, %al\n"
    /* READ SECTORS, two of them, LBA from EBX. */
    "   movw $0x1f2, %dx; movb $2, %al; outb %al, %dx\n"
    "   movw $0x1f3, %dx; movb %bl, %al; andb $63, %al; outb %al, %dx\n"
    "   movw $0x1f4, %dx; movb $0, %al; outb %al, %dx\n"
    "   movw $0x1f5, %dx; outb %al, %dx\n"
    "   movw $0x1f6, %dx; movb $0xe0, %al; outb %al, %dx\n"
    "   movw $0x1f7, %dx; movb $0x20, %al; outb %al, %dx\n"
    "   movw $0x1f0, %dx\n"
    "   movl $512, %ecx\n"
    "2: inw %dx, %ax\n"
    "   addw %ax, %bx\n"
    "   decl %ecx\n"
    "   jnz 2b\n"
    "   hlt\n"
    "   jmp again\n"
    "tick:\n"
    "   pushl %eax\n"
    "   incl 0x5100\n"
    "   movb $0x20, %al\n"
    "   outb %al, $0x20\n"
    "   popl %eax\n"
    "   iret\n"
    "guest_rom_end:\n"
    ".code64\n"
    ".popsection\n");
extern const uint8_t guest_rom[], guest_rom_end[];

static uint8_t rom[ROM_BYTES];

static void make_rom(void)
{
    static const uint8_t vector[] = { 0xea, 0x00, 0x00, 0x00, 0xf0 };

    memcpy(rom, guest_rom, (size_t)(guest_rom_end - guest_rom));
    memcpy(rom + ROM_BYTES - 16, vector, sizeof vector);
}

/* ---- Machines ------------------------------------------------------------ */

struct box {
    struct guest g;
    struct fake_disk disk;
    struct netport port;
};

static size_t no_frame(void *ctx, const uint8_t **frame)
{
    return 0;
}

static void no_done(void *ctx)
{
}

static bool wire(void *ctx, const uint8_t *frame, size_t len)
{
    return true;
}

static void box_config(struct box *b, const struct engine_ops *engine,
                       struct machine_config *c)
{
    b->g.ram = calloc(1, SMALL_RAM);
    fake_disk_init(&b->disk, 4096);
    b->port = (struct netport){ .tx = wire, .rx_peek = no_frame,
                                .rx_done = no_done,
                                .mac = { 2, 0, 0, 0, 0, 1 } };
    *c = guest_config(&b->g, ICOUNT_SHIFT);
    b->g.host.code_memory = platform_code_alloc;
    b->g.host.code_memory_free = platform_code_free;
    b->g.host.debug_char = NULL;
    c->engine = engine;
    c->ram_bytes = SMALL_RAM;
    c->bios = rom;
    c->bios_size = ROM_BYTES;
    c->ide[0].disk = &b->disk.dev;
    c->ide[2].is_cdrom = true;
    c->nic[0] = &b->port;
}

static struct box *box_new(const struct engine_ops *engine)
{
    struct box *b = calloc(1, sizeof *b);
    struct machine_config c;
    const char *error;

    box_config(b, engine, &c);
    b->g.m = machine_create(&c, &error);
    if (!b->g.m)
        fail_msg("%s", error);
    return b;
}

static void box_free(struct box *b)
{
    machine_destroy(b->g.m);
    fake_disk_free(&b->disk);
    free(b->g.ram);
    free(b);
}

static void run(struct box *b, uint64_t insns)
{
    uint64_t end = machine_now(b->g.m) + INSNS(insns), now;

    while ((now = machine_now(b->g.m)) < end)
        if (machine_run(b->g.m, end - now) != MACHINE_BUDGET)
            fail_msg("the guest stopped");
}

static void save(struct box *b, struct fake_snapshot *f)
{
    char why[200];

    fake_snapshot_init(f);
    if (machine_save(b->g.m, &f->sink, why, sizeof why))
        fail_msg("%s", why);
    fake_snapshot_rewind(f);
}

static void load(struct box *b, struct fake_snapshot *f)
{
    char why[200];

    if (machine_load(b->g.m, &f->source, why, sizeof why))
        fail_msg("%s", why);
}

/* Where two snapshots differ first, in words. */
static void expect_equal(const struct fake_snapshot *a,
                         const struct fake_snapshot *b)
{
    size_t n = 0, at = STATE_FILE_HEADER;

    while (n < a->len && n < b->len && a->bytes[n] == b->bytes[n])
        n++;
    if (n == a->len && n == b->len)
        return;
    while (at + STATE_SECTION_HEADER < n) {
        const uint8_t *h = a->bytes + at;
        size_t len = h[20] | h[21] << 8 | (size_t)h[22] << 16;

        if (n < at + STATE_SECTION_HEADER + len)
            break;
        at += STATE_SECTION_HEADER + len;
    }
    fail_msg("they differ in section '%.16s' at %d", a->bytes + at,
             (int)(n - at) - (int)STATE_SECTION_HEADER);
}

/* ---- Going on ------------------------------------------------------------ */

/*
 * Saved after so many instructions, and the same that many later. With `event`
 * one was being delivered when the run ended, as a hardware engine leaves it.
 */
static void expect_same_with(const struct engine_ops *from,
                             const struct engine_ops *to, uint64_t insns,
                             const struct cpu_event *event)
{
    struct box *a = box_new(from), *b = box_new(to);
    struct fake_snapshot first, again, end_a, end_b;

    run(b, insns / 2);          /* what is there before goes */
    run(a, insns);
    if (event)
        machine_cpu(a->g.m)->event = *event;
    save(a, &first);
    load(b, &first);
    save(b, &again);
    expect_equal(&first, &again);
    run(a, 30011);
    run(b, 30011);
    save(a, &end_a);
    save(b, &end_b);
    expect_equal(&end_a, &end_b);
    /* The guest did run: its ticks. */
    assert_true(*(uint32_t *)(b->g.ram + 0x5100) > 20);
    fake_snapshot_free(&first);
    fake_snapshot_free(&again);
    fake_snapshot_free(&end_a);
    fake_snapshot_free(&end_b);
    box_free(a);
    box_free(b);
}

static void expect_same(const struct engine_ops *from,
                        const struct engine_ops *to, uint64_t insns)
{
    expect_same_with(from, to, insns, NULL);
}

static const uint64_t points[] = {
    1, 7, 60, 3000, 5371, 5800, 6123, 6400, 6800, 20011, 40000, 123457
};

static void test_interp(void **state)
{
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++)
        expect_same(&engine_interp, &engine_interp, points[i]);
}

static void test_interp_to_jit(void **state)
{
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++)
        expect_same(&engine_interp, &engine_jit, points[i]);
}

static void test_jit_to_interp(void **state)
{
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++)
        expect_same(&engine_jit, &engine_interp, points[i]);
}

/* The guest's timer interrupt, acknowledged and under way. */
static void test_event(void **state)
{
    const struct cpu_event event = { true, 0x20, CPU_EVENT_INTERRUPT, false,
                                     0 };
    struct box *b = box_new(&engine_jit);
    uint32_t *ticks = (uint32_t *)(b->g.ram + 0x5100), before;
    struct fake_snapshot f;

    expect_same_with(&engine_interp, &engine_jit, 20011, &event);
    expect_same_with(&engine_jit, &engine_interp, 40000, &event);
    run(b, 20011);
    before = *ticks;
    machine_cpu(b->g.m)->event = event;
    save(b, &f);
    load(b, &f);
    run(b, 20);
    assert_int_equal(*ticks, before + 1);
    fake_snapshot_free(&f);
    box_free(b);
}

/* Those with which a processor would not enter its guest. */
static void test_impossible_events(void **state)
{
    static const struct cpu_event bad[] = {
        { true, 0x20, CPU_EVENT_INTERRUPT, true, 0 },
        { true, 0x20, CPU_EVENT_EXCEPTION, false, 0 },
        { true, EXC_NMI, CPU_EVENT_EXCEPTION, false, 0 },
        { true, 0x20, CPU_EVENT_NMI, false, 0 },
        { true, EXC_PF, CPU_EVENT_EXCEPTION, false, 0 },
        { true, EXC_UD, CPU_EVENT_EXCEPTION, true, 0 },
        { true, EXC_GP, CPU_EVENT_EXCEPTION, true, 0x8000 },
        { true, 0x20, CPU_EVENT_EXCEPTION + 1, false, 0 },
    };
    struct box *b = box_new(&engine_interp);
    struct fake_snapshot f;
    char why[200];

    run(b, 20011);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        machine_cpu(b->g.m)->event = bad[i];
        save(b, &f);
        assert_int_equal(machine_load(b->g.m, &f.source, why, sizeof why),
                         -EINVAL);
        assert_non_null(strstr(why, "section 'cpu': "));
        assert_non_null(strstr(why, "event"));
        fake_snapshot_free(&f);
    }
    machine_cpu(b->g.m)->event = (struct cpu_event){
        true, EXC_GP, CPU_EVENT_EXCEPTION, true, 0x18
    };
    save(b, &f);
    load(b, &f);
    fake_snapshot_free(&f);
    box_free(b);
}

/* Back in its own past: translations of what is no more there are void. */
static void test_own_past(void **state)
{
    struct box *b = box_new(&engine_jit);
    struct fake_snapshot past, one, two;

    run(b, 50000);
    save(b, &past);
    run(b, 70000);
    save(b, &one);
    load(b, &past);
    run(b, 70000);
    save(b, &two);
    expect_equal(&one, &two);
    fake_snapshot_free(&past);
    fake_snapshot_free(&one);
    fake_snapshot_free(&two);
    box_free(b);
}

/* In real time the guest's clock goes on from where it was. */
static void test_real_time(void **state)
{
    struct guest *a = guest_new(-1), *b = guest_new(-1);
    struct fake_snapshot f;
    char why[200];
    uint64_t now;

    a->clock += 77 * MS;
    now = machine_now(a->m);
    fake_snapshot_init(&f);
    assert_int_equal(machine_save(a->m, &f.sink, why, sizeof why), 0);
    fake_snapshot_rewind(&f);
    b->clock += 1000 * MS;
    assert_int_equal(machine_load(b->m, &f.source, why, sizeof why), 0);
    assert_true(machine_now(b->m) == now);
    b->clock += 5 * MS;
    assert_true(machine_now(b->m) == now + 5 * MS);
    machine_stop(b->m);
    assert_int_equal(machine_load(b->m, &f.source, why, sizeof why), 0);
    assert_true(machine_is_stopped(b->m) && machine_now(b->m) == now);
    machine_cont(b->m);
    assert_true(machine_now(b->m) == now);
    fake_snapshot_free(&f);
    guest_free(a);
    guest_free(b);
}

/*
 * Saved by a host that had been up for long, loaded by one that was just
 * started: the guest's time is ahead of the host's clock.
 */
static void test_young_host(void **state)
{
    struct guest *a = guest_new(-1), *b = guest_new(-1);
    struct fake_snapshot f;
    char why[200];
    uint64_t wait;

    guest_start_tick(a, 11932);             /* 10 ms */
    a->clock += 3600 * 1000 * MS;
    machine_run(a->m, 0);
    wait = machine_deadline(a->m) - a->clock;
    assert_in_range(wait, 1, 10 * MS);
    fake_snapshot_init(&f);
    assert_int_equal(machine_save(a->m, &f.sink, why, sizeof why), 0);
    fake_snapshot_rewind(&f);
    assert_true(b->clock < machine_now(a->m));
    assert_int_equal(machine_load(b->m, &f.source, why, sizeof why), 0);
    assert_true(machine_deadline(b->m) == b->clock + wait);
    b->clock += 20 * MS;                    /* late: at once */
    assert_true(machine_deadline(b->m) <= b->clock);
    fake_snapshot_free(&f);
    guest_free(a);
    guest_free(b);
}

/* Back in time under icount, where that is the log's clock, it still logs. */
static void test_log_in_the_past(void **state)
{
    struct box *b = box_new(&engine_interp);
    struct fake_snapshot past;
    unsigned before;

    save(b, &past);
    run(b, 100000);
    for (unsigned i = 0; i < 100; i++)
        machine_log(b->g.m, "line %u", i);
    before = b->g.log_lines;
    load(b, &past);
    machine_log(b->g.m, "after loading");
    assert_true(b->g.log_lines > before);
    fake_snapshot_free(&past);
    box_free(b);
}

/* Saved by a processor of another speed: the guest's TSC keeps its rate. */
static void test_tsc_rate(void **state)
{
    struct box *a = box_new(&engine_interp), *b;
    struct machine_config c;
    struct fake_snapshot f, again;
    struct cpu_model fast = *machine_cpu(a->g.m)->model;
    const char *error;
    uint64_t before, now, rate;

    rate = fast.tsc_hz;
    fast.tsc_hz = 3 * rate;
    b = calloc(1, sizeof *b);
    box_config(b, &engine_interp, &c);
    c.cpu_model = &fast;
    b->g.m = machine_create(&c, &error);
    assert_non_null(b->g.m);
    run(a, 5000);
    save(a, &f);
    load(b, &f);
    now = machine_now(b->g.m);
    before = guest_bus(&b->g)->tsc(b->g.m);
    assert_true(before == guest_bus(&a->g)->tsc(a->g.m));
    run(b, 10000);
    assert_true(guest_bus(&b->g)->tsc(b->g.m) - before ==
                (machine_now(b->g.m) - now) * (rate / 1000000) / 1000);
    save(b, &again);
    load(a, &again);
    fake_snapshot_free(&f);
    fake_snapshot_free(&again);
    box_free(a);
    box_free(b);
}

/* ---- What is refused ----------------------------------------------------- */

static void expect_refused(struct machine *m, struct fake_snapshot *f,
                           const char *words)
{
    char why[200] = "";

    assert_int_equal(machine_load(m, &f->source, why, sizeof why), -EINVAL);
    if (!strstr(why, words))
        fail_msg("'%s' does not say '%s'", why, words);
}

/* However it is damaged it is refused, and the machine is as it was. */
static void test_damage(void **state)
{
    struct box *a = box_new(&engine_interp), *b = box_new(&engine_interp);
    struct fake_snapshot before, f, after;

    run(b, 20000);
    save(b, &before);
    save(a, &f);
    for (size_t n = 0; n < f.len; n++) {
        f.source.size = n;
        expect_refused(b->g.m, &f, "cut short");
    }
    f.source.size = f.len;
    for (size_t n = 0; n < f.len; n++) {
        uint8_t bit = (uint8_t)(1u << n % 8);

        f.bytes[n] ^= bit;
        expect_refused(b->g.m, &f, "");
        f.bytes[n] ^= bit;
    }
    save(b, &after);
    expect_equal(&before, &after);
    run(b, 1000);
    load(b, &f);
    fake_snapshot_free(&before);
    fake_snapshot_free(&f);
    fake_snapshot_free(&after);
    box_free(a);
    box_free(b);
}

static struct machine *other_machine(struct box *b, struct machine_config *c)
{
    const char *error;

    b->g.m = machine_create(c, &error);
    assert_non_null(b->g.m);
    return b->g.m;
}

/* Another machine's: it says what is different. */
static void test_other_machines(void **state)
{
    struct box *a = box_new(&engine_interp), *b;
    struct machine_config c;
    struct fake_snapshot f;

    save(a, &f);
    b = calloc(1, sizeof *b);
    box_config(b, &engine_interp, &c);
    c.nic[0] = NULL;
    expect_refused(other_machine(b, &c), &f,
                   "section 'header': the number of devices is");
    box_free(b);
    b = calloc(1, sizeof *b);
    box_config(b, &engine_interp, &c);
    b->disk.dev.sectors = 2048;
    expect_refused(other_machine(b, &c), &f,
                   "section 'ide': a disk's sectors is 4096 there, 2048 here");
    box_free(b);
    b = calloc(1, sizeof *b);
    box_config(b, &engine_interp, &c);
    free(b->g.ram);
    c.ram = b->g.ram = calloc(1, 2 * MIB);
    c.ram_bytes = 2 * MIB;
    expect_refused(other_machine(b, &c), &f,
                   "section 'header': the memory in MiB is 1 there, 2 here");
    box_free(b);
    b = calloc(1, sizeof *b);
    box_config(b, &engine_interp, &c);
    c.serial[0] = NULL;
    c.serial[1] = &b->g.com1;
    expect_refused(other_machine(b, &c), &f, "section 'uart': the UART's port");
    box_free(b);
    fake_snapshot_free(&f);
    box_free(a);
}

/* Registers that no CPU could hold: engines rely on them. */
static void test_impossible_cpu(void **state)
{
    struct box *a = box_new(&engine_interp), *b = box_new(&engine_interp);
    struct cpu *c = machine_cpu(a->g.m);
    const struct cpu good = *c;
    struct fake_snapshot f;
    static const char *const words[] = {
        "the instruction count is out of range", "a debug trap that is none",
        "a register is wider than the CPU", "a register is wider than the CPU",
        "flags that do not exist", "bits of CR0", "bits of CR4", "bits of EFER",
        "a mode that no CPU is in", "a mode that no CPU is in",
        "the privilege level is out of range", "bits of MXCSR",
        "the interrupt shadow is out of range", "a segment's attributes",
        "features that this host lacks",
    };

    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct cpu_model more = *good.model;

        *c = good;
        more.ext_ecx = ~0u;
        switch (i) {
        case 0: c->icount = 1ull << 63; break;
        case 1: c->run.debug = 0x10; break;
        case 2: c->dr[7] = 1ull << 32; break;
        case 3: c->gpr[RSP] = 1ull << 32; break;
        case 4: c->rflags = 0; break;
        case 5: c->cr0 |= 0x40; break;
        case 6: c->cr4 = CR4_OSXSAVE; break;
        case 7: c->efer = EFER_LME; break;
        case 8: c->cr0 |= CR0_PG; break;
        case 9: c->cpl = 3; break;
        case 10: c->cpl = 4; break;
        case 11: c->fpu.mxcsr = 0x10000; break;
        case 12: c->inhibit = 3; break;
        case 13: c->seg[DS].attr = 0x1093; break;
        case 14: c->model = &more; break;
        }
        save(a, &f);
        *c = good;
        expect_refused(b->g.m, &f, words[i]);
        fake_snapshot_free(&f);
    }
    box_free(a);
    box_free(b);
}

/* A medium that gives other bytes the second time. */
static void test_changing_source(void **state)
{
    struct box *a = box_new(&engine_interp);
    struct fake_snapshot f;
    char why[200];

    run(a, 20000);
    save(a, &f);
    load(a, &f);
    f.flip_after = f.reads * 3 / 4;
    f.reads = 0;
    assert_int_equal(machine_load(a->g.m, &f.source, why, sizeof why), -EIO);
    assert_non_null(strstr(why, "has been reset"));
    assert_true(machine_cpu(a->g.m)->rip == 0xfff0);
    run(a, 10000);
    fake_snapshot_free(&f);
    box_free(a);
}

/* A disk request under way is not in a snapshot: later. */
static void test_busy_disk(void **state)
{
    struct box *a = box_new(&engine_interp);
    struct fake_snapshot f;
    char why[200];

    a->disk.deferred = true;
    a->disk.dev.poll = NULL;
    run(a, 8000);
    assert_int_equal(a->disk.waiting_count, 1);
    fake_snapshot_init(&f);
    assert_int_equal(machine_save(a->g.m, &f.sink, why, sizeof why), -EBUSY);
    assert_int_equal(f.len, 0);
    assert_int_equal(machine_load(a->g.m, &f.source, why, sizeof why), -EBUSY);
    while (fake_disk_complete(&a->disk)) {
    }
    save(a, &f);
    load(a, &f);
    fake_snapshot_free(&f);
    box_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interp),
        cmocka_unit_test(test_interp_to_jit),
        cmocka_unit_test(test_jit_to_interp),
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_impossible_events),
        cmocka_unit_test(test_own_past),
        cmocka_unit_test(test_real_time),
        cmocka_unit_test(test_young_host),
        cmocka_unit_test(test_log_in_the_past),
        cmocka_unit_test(test_tsc_rate),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_other_machines),
        cmocka_unit_test(test_impossible_cpu),
        cmocka_unit_test(test_changing_source),
        cmocka_unit_test(test_busy_disk),
    };

    make_rom();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
