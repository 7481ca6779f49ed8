/*
 * Guests on cores of their own (kernel/cores.c): calls, kicks, fair shares,
 * one guest's misbehaviour beside another's work. The guests are a few bytes
 * of firmware each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/cores.h"
#include "kernel/guest.h"
#include "kernel/hosted/console.h"
#include "kernel/platform.h"

#define MS 1000000ull
#define PATIENCE_NS (20000 * MS)
#define GUESTS 3u
#define ROM_BYTES 65536u
#define CODE_AT 0xff00u

/* Real-mode code at F000:FF00. */
static const uint8_t spin[] = { 0xfa, 0xeb, 0xfe };      /* cli; jmp . */
/* lidt [0] (an empty table); int3: a triple fault, again and again. */
static const uint8_t crash[] = { 0x0f, 0x01, 0x1e, 0, 0, 0xcc };
/* DTR and RTS on; what comes on COM1 goes back. */
static const uint8_t echo[] = {
    0xba, 0xfc, 0x03, 0xb0, 0x03, 0xee, /* out 3fch, 3 */
    0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xf8,     /* until LSR.DR */
    0xba, 0xf8, 0x03, 0xec, 0xee, 0xeb, 0xf1,
};
/*
 * First a triple fault; after the reset, which leaves memory alone, as many
 * bytes to COM1 as GUEST_REBOOTED counts, and asleep.
 */
static const uint8_t late_words[] = {
    0x31, 0xc0, 0x8e, 0xd8,             /* xor ax, ax; mov ds, ax */
    0x80, 0x3e, 0x00, 0x06, 0x5a,       /* cmp byte [600h], 5ah */
    0x74, 0x0b,                         /* je said */
    0xc6, 0x06, 0x00, 0x06, 0x5a,       /* mov byte [600h], 5ah */
    0x0f, 0x01, 0x1e, 0x00, 0x05,       /* lidt [500h] */
    0xcc,                               /* int3 */
    /* said: FIFO on, '!' twice, and until the line has them */
    0xba, 0xfa, 0x03, 0xb0, 0x01, 0xee,
    0xba, 0xf8, 0x03, 0xb0, 0x21, 0xee, 0xee,
    0xba, 0xfd, 0x03, 0xec, 0xa8, 0x40, 0x74, 0xf8,     /* until LSR.TEMT */
    0xfa, 0xf4, 0xeb, 0xfc,
};
/* cli; hlt: asleep for good. */
static const uint8_t halt[] = { 0xfa, 0xf4, 0xeb, 0xfc };

struct fixture {
    struct options options[GUESTS];
    struct guest *guest[GUESTS];
    char path[GUESTS][64], name[GUESTS][8], disk[2][64];
    unsigned count;
};

static void write_rom(const char *path, const uint8_t *code, size_t len)
{
    /* jmp from the reset vector, F000:FFF0, to the code. */
    static const uint8_t vector[] = { 0xe9, 0x0d, 0xff };
    uint8_t *rom = calloc(1, ROM_BYTES);
    FILE *f = fopen(path, "wb");

    assert_non_null(rom);
    assert_non_null(f);
    memcpy(rom + CODE_AT, code, len);
    memcpy(rom + 0xfff0, vector, sizeof vector);
    assert_int_equal(fwrite(rom, 1, ROM_BYTES, f), ROM_BYTES);
    fclose(f);
    free(rom);
}

/* With an hda and an hdb, whose files are named f->disk. */
static void add_with_disks(struct fixture *f, const uint8_t *code, size_t len,
                           bool disks)
{
    unsigned i = f->count;
    char why[320], *argv[] = { (char *)"t", (char *)"-m", (char *)"1",
                               (char *)"-net", (char *)"none",
                               (char *)"-bios", f->path[i],
                               (char *)"-name", f->name[i],
                               (char *)"-hda", f->disk[0],
                               (char *)"-hdb", f->disk[1] };
    int argc = sizeof argv / sizeof *argv - (disks ? 0 : 4);

    snprintf(f->path[i], sizeof f->path[i], "/tmp/test_cores.%d.%u",
             (int)getpid(), i);
    snprintf(f->name[i], sizeof f->name[i], "g%u", i);
    write_rom(f->path[i], code, len);
    assert_int_equal(options_parse(&f->options[i], argc, argv, why, sizeof why),
                     OPTIONS_RUN);
    assert_int_equal(guest_create(&f->options[i], i + 1, 0, &f->guest[i],
                                  why, sizeof why), 0);
    f->count++;
}

static void add(struct fixture *f, const uint8_t *code, size_t len)
{
    add_with_disks(f, code, len, false);
}

/* All on one core beside the I/O core. */
static void start(struct fixture *f)
{
    if (platform_core_count() < 2)
        skip();
    cores_start(f->guest, f->count, 2);
    assert_int_equal(cores_used(), 1);
    for (unsigned i = 0; i < f->count; i++) {
        assert_int_equal(f->guest[i]->core, 1);
        assert_true(guest_start(f->guest[i], platform_now_ns()));
    }
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cores_stop();
    for (unsigned i = 0; i < f->count; i++) {
        assert_int_equal(f->guest[i]->core, 0);
        guest_destroy(f->guest[i]);
        unlink(f->path[i]);
    }
    free(f);
    return 0;
}

/* Let the cores run until the guests have used `ns` together. */
static void let_run(struct fixture *f, uint64_t ns)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS, used, start_ns = 0;

    for (unsigned i = 0; i < f->count; i++)
        start_ns += f->guest[i]->run.used_ns;
    do {
        platform_wait(platform_now_ns() + 5 * MS);
        used = 0;
        for (unsigned i = 0; i < f->count; i++)
            used += f->guest[i]->run.used_ns;
    } while (used - start_ns < ns && platform_now_ns() < end);
    assert_true(used - start_ns >= ns);
}

static void test_call_into_a_spinning_guest(void **state)
{
    struct fixture *f = *state;
    char text[4096];
    uint64_t start_ns;

    add(f, spin, sizeof spin);
    start(f);
    let_run(f, 10 * MS);
    start_ns = platform_now_ns();
    for (unsigned i = 0; i < 100; i++) {
        assert_true(guest_info(f->guest[0], "registers", text,
                               sizeof text) > 0);
        assert_non_null(strstr(text, "EIP=0000ff01"));
    }
    print_message("a call takes %llu us\n", (unsigned long long)
                  (platform_now_ns() - start_ns) / 100000);
}

static void test_two_share_fairly(void **state)
{
    struct fixture *f = *state;
    uint64_t a, b;

    add(f, spin, sizeof spin);
    add(f, crash, sizeof crash);
    start(f);
    let_run(f, 1500 * MS);
    a = f->guest[0]->run.used_ns;
    b = f->guest[1]->run.used_ns;
    print_message("shares: %llu and %llu ms\n", (unsigned long long)(a / MS),
                  (unsigned long long)(b / MS));
    /* A busy host takes the thread away now and then, from either. */
    assert_true(a * 10 > (a + b) * 3 && a * 10 < (a + b) * 7);
    assert_int_equal(f->guest[1]->state, GUEST_ON);
}

static void test_stop_and_cont(void **state)
{
    struct fixture *f = *state;
    uint64_t used;

    add(f, spin, sizeof spin);
    start(f);
    let_run(f, 10 * MS);
    assert_true(guest_stop(f->guest[0]));
    assert_string_equal(guest_state_text(f->guest[0]), "paused");
    used = f->guest[0]->run.used_ns;
    platform_wait(platform_now_ns() + 20 * MS);
    assert_int_equal(f->guest[0]->run.used_ns, used);
    assert_true(guest_cont(f->guest[0]));
    let_run(f, 10 * MS);
    assert_true(guest_reset(f->guest[0]));
    let_run(f, 10 * MS);
}

/* A guest that sleeps costs its core nothing, and answers. */
static void test_asleep(void **state)
{
    struct fixture *f = *state;
    uint64_t end = platform_now_ns() + PATIENCE_NS, used;

    add(f, halt, sizeof halt);
    start(f);
    while (!guest_icount(f->guest[0]))
        platform_wait(platform_now_ns() + MS);
    /* It may be busy yet with its start, the longer the busier the host is. */
    do {
        assert_true(platform_now_ns() < end);
        used = f->guest[0]->run.used_ns;
        platform_wait(platform_now_ns() + 50 * MS);
    } while (f->guest[0]->run.used_ns - used >= 10 * MS);
    assert_int_equal(guest_icount(f->guest[0]), 3);     /* jmp, cli, hlt */
}

/* One byte to the guest and back; false: it did not come. */
static bool one_echo(struct fixture *f, unsigned i, uint8_t c)
{
    struct guest_serial *s = f->guest[i]->serial[0];
    uint64_t end = platform_now_ns() + PATIENCE_NS;
    uint8_t back = 0;

    byte_ring_put(&s->to_guest, &c, 1);
    guest_offer_input(f->guest[i]);
    while (!byte_ring_get(&s->from_guest, &back, 1)) {
        if (platform_now_ns() > end)
            return false;
        platform_wait(end);
    }
    return back == c;
}

/* Consoles beside a guest that spins with interrupts off, and a crashing one. */
static void test_echo_beside_others(void **state)
{
    struct fixture *f = *state;
    uint64_t start_ns, worst = 0;

    add(f, spin, sizeof spin);
    add(f, crash, sizeof crash);
    add(f, echo, sizeof echo);
    start(f);
    while (!guest_serial_armed(f->guest[2], 0))
        platform_wait(platform_now_ns() + MS);
    for (unsigned i = 0; i < 50; i++) {
        start_ns = platform_now_ns();
        assert_true(one_echo(f, 2, (uint8_t)i));
        if (platform_now_ns() - start_ns > worst)
            worst = platform_now_ns() - start_ns;
    }
    print_message("echo beside two that spin: %llu us at worst\n",
                  (unsigned long long)worst / 1000);
}

/* Nothing but the kick tells the guest's core of the byte. */
static void test_kick(void **state)
{
    struct fixture *f = *state;
    uint64_t start_ns;

    add(f, echo, sizeof echo);
    start(f);
    while (!guest_serial_armed(f->guest[0], 0))
        platform_wait(platform_now_ns() + MS);
    start_ns = platform_now_ns();
    for (unsigned i = 0; i < 200; i++)
        assert_true(one_echo(f, 0, (uint8_t)i));
    print_message("echo alone: %llu us\n", (unsigned long long)
                  (platform_now_ns() - start_ns) / 200000);
}

/* platform_wake was called since the last platform_wait. */
static bool woken(void)
{
    uint64_t deadline = platform_now_ns() + 500 * MS;

    platform_wait(deadline);
    return platform_now_ns() < deadline;
}

/*
 * A guest's core tells the I/O core of output by how much there was, and of its
 * end: one must not hide the other. This thread plays both cores.
 */
static void test_words_after_an_end(void **state)
{
    struct fixture *f = *state;
    atomic_bool attention = false;
    struct guest *g;
    int quiet[2];

    assert_int_equal(pipe(quiet), 0);
    dup2(quiet[0], STDIN_FILENO);       /* or platform_wait would look at it */
    add(f, late_words, sizeof late_words);
    f->options[0].no_reboot = true;
    g = f->guest[0];
    g->core = 1;
    guest_run(g, PATIENCE_NS, &attention);
    assert_int_equal(g->state, GUEST_REBOOTED);
    assert_true(woken());
    assert_false(woken());
    machine_reset(g->machine);
    g->state = GUEST_ON;
    guest_run(g, PATIENCE_NS, &attention);
    assert_int_equal(byte_ring_used(&g->serial[0]->from_guest),
                     GUEST_REBOOTED);
    assert_true(woken());
    g->core = 0;
    close(quiet[0]);
    close(quiet[1]);
}

/* Under -icount a guest stays with the I/O core. */
static void test_icount_stays(void **state)
{
    struct fixture *f = *state;

    add(f, spin, sizeof spin);
    f->options[0].icount_shift = 0;
    cores_start(f->guest, 1, 0);
    assert_int_equal(cores_used(), 0);
    assert_int_equal(f->guest[0]->core, 0);
}

/* ---- Disks, and a guest of the I/O core's ---------------------------------- */

static struct disk_image *first;
static unsigned flushes;

static void flush(struct disk_image *img, struct block_request *req,
                  void (*done)(struct block_request *req, int error))
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;

    *req = (struct block_request){ .op = BLOCK_FLUSH, .done = done };
    img->dev.submit(&img->dev, req);
    while (!disk_image_pending(img) && platform_now_ns() < end)
        platform_wait(platform_now_ns() + MS);
    assert_int_equal(disk_image_pending(img), 1);
}

static void first_done(struct block_request *req, int error) { flushes++; }

/* Inside the slice: the first disk was looked at already. */
static void second_done(struct block_request *req, int error)
{
    static struct block_request again;

    flushes++;
    flush(first, &again, first_done);
}

/* A flush that ends while the guest runs is taken back at once all the same. */
static void test_flush_ends_in_a_slice(void **state)
{
    static const atomic_bool attention;
    struct fixture *f = *state;
    struct block_request req;
    struct guest *g;

    for (unsigned i = 0; i < 2; i++) {
        FILE *file;

        snprintf(f->disk[i], sizeof f->disk[i], "/tmp/test_cores.%d.hd%c",
                 (int)getpid(), 'a' + i);
        file = fopen(f->disk[i], "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(f, 1, 512, file), 512);
        fclose(file);
    }
    add_with_disks(f, halt, sizeof halt, true);
    g = f->guest[0];
    for (unsigned i = 0; i < 2; i++)
        unlink(f->disk[i]);
    first = &g->disk[0];
    assert_true(guest_start(g, platform_now_ns()));
    guest_run(g, MS, &attention);
    assert_true(g->run.halted);
    flush(&g->disk[1], &req, second_done);
    guest_run(g, MS, &attention);
    assert_int_equal(flushes, 1);
    assert_true(g->run.halted);
    assert_true(guest_wants_core(g, platform_now_ns()));
    guest_run(g, MS, &attention);
    assert_int_equal(flushes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_call_into_a_spinning_guest,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_share_fairly, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_stop_and_cont, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asleep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kick, setup, teardown),
        cmocka_unit_test_setup_teardown(test_echo_beside_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_words_after_an_end, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_icount_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_ends_in_a_slice, setup,
                                        teardown),
    };

    console_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
