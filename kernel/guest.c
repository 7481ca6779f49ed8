/* See guest.h. */
#include "kernel/date.h"
#include "kernel/debug/gdbstub.h"
#include "kernel/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/machine_log.h"
#include "emu/machine_setup.h"
#include "kernel/disassemble.h"
#include "kernel/engine_choice.h"
#include "kernel/firmware.h"
#include "kernel/guest_log.h"
#include "kernel/guest_media.h"
#include "kernel/net/net.h"
#include "kernel/platform.h"
#include "kernel/slots/slots.h"
#include "kernel/snapshot/vmstate.h"
#include "kernel/watch/crash.h"
#include "kernel/watch/watch.h"

#define ROM_MAX (512u << 10)
#define NS_PER_S 1000000000
#define SPLASH_MAX (8u << 20)
/* The interpreter's, the devices', frames and what a disk may grow. */
#define OVERHEAD_BYTES (64u << 20)

/* ---- What the machine asks of us ------------------------------------------ */

static uint64_t host_clock(void *ctx)
{
    (void)ctx;
    return platform_now_ns();
}

static uint64_t host_tsc(void *ctx)
{
    (void)ctx;
    return __builtin_ia32_rdtsc();
}

static void host_debug_char(void *ctx, uint8_t c)
{
    struct guest *g = ctx;

    if (c != '\n' && g->debug_len < sizeof g->debug_line - 1) {
        if (c >= ' ')
            g->debug_line[g->debug_len++] = c;
        return;
    }
    g->debug_line[g->debug_len] = '\0';
    g->debug_len = 0;
    platform_log("%s: bios: %s", g->options->name, g->debug_line);
}

/* ---- Firmware, disks, the machine ------------------------------------------- */

/* Read an option's ROM, a whole file or module; NULL and `why`. */
static uint8_t *load_rom(const char *option, const char *name, unsigned most,
                         size_t *out_size, char *why, size_t why_size)
{
    struct platform_file f;
    int r = platform_file_open(name, false, &f);
    uint8_t *data = NULL;

    if (r) {
        snprintf(why, why_size, "%s: cannot open '%s': %s", option, name,
                 strerror(-r));
        return NULL;
    }
    if (!f.size || f.size > most) {
        snprintf(why, why_size, "%s: '%s' has %llu bytes, and may have 1 to %u",
                 option, name, (unsigned long long)f.size, most);
    } else if ((data = platform_pages_alloc(f.size))) {
        r = platform_file_read(&f, 0, data, f.size);
        *out_size = f.size;
        snprintf(why, why_size, "%s: '%s': %s", option, name, strerror(-r));
        if (r) {
            platform_pages_free(data, f.size);
            data = NULL;
        }
    } else {
        snprintf(why, why_size, "%s: no memory for '%s'", option, name);
    }
    platform_file_close(&f);
    return data;
}

/* What the BIOS shows while it waits for Esc: fw_cfg files by SeaBIOS's names. */
static int load_splash(struct guest *g, struct machine_config *c, char *why,
                       size_t size)
{
    const struct options *o = g->options;
    struct machine_rom *rom = &g->roms[c->rom_count];

    c->boot_menu = o->boot_menu;
    if (o->has_splash_time) {
        g->boot_menu_wait[0] = (uint8_t)o->splash_ms;
        g->boot_menu_wait[1] = (uint8_t)(o->splash_ms >> 8);
        *rom++ = (struct machine_rom){ "etc/boot-menu-wait", g->boot_menu_wait,
                                       sizeof g->boot_menu_wait };
        c->rom_count++;
    }
    if (!*o->splash)
        return 0;
    rom->data = load_rom("-boot splash=", o->splash, SPLASH_MAX, &rom->size,
                         why, size);
    if (!rom->data)
        return -EINVAL;
    c->rom_count++;
    if (rom->size > 2 && !memcmp(rom->data, "BM", 2))
        rom->fw_cfg_name = "bootsplash.bmp";
    else if (rom->size > 2 && !memcmp(rom->data, "\xff\xd8", 2))
        rom->fw_cfg_name = "bootsplash.jpg";
    if (rom->fw_cfg_name)
        return 0;
    snprintf(why, size, "-boot splash=: '%s' is no BMP and no JPEG",
             o->splash);
    return -EINVAL;
}

static int load_firmware(struct guest *g, struct machine_config *c, char *why,
                         size_t size)
{
    c->bios = firmware_bios;
    c->bios_size = firmware_bios_end - firmware_bios;
    if (g->options->bios) {
        c->bios = load_rom("-bios", g->options->bios, ROM_MAX, &c->bios_size,
                           why, size);
        if (!c->bios)
            return -EINVAL;
    }
    g->roms[0] = (struct machine_rom){
        "pci1234,1111.rom", firmware_vgabios,
        firmware_vgabios_end - firmware_vgabios
    };
    c->roms = g->roms;
    c->rom_count = 1;
    for (unsigned i = 0; g->net && i < MACHINE_NICS; i++) {
        struct machine_rom *rom = &g->roms[c->rom_count];

        /* One file serves all NE2000s: fw_cfg names it by PCI id. */
        if (!net_port(g->net, i) || !*net_romfile(g->net, i))
            continue;
        rom->fw_cfg_name = "pci10ec,8029.rom";
        rom->data = load_rom("-net nic,romfile=", net_romfile(g->net, i),
                             ROM_MAX, &rom->size, why, size);
        if (!rom->data)
            return -EINVAL;
        c->rom_count++;
        break;
    }
    return 0;
}

static unsigned drive_flags(const struct options *o,
                            const struct drive_option *d)
{
    bool snapshot = d->snapshot == DRIVE_SNAPSHOT_DEFAULT
                        ? o->snapshot && !d->read_only
                        : d->snapshot == DRIVE_SNAPSHOT_ON;

    return (d->is_cdrom ? DISK_CDROM : 0) | (snapshot ? DISK_SNAPSHOT : 0) |
           (d->read_only ? DISK_READ_ONLY : 0) |
           (d->format == IMAGE_RAW ? DISK_RAW : 0) |
           (d->format == IMAGE_QCOW2 ? DISK_QCOW2 : 0);
}

/*
 * A CD drive without a CD has them, too. With -icount a request takes no time,
 * and what ended in a task would end at another instruction each run.
 */
static int set_throttle(struct guest *g, unsigned unit)
{
    if (g->options->icount_shift >= 0)
        return 0;
    return disk_image_throttle(&g->disk[unit],
                               &g->options->drive[unit].throttle);
}

static int open_disks(struct guest *g, struct machine_config *c, char *why,
                      size_t size)
{
    const struct options *o = g->options;

    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++) {
        const struct drive_option *d = &o->drive[i];
        struct machine_ide *ide = &c->ide[i];
        char reason[400];
        int r;

        ide->is_cdrom = d->is_cdrom;
        if (!*d->file) {
            set_throttle(g, i);
            continue;
        }
        r = disk_image_open_over(&g->disk[i], d->file, drive_flags(o, d),
                                 d->overlay, d->overlay_init, reason,
                                 sizeof reason);
        if (r) {
            snprintf(why, size, "-hd%c: %s", 'a' + i, reason);
            return r;
        }
        ide->disk = &g->disk[i].dev;
        /* With -icount the I/O core runs it, and a request takes no time. */
        r = o->icount_shift < 0 ? disk_image_start_worker(&g->disk[i]) : 0;
        if (!r)
            r = set_throttle(g, i);
        if (r) {
            snprintf(why, size, "-hd%c: cannot start a task for '%.40s': %s",
                     'a' + i, d->file, strerror(-r));
            return r;
        }
    }
    c->ide[0].cylinders = o->hdachs.cylinders;
    c->ide[0].heads = o->hdachs.heads;
    c->ide[0].sectors = o->hdachs.sectors;
    c->ide[0].translation = o->hdachs.translation;
    return 0;
}

static int64_t host_wall(void *ctx)
{
    return platform_wall_ns();
}

static void set_rtc(const struct options *o, struct machine_config *c)
{
    int64_t now = platform_wall_ns();

    c->rtc_follows = !o->rtc_vm;
    c->rtc_slew = o->rtc_slew;
    c->rtc_base = now / NS_PER_S;
    c->rtc_base_ns = (uint32_t)(now % NS_PER_S);
    if (o->rtc_base == RTC_LOCALTIME)
        c->rtc_base = date_local(c->rtc_base);
    if (o->rtc_base == RTC_DATE || o->icount_shift >= 0)
        c->rtc_base_ns = 0;     /* the same in each run */
    if (o->rtc_base == RTC_DATE)
        c->rtc_base = o->rtc_date;
}

static int make_machine(struct guest *g, struct machine_config *c, char *why,
                        size_t size)
{
    const struct options *o = g->options;
    const char *error = "out of memory";
    int r = o->log_file ? guest_log_file(g, o->log_file) : 0;

    if (r) {
        snprintf(why, size, "-D %.100s: %s", o->log_file,
                 r == -ENOTSUP ? "there is no place for files here; without "
                                 "it, -d goes to the log" : strerror(-r));
        return r;
    }
    g->ram = platform_pages_alloc(o->ram_bytes);
    if (!g->ram) {
        snprintf(why, size, "-m %u: this host has not that much free memory",
                 (unsigned)(o->ram_bytes >> 20));
        return -ENOMEM;
    }
    g->host = (struct machine_host){
        .ctx = g, .clock_ns = host_clock, .log = guest_log,
        .log_item = guest_log_item,
        .wall_ns = host_wall,
        .tsc = platform_tsc_is_steady() ? host_tsc : NULL,
        .debug_char = o->debugcon ? host_debug_char : NULL,
        .event = crash_take_event,
        .code_memory = platform_code_alloc,
        .code_memory_free = platform_code_free,
        .windows = platform_windows,
        .disassemble = disassemble,
    };
    c->name = o->name;
    c->ram = g->ram;
    c->ram_bytes = o->ram_bytes;
    c->check_every = o->check_every;
    c->window = o->window;
    c->cpu_model = engine_choice_model(g);
    c->boot_order = *o->boot_order ? o->boot_order : NULL;
    c->i6300esb = o->i6300esb;
    c->ib700 = o->ib700;
    c->pvpanic = o->pvpanic;
    set_rtc(o, c);
    c->lose_ticks = o->lose_ticks;
    c->icount_shift = o->icount_shift;
    c->icount_jumps = o->icount_jumps;
    c->host = &g->host;
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        c->serial[i] = g->serial[i] ? &g->serial[i]->chr : NULL;
    for (unsigned i = 0; g->net && i < MACHINE_NICS; i++)
        c->nic[i] = net_port(g->net, i);
    do {
        c->engine = g->engine;
        g->machine = machine_create(c, &error);
    } while (!g->machine && engine_choose_next(g, error));
    if (!g->machine) {
        snprintf(why, size, "cannot make the machine: %s", error);
        return -EINVAL;
    }
    machine_log_items(g->machine, o->log_items);
    g->watchdog_action = o->watchdog_action;
    machine_on_watchdog(g->machine, watch_action_reaction(g->watchdog_action));
    machine_on_panic(g->machine, watch_action_reaction(o->panic_action));
    if (!o->uuid || !machine_set_uuid(g->machine, o->uuid_bytes))
        return 0;
    snprintf(why, size, "-uuid: the firmware's table is full");
    return -ENOSPC;
}

uint64_t guest_memory(const struct options *o)
{
    return o->ram_bytes + OVERHEAD_BYTES;
}

int guest_create(const struct options *o, unsigned number, uint64_t reserve,
                 struct guest **out, char *why, size_t why_size)
{
    struct machine_config c = { 0 };
    struct guest *g = calloc(1, sizeof *g);
    int r = -ENOMEM;

    snprintf(why, why_size, "out of memory");
    if (!g)
        return r;
    g->options = o;
    g->number = number;
    g->reserve = reserve;
    if (!engine_choice_model(g)) {
        snprintf(why, why_size, "-cpu %s: no such model; -cpu help lists "
                 "them", o->cpu);
        r = -EINVAL;
        goto fail;
    }
    g->crashes = crash_log_create();
    g->watch = watch_create(g);
    if (!g->crashes || !g->watch)
        goto fail;
    if ((r = engine_choose(g, why, why_size)) ||
        (r = guest_serials_create(g)) ||
        (r = net_create(o, number - 1, &g->net, why, why_size)) ||
        (r = load_firmware(g, &c, why, why_size)) ||
        (r = load_splash(g, &c, why, why_size)) ||
        (r = open_disks(g, &c, why, why_size)) ||
        (r = vmstate_open(o->vmstate, &g->snapshots, why, why_size)) ||
        (r = make_machine(g, &c, why, why_size)))
        goto fail;
    *out = g;
    return 0;
fail:
    guest_destroy(g);
    return r;
}

void guest_destroy(struct guest *g)
{
    if (!g)
        return;
    gdbstub_close(g);
    if (g->machine)
        machine_destroy(g->machine);
    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++) {
        disk_image_close(&g->disk[i]);
        guest_forget_medium(g, i);
    }
    guest_log_close(g);
    vmstate_close(g->snapshots);
    if (g->net)
        net_destroy(g->net);
    guest_serials_destroy(g);
    if (g->ram)
        platform_pages_free(g->ram, g->options->ram_bytes);
    watch_destroy(g->watch);
    crash_log_destroy(g->crashes);
    free(g);
}

bool guest_has_slot(const struct guest *g)
{
    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++)
        if (slots_disk_is(g->options->drive[i].file))
            return true;
    return false;
}

int guest_drive_number(const struct guest *g, const char *name)
{
    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++) {
        const struct drive_option *d = &g->options->drive[i];
        const char plain[] = { 'h', 'd', (char)('a' + i), '\0' };
        char bus[16];

        snprintf(bus, sizeof bus, "ide%u-%s%u", i / 2,
                 d->is_cdrom ? "cd" : "hd", i % 2);
        if ((d->used || g->disk[i].top) &&
            (!strcmp(name, plain) || !strcmp(name, bus) ||
             (i == 2 && d->is_cdrom && !strcmp(name, "cdrom"))))
            return (int)i;
    }
    return -1;
}

struct disk_image *guest_disk(struct guest *g, const char *name)
{
    int i = guest_drive_number(g, name);

    return i >= 0 && g->disk[i].top ? &g->disk[i] : NULL;
}

int guest_format_disks(const struct guest *g, int only,
                       guest_disk_format *format, char *buf, size_t size)
{
    size_t used = 0;

    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++) {
        char unit[4] = { 'h', 'd', 'a' + i, '\0' };

        if (!g->options->drive[i].used || (only >= 0 && (int)i != only))
            continue;
        used += format(&g->disk[i], unit, used < size ? buf + used : NULL,
                       used < size ? size - used : 0);
    }
    if (!used && size)
        buf[0] = '\0';
    return used;
}
