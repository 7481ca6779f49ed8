/* See lockstep_machine.h. */
#include "tests/engine/lockstep_machine.h"

#include <string.h>

#include "emu/machine_internal.h"
#include "kernel/firmware.h"
#include "kernel/platform.h"

static size_t serial_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct lockstep_machine *l = ctx;

    for (size_t i = 0; i < len; i++) {
        l->serial_hash = (l->serial_hash ^ buf[i]) * 0x100000001b3ull;
        if (buf[i] >= ' ' && l->line_len < sizeof l->line - 10)
            l->line[l->line_len++] = (char)buf[i];
        if (buf[i] != '\n')
            continue;
        if (l->echo && l->line_len)
            platform_log("guest: %.*s", (int)l->line_len, l->line);
        l->line_len = 0;
    }
    return len;
}

static size_t serial_read(void *ctx, uint8_t *buf, size_t len)
{
    return 0;
}

static uint64_t host_clock(void *ctx)
{
    return platform_now_ns();
}

static void host_log(void *ctx, const char *line)
{
    struct lockstep_machine *l = ctx;

    platform_log("%s: %s", l->name, line);
}

/* ---- Counting interrupts: the bus's intack goes through here ----------------- */

#define MACHINES 2u

static struct {
    struct lockstep_machine *l;
    unsigned (*intack)(void *ctx);
} counted[MACHINES];

static unsigned count_intack(void *ctx)
{
    unsigned n = 0;

    while (counted[n].l->m != ctx)
        n++;
    counted[n].l->interrupts++;
    return counted[n].intack(ctx);
}

static void count_interrupts(struct lockstep_machine *l)
{
    unsigned n = 0;

    while (counted[n].l)
        n++;
    counted[n].l = l;
    counted[n].intack = l->m->cpu_bus.intack;
    l->m->cpu_bus.intack = count_intack;
}

/* ---- Making one ---------------------------------------------------------------- */

bool lockstep_machine_create(struct lockstep_machine *l, const char *name,
                             const char *image, int64_t rtc, int shift)
{
    struct machine_config config = {
        .name = name, .ram_bytes = LOCKSTEP_RAM, .engine = &engine_interp,
        .bios = firmware_bios,
        .bios_size = (size_t)(firmware_bios_end - firmware_bios),
        .roms = &l->rom, .rom_count = 1, .boot_order = "c",
        .rtc_base = rtc, .icount_shift = shift, .host = &l->host,
    };
    const char *error = "";
    char why[160] = "";

    l->name = name;
    l->engine = &engine_interp;
    l->serial_hash = 0xcbf29ce484222325ull;
    l->host = (struct machine_host){
        .ctx = l, .clock_ns = host_clock, .log = host_log,
        .code_memory = platform_code_alloc,
        .code_memory_free = platform_code_free,
    };
    l->serial = (struct chardev){ l, serial_write, serial_read, NULL };
    l->rom = (struct machine_rom){
        "pci1234,1111.rom", firmware_vgabios,
        (size_t)(firmware_vgabios_end - firmware_vgabios)
    };
    l->ram = platform_pages_alloc(LOCKSTEP_RAM);
    if (!l->ram || disk_image_open(&l->disk, image, DISK_SNAPSHOT, why,
                                   sizeof why)) {
        platform_log("%s: %s", name, l->ram ? why : "no memory");
        return false;
    }
    config.ram = l->ram;
    config.ide[0].disk = &l->disk.dev;
    config.serial[0] = &l->serial;
    l->m = machine_create(&config, &error);
    if (!l->m) {
        platform_log("%s: %s", name, error);
        return false;
    }
    count_interrupts(l);
    return true;
}

bool lockstep_machine_engine(struct lockstep_machine *l,
                             const struct engine_ops *engine)
{
    struct machine *m = l->m;

    if (engine == l->engine)
        return true;
    l->engine->destroy(m->engine);
    l->engine = m->config.engine = engine;
    m->engine = engine->create(&m->cpu);
    if (!m->engine)
        platform_log("%s: engine %s: no memory", l->name, engine->name);
    return m->engine;
}

void lockstep_machine_say_engine(struct lockstep_machine *l)
{
    static char text[2048];
    char *save = NULL;

    if (!l->engine->info)
        return;
    l->engine->info(l->m->engine, text, sizeof text);
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        platform_log("  %s", line);
}
