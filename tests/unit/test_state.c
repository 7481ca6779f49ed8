/* Snapshots as files: fields, sections, memory, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "emu/state.h"
#include "tests/unit/fake_snapshot.h"

#define PAGES 600u              /* two chunks and a part */

/* Something with one field of each kind. */
struct thing {
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    int64_t e;
    bool f;
    uint8_t g[5];
    unsigned choice;
    int64_t near;
};

static const struct thing example = {
    0x12, 0x3456, 0x789abcde, 0x0123456789abcdefull, -5, true,
    { 1, 2, 3, 4, 5 }, 7, -100
};

static void thing_state(struct thing *t, struct state *s)
{
    state_u8(s, &t->a);
    state_u16(s, &t->b);
    state_u32(s, &t->c);
    state_u64(s, &t->d);
    state_i64(s, &t->e);
    state_bool(s, &t->f);
    state_bytes(s, t->g, sizeof t->g);
    t->choice = state_choice(s, t->choice, 7, "the choice");
    state_within(s, &t->near, 100, "the distance");
    state_same(s, 4711, "the number");
}

/* ---- Moves --------------------------------------------------------------- */

static struct state *new_state(void)
{
    struct state *s = malloc(sizeof *s);

    assert_non_null(s);
    return s;
}

static void save_things(struct fake_snapshot *f, unsigned count,
                        const struct thing *from)
{
    struct state *s = new_state();

    fake_snapshot_init(f);
    state_open_save(s, &f->sink);
    for (unsigned i = 0; i < count; i++) {
        struct thing t = *from;

        state_begin(s, i ? "second" : "first", 2);
        thing_state(&t, s);
        state_end(s);
    }
    state_finish(s);
    assert_int_equal(state_close(s), 0);
    free(s);
    fake_snapshot_rewind(f);
}

/* Read `count` of them; the error, its words in `why`. */
static int read_things(struct fake_snapshot *f, unsigned count,
                       uint32_t version, struct thing *t, char *why)
{
    struct state *s = new_state();
    int error;

    state_open_read(s, STATE_LOAD, &f->source);
    for (unsigned i = 0; i < count; i++) {
        state_begin(s, i ? "second" : "first", version);
        thing_state(t, s);
        state_end(s);
    }
    state_finish(s);
    error = state_close(s);
    strcpy(why, s->why);
    free(s);
    return error;
}

static void expect_refused(struct fake_snapshot *f, unsigned count,
                           uint32_t version, const char *words)
{
    struct thing t = { 0 };
    char why[200];

    assert_int_equal(read_things(f, count, version, &t, why), -EINVAL);
    if (!strstr(why, words))
        fail_msg("'%s' does not say '%s'", why, words);
}

/* ---- Fields -------------------------------------------------------------- */

static void test_round_trip(void **state)
{
    struct fake_snapshot f;
    struct thing t = { 0 };
    char why[200];

    save_things(&f, 2, &example);
    assert_int_equal(read_things(&f, 2, 2, &t, why), 0);
    assert_int_equal(t.a, example.a);
    assert_int_equal(t.b, example.b);
    assert_int_equal(t.c, example.c);
    assert_true(t.d == example.d && t.e == example.e);
    assert_true(t.f);
    assert_memory_equal(t.g, example.g, sizeof t.g);
    assert_int_equal(t.choice, example.choice);
    assert_true(t.near == example.near);
    /* Little-endian, whatever the host: the second field of the section. */
    assert_int_equal(f.bytes[STATE_FILE_HEADER + STATE_SECTION_HEADER + 1],
                     0x56);
    fake_snapshot_free(&f);
}

static void test_out_of_range(void **state)
{
    struct thing bad = example;
    struct fake_snapshot f;

    bad.choice = 8;
    save_things(&f, 1, &bad);
    expect_refused(&f, 1, 2, "section 'first': the choice is out of range");
    fake_snapshot_free(&f);
    bad = example;
    bad.near = 101;
    save_things(&f, 1, &bad);
    expect_refused(&f, 1, 2, "the distance is out of range");
    fake_snapshot_free(&f);
}

/* ---- Sections ------------------------------------------------------------ */

static void test_versions_and_order(void **state)
{
    struct fake_snapshot f;

    save_things(&f, 2, &example);
    expect_refused(&f, 2, 1,
                   "section 'first' version 2 is newer than this Trestle's 1");
    expect_refused(&f, 1, 2, "section 'second' where 'end' belongs");
    fake_snapshot_free(&f);
    save_things(&f, 1, &example);
    expect_refused(&f, 2, 2, "section 'end' where 'second' belongs");
    fake_snapshot_free(&f);
}

/* A reader that knows fewer fields than a section has, or more. */
static void test_lengths(void **state)
{
    struct state *s = new_state();
    struct fake_snapshot f;
    uint8_t byte;

    save_things(&f, 1, &example);
    state_open_read(s, STATE_LOAD, &f.source);
    state_begin(s, "first", 2);
    state_u8(s, &byte);
    state_end(s);
    assert_int_equal(state_close(s), -EINVAL);
    assert_string_equal(s->why, "section 'first': is longer than its fields");
    state_open_read(s, STATE_LOAD, &f.source);
    state_begin(s, "first", 2);
    for (unsigned i = 0; i < 200; i++)
        state_u8(s, &byte);
    assert_int_equal(byte, 0);
    assert_int_equal(state_close(s), -EINVAL);
    assert_string_equal(s->why, "section 'first': is shorter than its fields");
    fake_snapshot_free(&f);
    free(s);
}

/* A section without a byte, of which a field is wanted. */
static void test_no_bytes(void **state)
{
    struct state *s = new_state();
    struct fake_snapshot f;

    fake_snapshot_init(&f);
    state_open_save(s, &f.sink);
    state_begin(s, "first", 2);
    state_end(s);
    state_finish(s);
    assert_int_equal(state_close(s), 0);
    free(s);
    fake_snapshot_rewind(&f);
    expect_refused(&f, 1, 2, "is shorter than its fields");
    fake_snapshot_free(&f);
}

static void test_foreign(void **state)
{
    struct fake_snapshot f;

    fake_snapshot_init(&f);
    f.sink.write(f.sink.ctx, "QEVM and something more", 23);
    fake_snapshot_rewind(&f);
    expect_refused(&f, 1, 2, "this is no Trestle snapshot");
    f.source.size = 3;
    expect_refused(&f, 1, 2, "the snapshot is cut short: it ends in its header");
    fake_snapshot_free(&f);
}

/* Wherever it ends, and whichever bit of it is another. */
static void test_damage(void **state)
{
    struct fake_snapshot f;
    struct thing t = { 0 };
    char why[200];

    save_things(&f, 2, &example);
    for (size_t n = 0; n < f.len; n++) {
        f.source.size = n;
        assert_int_equal(read_things(&f, 2, 2, &t, why), -EINVAL);
        assert_non_null(strstr(why, "cut short"));
    }
    f.source.size = f.len;
    for (size_t bit = 0; bit < 8 * f.len; bit++) {
        f.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(read_things(&f, 2, 2, &t, why), -EINVAL);
        assert_true(*why);
        f.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(read_things(&f, 2, 2, &t, why), 0);
    fake_snapshot_free(&f);
}

/* Sections of two snapshots, each good by itself. */
static void test_mixed(void **state)
{
    struct thing other = example;
    struct fake_snapshot f, g;
    size_t section;

    other.a++;
    save_things(&f, 2, &example);
    save_things(&g, 2, &other);
    section = (f.len - STATE_FILE_HEADER - STATE_SECTION_HEADER - 16) / 2;
    memcpy(f.bytes + STATE_FILE_HEADER, g.bytes + STATE_FILE_HEADER, section);
    expect_refused(&f, 2, 2, "section 'end': is the end of another snapshot");
    fake_snapshot_free(&f);
    fake_snapshot_free(&g);
}

static void test_full_sink(void **state)
{
    struct state *s = new_state();
    struct thing t = example;
    struct fake_snapshot f;

    fake_snapshot_init(&f);
    f.fail_at = 60;
    state_open_save(s, &f.sink);
    state_begin(s, "first", 1);
    thing_state(&t, s);
    state_end(s);
    state_finish(s);
    assert_int_equal(state_close(s), -ENOSPC);
    assert_non_null(strstr(s->why, "cannot be written"));
    fake_snapshot_free(&f);
    free(s);
}

/* RFC 3720, B.4: 32 bytes of zeros, of ones, and counting up. */
static void test_crc(void **state)
{
    struct state *s = new_state();
    struct fake_snapshot f;
    uint8_t b[32] = { 0 };

    fake_snapshot_init(&f);
    state_open_save(s, &f.sink);
    assert_int_equal(state_crc(s, 0, b, 32), 0x8a9136aa);
    memset(b, 0xff, 32);
    assert_int_equal(state_crc(s, 0, b, 32), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        b[i] = (uint8_t)i;
    assert_int_equal(state_crc(s, 0, b, 32), 0x46dd794e);
    assert_int_equal(state_crc(s, state_crc(s, 0, b, 13), b + 13, 19),
                     0x46dd794e);
    state_close(s);
    fake_snapshot_free(&f);
    free(s);
}

/* ---- Memory -------------------------------------------------------------- */

static int memory_in(struct fake_snapshot *f, enum state_mode mode, uint8_t *p,
                     unsigned pages, char *why)
{
    struct state *s = new_state();
    int error;

    if (mode == STATE_SAVE)
        state_open_save(s, &f->sink);
    else
        state_open_read(s, mode, &f->source);
    state_memory(s, "ram", p, (uint64_t)pages * STATE_PAGE);
    state_finish(s);
    error = state_close(s);
    strcpy(why, s->why);
    free(s);
    return error;
}

static void test_memory(void **state)
{
    size_t bytes = PAGES * STATE_PAGE;
    uint8_t *a = calloc(1, bytes), *b = malloc(bytes), *was = malloc(bytes);
    struct fake_snapshot f;
    char why[200];

    memset(b, 0x5a, bytes);
    memcpy(was, b, bytes);
    a[3 * STATE_PAGE + 17] = 1;
    memset(a + 300 * STATE_PAGE, 7, 2 * STATE_PAGE);
    a[bytes - 1] = 9;
    fake_snapshot_init(&f);
    assert_int_equal(memory_in(&f, STATE_SAVE, a, PAGES, why), 0);
    assert_in_range(f.len, 4 * STATE_PAGE, 5 * STATE_PAGE);
    fake_snapshot_rewind(&f);
    assert_int_equal(memory_in(&f, STATE_CHECK, b, PAGES, why), 0);
    assert_memory_equal(b, was, bytes);
    assert_int_equal(memory_in(&f, STATE_LOAD, b, PAGES, why), 0);
    assert_memory_equal(a, b, bytes);
    /* Of a machine with more memory: its last page has no place here. */
    assert_int_equal(memory_in(&f, STATE_CHECK, b, PAGES - 1, why), -EINVAL);
    assert_string_equal(why, "section 'ram': a page outside the memory");
    assert_int_equal(memory_in(&f, STATE_CHECK, b, 512, why), -EINVAL);
    fake_snapshot_free(&f);
    free(a);
    free(b);
    free(was);
}

/* Nothing but zeros is no section, and clears all. */
static void test_empty_memory(void **state)
{
    static uint8_t a[2 * STATE_PAGE], b[2 * STATE_PAGE];
    struct fake_snapshot f;
    char why[200];

    memset(b, 1, sizeof b);
    fake_snapshot_init(&f);
    assert_int_equal(memory_in(&f, STATE_SAVE, a, 2, why), 0);
    fake_snapshot_rewind(&f);
    assert_int_equal(memory_in(&f, STATE_LOAD, b, 2, why), 0);
    assert_memory_equal(a, b, sizeof a);
    fake_snapshot_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_versions_and_order),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_no_bytes),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_full_sink),
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_empty_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
