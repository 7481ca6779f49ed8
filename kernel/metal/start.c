/*
 * The bare machine from boot/entry.S to kernel_main: the order in which its
 * parts come up.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "drivers/usb/usb.h"
#include "kernel/config.h"
#include "kernel/disk/disk_selftest.h"
#include "kernel/main.h"
#include "kernel/metal/acpi.h"
#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/cmdline.h"
#include "kernel/metal/console.h"
#include "kernel/metal/devices.h"
#include "kernel/metal/files.h"
#include "kernel/metal/log.h"
#include "kernel/metal/memory.h"
#include "kernel/metal/multiboot.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/panic.h"
#include "kernel/metal/host_pci.h"
#include "kernel/metal/input.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/screen.h"
#include "kernel/metal/smp.h"
#include "kernel/metal/symbols.h"
#include "kernel/metal/trap.h"
#include "kernel/metal/uart_selftest.h"
#include "kernel/metal/wall.h"
#include "kernel/platform.h"
#include "kernel/selftest.h"

#define LINE_BYTES 4096u

static struct multiboot_info boot;
static struct metal_options options;
static char words[LINE_BYTES];
/* Two more for -uart and its value out of trestle.conf. */
static char *argv[CMDLINE_MAX_WORDS + 3];
static char uart_option[] = "-uart";
static char uart_settings[128];
static char program[] = "trestle";
static int argc;
static char option_error[160];

_Noreturn void metal_start(uint32_t magic, uint32_t info);

/* In front of the line's own words, so that a -uart there counts for more. */
static int add_configured_uart(int words)
{
    const char *name = CONFIG_DEFAULT_NAME, *text;
    size_t size;

    for (int i = 1; i + 1 < words; i++)
        if (!strcmp(argv[i], "-readconfig"))
            name = argv[i + 1];
    text = files_find(&boot, name, &size);
    if (!text || !config_find(text, size, "uart", uart_settings,
                              sizeof uart_settings))
        return words;
    memmove(argv + 3, argv + 1, (size_t)words * sizeof *argv);
    argv[1] = uart_option;
    argv[2] = uart_settings;
    return words + 2;
}

/* argv from the loader's line; argv[0] is the program's name. */
static void read_command_line(void)
{
    int n = strlen(boot.command_line) < LINE_BYTES
                ? cmdline_split(boot.command_line, words, argv + 1,
                                CMDLINE_MAX_WORDS)
                : -1;

    argv[0] = program;
    if (n < 0)
        argv[1] = NULL;
    argc = add_configured_uart(n < 0 ? 1 : n + 1);
    argc = metal_options_take(&options, argc, argv, option_error,
                              sizeof option_error);
    if (n < 0)
        strcpy(option_error, "the command line is too long or has an open "
                             "quote: ignored");
}

static void greet(void)
{
    char id[48];

    build_id_text(id, sizeof id);
    platform_log("Trestle on the bare machine, build %s", id);
    platform_log("loaded by %s: %s", boot.loader, boot.command_line);
    if (*option_error)
        platform_log("%s", option_error);
    if (boot.refused)
        platform_log("%u items of the boot information were not usable",
                     boot.refused);
}

static void start_memory(uint32_t info, size_t info_size)
{
    memory_init(&boot, info, info_size);
    paging_init(&boot);
    screen_init(&boot.screen);
    platform_log("memory: %lu MiB free", memory_free_bytes() >> 20);
}

static void start_devices(void)
{
    acpi_init(&boot);
    apic_init();
    clock_init();
    apic_timer_init();
    wall_init();
    host_pci_init();
    interrupts_on();
    console_late(&options);
    files_init(&boot);
    usb_is_wanted = !options.usb_off;
    devices_init();
    input_init();
    smp_init();
}

static void selftest(const char *name)
{
    if (!strcmp(name, "platform"))
        platform_poweroff(selftest_platform() != 0);
    if (!strcmp(name, "disks"))
        platform_poweroff(selftest_disks() != 0);
    if (!panic_selftest(name) && !uart_selftest_start(name))
        platform_log("-selftest: there is no '%s'", name);
}

void metal_start(uint32_t magic, uint32_t info)
{
    const void *block = paging_direct(info);
    size_t info_size = multiboot_size(block);
    bool parsed;
    int status;

    percpu_init(0);
    trap_init();
    parsed = info_size && multiboot_parse(block, info_size, &boot);
    if (!parsed)
        boot.command_line = "";
    read_command_line();
    panic_set_halt(options.no_reboot);
    console_early(&options);
    if (!parsed)
        platform_fatal("the boot information is damaged");
    greet();
    start_memory(info, info_size);
    start_devices();
    if (options.selftest)
        selftest(options.selftest);
    status = kernel_main(argc, argv);
    uart_selftest_end();
    platform_poweroff(status);
}
