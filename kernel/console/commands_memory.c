/* See commands_debug.h: the guest's memory as a sum or a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/base64.h"
#include "kernel/console/commands.h"
#include "kernel/console/commands_debug.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/guest_debug.h"
#include "kernel/platform.h"

#define CHUNK 65536u
#define PAGE 4096u
#define SIZE_LIMIT (256u << 20) /* at once: consoles and network wait */
#define PRINT_LIMIT (64u << 10)
#define FILE_NAME 200u

/* What is read, and where it goes. */
struct region {
    uint64_t addr, size;
    bool is_physical;
    uint64_t absent;            /* bytes of it that were neither RAM nor ROM */
    int (*take)(void *ctx, const uint8_t *data, size_t len);
    void *ctx;
};

/*
 * The next piece. Between physical addresses of RAM there are devices, as the
 * VGA: of these it is zeros, by pages.
 */
static int read_piece(struct guest *g, struct region *r, uint64_t addr,
                      uint8_t *piece, size_t len)
{
    int error = guest_peek(g, addr, r->is_physical, piece, len);

    if (error != -EFAULT || !r->is_physical)
        return error;
    for (size_t at = 0, n; at < len; at += n) {
        n = PAGE - (addr + at) % PAGE;
        if (n > len - at)
            n = len - at;
        error = guest_peek(g, addr + at, true, piece + at, n);
        if (error == -EFAULT) {
            memset(piece + at, 0, n);
            r->absent += n;
        } else if (error) {
            return error;
        }
    }
    return 0;
}

static void cannot_access(struct monitor *mon, uint64_t addr)
{
    monitor_printf(mon, "Cannot access memory at 0x%llx and behind it\n",
                   (unsigned long long)addr);
}

/* Let it be taken in pieces. False: it could not be read, which was said. */
static bool read_region(struct monitor *mon, struct region *r, int *error)
{
    uint8_t *chunk = malloc(CHUNK);
    uint64_t done = 0;

    *error = chunk ? 0 : -ENOMEM;
    while (!*error && done < r->size) {
        size_t n = r->size - done < CHUNK ? (size_t)(r->size - done) : CHUNK;
        int peek = read_piece(mux_guest(mon->mux), r, r->addr + done, chunk,
                              n);

        if (peek == -EFAULT)
            cannot_access(mon, r->addr + done);
        else if (peek)
            monitor_answered(mon, false);
        if (peek)
            break;
        *error = r->take(r->ctx, chunk, n);
        done += n;
    }
    free(chunk);
    if (done < r->size)
        return false;
    if (r->absent == r->size)
        cannot_access(mon, r->addr);
    else if (r->absent)
        monitor_printf(mon, "%llu KiB of that are neither RAM nor ROM: zeros\n",
                       (unsigned long long)(r->absent + 1023) / 1024);
    return r->absent < r->size;
}

static bool parse_region(struct monitor *mon, char **args, struct region *r)
{
    if (!debug_parse_value(mon, args, &r->addr) ||
        !debug_parse_value(mon, args, &r->size))
        return false;
    if (!r->size || r->size > SIZE_LIMIT)
        monitor_printf(mon, "a size is 1 to %u MiB\n", SIZE_LIMIT >> 20);
    return r->size && r->size <= SIZE_LIMIT;
}

/* ---- sum ------------------------------------------------------------------ */

/* As BSD's sum(1). */
static int add_up(void *ctx, const uint8_t *data, size_t len)
{
    uint16_t sum = *(uint16_t *)ctx;

    for (size_t i = 0; i < len; i++)
        sum = (uint16_t)((sum >> 1 | sum << 15) + data[i]);
    *(uint16_t *)ctx = sum;
    return 0;
}

void cmd_sum(struct monitor *mon, char *args)
{
    uint16_t sum = 0;
    struct region r = { .is_physical = true, .take = add_up, .ctx = &sum };
    int error;

    if (!parse_region(mon, &args, &r))
        return;
    if (*args)
        monitor_printf(mon, "use sum ADDRESS SIZE\n");
    else if (read_region(mon, &r, &error))
        monitor_printf(mon, "%05u\n", sum);
}

/* ---- memsave, pmemsave ---------------------------------------------------- */

static int write_out(void *ctx, const uint8_t *data, size_t len)
{
    return platform_output_write(ctx, data, len);
}

static void save(struct monitor *mon, struct region *r, const char *name)
{
    struct platform_output *out;
    int error = platform_output_open(name, &out);

    if (error == -ENOTSUP)
        monitor_printf(mon, "there is no place for files here; with - as the "
                       "file it is printed (%u KiB at most)\n",
                       PRINT_LIMIT >> 10);
    else if (error)
        monitor_printf(mon, "cannot write '%.100s': %s\n", name,
                       strerror(-error));
    if (error)
        return;
    r->take = write_out;
    r->ctx = out;
    read_region(mon, r, &error);
    if (error)
        monitor_printf(mon, "'%.100s': %s\n", name, strerror(-error));
    platform_output_close(out);
}

static int copy(void *ctx, const uint8_t *data, size_t len)
{
    uint8_t **at = ctx;

    memcpy(*at, data, len);
    *at += len;
    return 0;
}

static void print(struct monitor *mon, struct region *r)
{
    uint8_t *data, *at;
    int error;

    if (r->size > PRINT_LIMIT) {
        monitor_printf(mon, "%u KiB at most are printed\n", PRINT_LIMIT >> 10);
        return;
    }
    mon->collects = false;      /* base64 is long output of its own */
    at = data = platform_pages_alloc((size_t)r->size);
    r->take = copy;
    r->ctx = &at;
    if (data && read_region(mon, r, &error))
        monitor_print_base64(mon, "memory", data, (size_t)r->size);
    else if (data)
        platform_pages_free(data, (size_t)r->size);
    else
        monitor_printf(mon, "out of memory\n");
}

/* A file's name may stand in quotes, as qemu's. */
static bool parse_file(char *args, char name[FILE_NAME])
{
    size_t n = strlen(args);

    if (n > 1 && *args == '"' && args[n - 1] == '"') {
        args++;
        n -= 2;
    }
    if (!n || n >= FILE_NAME)
        return false;
    memcpy(name, args, n);
    name[n] = '\0';
    return true;
}

static void save_command(struct monitor *mon, char *args, bool is_physical)
{
    struct region r = { .is_physical = is_physical };
    char name[FILE_NAME];

    if (!parse_region(mon, &args, &r))
        return;
    if (!parse_file(args, name))
        monitor_printf(mon, "use %s ADDRESS SIZE FILE, or - to have it "
                       "printed\n", is_physical ? "pmemsave" : "memsave");
    else if (!strcmp(name, "-"))
        print(mon, &r);
    else
        save(mon, &r, name);
}

void cmd_memsave(struct monitor *mon, char *args)
{
    save_command(mon, args, false);
}

void cmd_pmemsave(struct monitor *mon, char *args)
{
    save_command(mon, args, true);
}
