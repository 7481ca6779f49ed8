/* Pictures as files: a PNG is taken apart again, and the monitor's command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>
#include <zlib.h>

#include "kernel/picture/picture.h"
#include "tests/unit/console_harness.h"

#define FILE_MAX (4u << 20)

/* What a writer wrote; from `fail_at` on it cannot. */
static struct {
    uint8_t *bytes;
    size_t len, fail_at;
} file;

static int take(void *ctx, const void *buf, size_t len)
{
    assert_ptr_equal(ctx, &file);
    assert_true(len > 0);
    if (file.len + len > file.fail_at)
        return -ENOSPC;
    memcpy(file.bytes + file.len, buf, len);
    file.len += len;
    return 0;
}

static int file_setup(void **state)
{
    file.bytes = malloc(FILE_MAX);
    file.len = 0;
    file.fail_at = FILE_MAX;
    return !file.bytes;
}

static int file_teardown(void **state)
{
    free(file.bytes);
    return 0;
}

/* Pixels with all of their colours' bits in use. */
static struct picture make(unsigned width, unsigned height, uint32_t factor)
{
    struct picture p = {
        .pixels = malloc(4 * width * height), .width = width, .height = height,
    };

    for (unsigned i = 0; i < width * height; i++)
        p.pixels[i] = (i * factor ^ i / width * 77) & 0xffffff;
    return p;
}

static void test_ppm(void **state)
{
    static const char header[] = "P6\n257 5\n255\n";
    struct picture p = make(257, 5, 0x9e3779b1);
    const uint8_t *at = file.bytes + sizeof header - 1;

    assert_int_equal(picture_write_ppm(&p, take, &file), 0);
    assert_int_equal(file.len, sizeof header - 1 + 3 * 257 * 5);
    assert_memory_equal(file.bytes, header, sizeof header - 1);
    for (unsigned i = 0; i < 257 * 5; i++, at += 3)
        assert_int_equal(at[0] << 16 | at[1] << 8 | at[2], p.pixels[i]);
    free(p.pixels);
}

/* ---- PNG --------------------------------------------------------------------- */

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | p[2] << 8 | p[3];
}

/* The chunk at *at, its CRC right; its data and length. */
static const uint8_t *chunk(size_t *at, const char *type, uint32_t *len)
{
    const uint8_t *c = file.bytes + *at;

    assert_true(file.len - *at >= 12);
    *len = be32(c);
    assert_true(*len <= file.len - *at - 12);
    assert_memory_equal(c + 4, type, 4);
    assert_int_equal(be32(c + 8 + *len), crc32(0, c + 4, 4 + *len));
    *at += 12 + *len;
    return c + 8;
}

/* All IDAT chunks as one stream: `size` bytes come out, and then it ends. */
static void inflate_all(size_t *at, uint8_t *out, size_t size)
{
    z_stream z = { .next_out = out, .avail_out = (uInt)size };
    int state = Z_OK;

    assert_int_equal(inflateInit(&z), Z_OK);
    while (!memcmp(file.bytes + *at + 4, "IDAT", 4)) {
        uint32_t len;

        z.next_in = (Bytef *)chunk(at, "IDAT", &len);
        z.avail_in = len;
        assert_int_equal(state, Z_OK);
        state = inflate(&z, Z_NO_FLUSH);
        assert_int_equal(z.avail_in, 0);
    }
    assert_int_equal(state, Z_STREAM_END);
    assert_int_equal(z.avail_out, 0);
    inflateEnd(&z);
}

/* Lines with the filter "Up" back to pixels. */
static void check_pixels(const struct picture *p, uint8_t *raw)
{
    size_t stride = 1 + 3 * p->width;

    for (unsigned y = 0; y < p->height; y++) {
        uint8_t *line = raw + y * stride;

        assert_int_equal(line[0], 2);
        for (size_t i = 1; y && i < stride; i++)
            line[i] = (uint8_t)(line[i] + line[i - stride]);
        for (unsigned x = 0; x < p->width; x++)
            assert_int_equal(be32(line + 3 * x) & 0xffffff,
                             p->pixels[y * p->width + x]);
    }
}

static void check_png(struct picture *p)
{
    size_t size = (1 + 3 * (size_t)p->width) * p->height, at = 8;
    uint8_t *raw = malloc(size);
    const uint8_t *c;
    uint32_t len;

    file.len = 0;
    assert_int_equal(picture_write_png(p, take, &file), 0);
    assert_memory_equal(file.bytes, "\x89PNG\r\n\x1a\n", 8);
    c = chunk(&at, "IHDR", &len);
    assert_int_equal(len, 13);
    assert_int_equal(be32(c), p->width);
    assert_int_equal(be32(c + 4), p->height);
    assert_memory_equal(c + 8, "\x08\x02\x00\x00\x00", 5);
    inflate_all(&at, raw, size);
    chunk(&at, "IEND", &len);
    assert_int_equal(len, 0);
    assert_int_equal(at, file.len);
    check_pixels(p, raw);
    free(raw);
    free(p->pixels);
}

static void test_png(void **state)
{
    static const struct {
        unsigned width, height;
        uint32_t factor;
    } size[] = {
        { 1, 1, 1 }, { 720, 400, 0 }, { 640, 480, 0x9e3779b1 },
        { 4608, 3, 0x10101 }, { 8, 2048, 0x85ebca6b },
    };

    for (unsigned i = 0; i < sizeof size / sizeof *size; i++) {
        struct picture p = make(size[i].width, size[i].height, size[i].factor);

        check_png(&p);
    }
}

static void test_errors_reach_the_caller(void **state)
{
    struct picture p = make(300, 200, 0x9e3779b1);
    static const size_t at[] = { 0, 8, 20, 40, 5000 };

    for (unsigned i = 0; i < sizeof at / sizeof *at; i++) {
        file.len = 0;
        file.fail_at = at[i];
        assert_int_equal(picture_write_png(&p, take, &file), -ENOSPC);
        assert_true(file.len <= at[i]);
        file.len = 0;
        assert_int_equal(picture_write_ppm(&p, take, &file), -ENOSPC);
    }
    free(p.pixels);
}

/* ---- The command ---------------------------------------------------------------- */

/* A machine that never ran has a blank screen of a line of 9 dots. */
static void test_command(void **state)
{
    char ppm[64] = "", name[] = "/tmp/test_picture-XXXXXX", text[100];
    FILE *f;
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    close(fd);
    type("\001c");
    snprintf(text, sizeof text, "screendump %s\r", name);
    type(text);
    f = fopen(name, "r");
    assert_int_equal(fread(ppm, 1, sizeof ppm, f), 11 + 3 * 9);
    fclose(f);
    remove(name);
    assert_memory_equal(ppm, "P6\n9 1\n255\n", 11);
    assert_shows(type("screendump\r"), "begin-base64 644 screen.png\r\niVBORw0K");
    assert_shows(type("screendump - -f ppm\r"),
                 "begin-base64 644 screen.ppm\r\nUDYKOSAxCjI1NQoA");
    assert_shows(type("screendump -f gif\r"), "no such format: 'gif'");
    assert_shows(type("screendump a -f\r"), "no such format: ''");
    assert_shows(type("screendump a b\r"), "use screendump [FILE]");
    assert_shows(type("screendump -x\r"), "use screendump [FILE]");
    assert_shows(type("screendump /nonexistent/a.png\r"),
                 "screendump: '/nonexistent/a.png': No such file");
}

/* One who looks on: nothing is new until something is written. */
static void test_guest_draw(void **state)
{
    static struct display_view view;
    uint32_t pixels[9];
    struct display_target target = { pixels, 9, 9, 1 };

    memset(&view, 0, sizeof view);
    assert_true(guest_display_changed(guest, &view));
    assert_int_equal(guest_draw(guest, &view, &target, DISPLAY_BOTH), 1);
    assert_int_equal(view.mode.width, 9);
    assert_false(guest_display_changed(guest, &view));
    assert_int_equal(guest_draw(guest, &view, &target, DISPLAY_BOTH), 0);
    guest_reset(guest);
    assert_true(guest_display_changed(guest, &view));
    target.width = 8;
    assert_int_equal(guest_draw(guest, &view, &target, 0), -ENOSPC);
    guest->is_lent = true;
    assert_false(guest_display_changed(guest, &view));
    assert_int_equal(guest_draw(guest, &view, &target, 0), -ETIMEDOUT);
    guest->is_lent = false;
}

#define FILE_TEST(f) \
    cmocka_unit_test_setup_teardown(f, file_setup, file_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_ppm),
        FILE_TEST(test_png),
        FILE_TEST(test_errors_reach_the_caller),
        TEST(test_command),
        TEST(test_guest_draw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
