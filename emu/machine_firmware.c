/*
 * What SeaBIOS reads about its machine. CMOS bytes as Bochs and QEMU lay them
 * out (SeaBIOS src/hw/rtc.h); fw_cfg as in emu/dev/fwcfg.h. There is no
 * etc/table-loader: SeaBIOS then builds ACPI tables and SMBIOS by itself.
 */
#include "emu/machine_firmware.h"

#include <string.h>

#include "emu/dev/fwcfg.h"
#include "emu/dev/pvpanic.h"
#include "emu/dev/rtc.h"
#include "emu/machine_setup.h"

#define KIB 1024ull
#define MIB (KIB * KIB)

#define CMOS_FLOPPIES 0x10
#define CMOS_DISKS 0x12
#define CMOS_EQUIPMENT 0x14
#define CMOS_BASE_KB 0x15       /* two bytes */
#define CMOS_EXT_KB 0x17        /* two bytes, above 1 MiB */
#define CMOS_EXT_KB2 0x30       /* the same, as the BIOS found it */
#define CMOS_EXT_64K 0x34       /* two bytes, above 16 MiB, in 64 KiB */
#define CMOS_BOOT1 0x38         /* third boot device in the upper half */
#define CMOS_TRANSLATION 0x39   /* two bits for each of hda..hdd */
#define CMOS_BOOT2 0x3d         /* second and first boot device */
#define CMOS_HIGH_64K 0x5b      /* three bytes, above 4 GiB */
#define EQUIPMENT_FPU 0x02u
#define EQUIPMENT_MOUSE 0x04u
#define BOOT1_NO_FLOPPY_CHECK 0x01u
#define TRANSLATION_LBA 1u
#define CHS_MAX_SECTORS (1024ull * 16 * 63)

static void nvram_set16(struct rtc *rtc, uint8_t index, uint64_t value)
{
    rtc_nvram_set(rtc, index, (uint8_t)value);
    rtc_nvram_set(rtc, index + 1, (uint8_t)(value >> 8));
}

static uint64_t at_most(uint64_t v, uint64_t max)
{
    return v < max ? v : max;
}

static void set_memory(struct rtc *rtc, uint64_t ram)
{
    uint64_t ext_kb = at_most(ram / KIB - 1024, 63 * 1024);
    uint64_t above_16m = ram > 16 * MIB ? ram - 16 * MIB : 0;

    nvram_set16(rtc, CMOS_BASE_KB, 640);
    nvram_set16(rtc, CMOS_EXT_KB, ext_kb);
    nvram_set16(rtc, CMOS_EXT_KB2, ext_kb);
    nvram_set16(rtc, CMOS_EXT_64K, above_16m / (64 * KIB));
    nvram_set16(rtc, CMOS_HIGH_64K, 0);
    rtc_nvram_set(rtc, CMOS_HIGH_64K + 2, 0);
}

/* CMOS code of a boot letter, 0 if there is none. */
static unsigned boot_code(char letter)
{
    static const char letters[] = "acdn";       /* floppy disk CD network */
    const char *p = letter ? strchr(letters, letter) : NULL;

    return p ? (unsigned)(p - letters) + 1 : 0;
}

static void set_boot_order(struct rtc *rtc, const char *order)
{
    unsigned code[3] = { 0 }, n = 0;

    for (; *order && n < 3; order++)
        if (boot_code(*order))
            code[n++] = boot_code(*order);
    rtc_nvram_set(rtc, CMOS_BOOT2, (uint8_t)(code[1] << 4 | code[0]));
    rtc_nvram_set(rtc, CMOS_BOOT1,
                  (uint8_t)(code[2] << 4 | BOOT1_NO_FLOPPY_CHECK));
}

/*
 * Disks too large for plain CHS, whose geometry nobody chose, are presented
 * to int 13h in LBA translation, as QEMU does.
 */
static unsigned translation_of(const struct machine_ide *u)
{
    static const uint8_t codes[] = {    /* SeaBIOS, src/hw/rtc.h */
        [MACHINE_TRANSLATION_NONE] = 0,
        [MACHINE_TRANSLATION_LBA] = TRANSLATION_LBA,
        [MACHINE_TRANSLATION_LARGE] = 2, [MACHINE_TRANSLATION_RECHS] = 3,
    };

    if (!u->disk || u->is_cdrom)
        return 0;
    if (u->translation != MACHINE_TRANSLATION_AUTO)
        return codes[u->translation];
    return !u->cylinders && u->disk->sectors > CHS_MAX_SECTORS
               ? TRANSLATION_LBA : 0;
}

static void set_translation(struct rtc *rtc, const struct machine_config *c)
{
    unsigned v = 0;

    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++)
        v |= translation_of(&c->ide[i]) << 2 * i;
    rtc_nvram_set(rtc, CMOS_TRANSLATION, (uint8_t)v);
}

static void set_nvram(struct machine *m)
{
    const struct machine_config *c = &m->config;
    struct rtc *rtc = m->d.rtc;

    set_memory(rtc, c->ram_bytes);
    rtc_nvram_set(rtc, CMOS_FLOPPIES, 0);
    rtc_nvram_set(rtc, CMOS_EQUIPMENT, EQUIPMENT_FPU | EQUIPMENT_MOUSE);
    rtc_nvram_set(rtc, CMOS_DISKS,
                  (c->ide[0].disk && !c->ide[0].is_cdrom ? 0xf0 : 0) |
                  (c->ide[1].disk && !c->ide[1].is_cdrom ? 0x0f : 0));
    set_translation(rtc, c);
    set_boot_order(rtc, c->boot_order ? c->boot_order : "cd");
}

static int set_items(struct machine *m)
{
    static const struct {
        uint16_t key;
        uint8_t size;
        uint64_t value;
    } items[] = {
        { FWCFG_NB_CPUS, 2, 1 },
        { FWCFG_MAX_CPUS, 2, 1 },
        { FWCFG_NOGRAPHIC, 2, 0 },      /* BIOS text on the VGA alone */
        { FWCFG_IRQ0_OVERRIDE, 1, 1 },
    };
    struct fwcfg *fw = m->d.fwcfg;
    int error = fwcfg_set_int(fw, FWCFG_RAM_SIZE, m->config.ram_bytes, 8);

    if (!error)
        error = fwcfg_set_int(fw, FWCFG_BOOT_MENU, m->config.boot_menu, 2);

    for (unsigned i = 0; !error && i < sizeof items / sizeof items[0]; i++)
        error = fwcfg_set_int(fw, items[i].key, items[i].value, items[i].size);
    return error;
}

static int add_files(struct machine *m)
{
    /* S3 and S4 are not there (upper bit clear); S5 is SLP_TYP 0. */
    static const uint8_t sleep_states[6] = { 128, 0, 0, 1, 2, 128 };
    /* SeaBIOS's ACPI tables name it then. */
    static const uint8_t pvpanic_port[2] = {
        PVPANIC_PORT & 0xff, PVPANIC_PORT >> 8
    };
    const struct machine_config *c = &m->config;
    struct fwcfg *fw = m->d.fwcfg;
    int error;

    m->e820 = (struct machine_e820){ 0, c->ram_bytes, 1 };
    error = fwcfg_add_file(fw, "etc/e820", &m->e820, sizeof m->e820);
    if (!error)
        error = fwcfg_add_file(fw, "etc/system-states", sleep_states,
                               sizeof sleep_states);
    if (!error && c->pvpanic)
        error = fwcfg_add_file(fw, "etc/pvpanic-port", pvpanic_port,
                               sizeof pvpanic_port);
    for (unsigned i = 0; !error && i < c->rom_count; i++)
        error = fwcfg_add_file(fw, c->roms[i].fw_cfg_name, c->roms[i].data,
                               c->roms[i].size);
    return error;
}

int machine_firmware_init(struct machine *m)
{
    int error;

    set_nvram(m);
    error = set_items(m);
    return error ? error : add_files(m);
}

int machine_set_uuid(struct machine *m, const uint8_t uuid[16])
{
    /* SeaBIOS: byte 8 of the structure of type 1 (SMBIOS 2.4, 3.3.2). */
    return fwcfg_add_file(m->d.fwcfg, "smbios/field1-8", uuid, 16);
}

void machine_set_boot_order(struct machine *m, const char *order)
{
    set_boot_order(m->d.rtc, order);
}
