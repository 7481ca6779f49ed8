/* See commands_help.h. */
#include "kernel/console/commands_help.h"

#include <stddef.h>
#include <string.h>

#include "kernel/log_items.h"

#define EXPRESSION \
    "A value is a number (12, 0x1f, 017, 'c'), $register ($eax, $cs,\n" \
    "$cs.base, $cr3, $pc), or several with + - * / % & | ^ ~ and ( );\n" \
    "& | ^ bind tighter than + and -, as in qemu.\n"

static const char dump[] =
    "/FMT is /[N][xduoci][bhwg]: how many, as what (hexadecimal, signed,\n"
    "unsigned, octal, characters, instructions), of 1, 2, 4 or 8 bytes each:\n"
    "x/16xb 0x7c00, x/5i $pc. Without it as the last time, /xw at first. The\n"
    "guest does not notice.\n" EXPRESSION;

static const char port[] =
    "/FMT is /b, /h or /w for 1, 2 or 4 bytes. The device does what it does\n"
    "when the guest's CPU accesses it. i 0x70 0x0d writes 0dh to port 70h and\n"
    "reads port 71h.\n";

static const char save[] =
    "FILE is one of the host's; - prints up to 64 KiB as base64 instead, which\n"
    "is all that there is on the appliance.\n" EXPRESSION;

static const struct {
    const char *name, *text;
} details[] = {
    { "x", dump }, { "xp", dump }, { "i", port }, { "o", port },
    { "print", "/FMT is one of /x /d /u /o /c; /x without it.\n" EXPRESSION },
    { "memsave", save }, { "pmemsave", save },
    { "sum", "As BSD's sum(1): 16 bits, in decimal.\n" EXPRESSION },
    { "sendkey", "Keys are pressed one after the other and released after MS "
      "milliseconds\n(100). Tab lists their names; 0x1e is a scan code of set "
      "1; one character is typed\nas by the layout of -k. sendkey a, sendkey "
      "ctrl-alt-delete, sendkey alt-sysrq-s 500\n" },
    { "mouse_move", "DX to the right, DY down, DZ the wheel upwards.\n" },
    { "mouse_button", "The sum of those that are down; 0 releases all.\n" },
    { "set", "set paging on: long answers stop with --More-- (space, Enter, "
      "q).\nset columns N, set rows N: the size of this terminal (80, 24).\n" },
    { "screendump", "FILE is one of the host's: a PNG if it ends in .png, else "
      "a PPM. Without it,\nor with -, a PNG is printed as base64, which is all "
      "that there is on the\nappliance.\n" },
    { "log", LOG_ITEMS_HELP },
    { "logfile", "FILE is one of the host's, and is made; there is none on the "
      "appliance.\n" },
    { "boot_set", "ORDER is of the letters c (disk), d (CD), n (network): "
      "boot_set dc\n" },
    { "watchdog_action", "WHAT is reset, shutdown, poweroff, pause, debug, none, "
      "inject-nmi or rollback.\n" },
    { "savevm", "TAG is a name; without it one is made from the time.\n" },
    { "machine", "Commands are for the machine that is shown, which this one "
      "chooses.\nWithout an argument it lists them.\n" },
    { "system_powerdown", "A guest that handles ACPI's power button shuts "
      "down; others do nothing.\n" },
    { "system_reset", "Also switches a machine on that is off.\n" },
    { "hostfwd_add", "hostfwd_add tcp::8080-:80: port 8080 of the host leads "
      "to the guest's 80.\n" },
    { "netdev_add", "netdev_add user,id=wan1,vlan=0; TYPE and what follows it "
      "are -netdev's.\n" },
    { "capture", "on: from now on, to memory, or to FILE where there are "
      "files; print: what\nmemory holds, as base64 of a pcap file.\n" },
    { "serial_log", "The last LINES (200), or all of the newest 1 MiB since "
      "power-on, as text;\n-o FILE writes them as they came to a file of the "
      "host's, -o - prints base64.\n" },
    { "gdbserver", "Without an argument at tcp::1234. none: no longer.\n"
      "gdb vmlinux, then: target remote HOST:PORT\n" },
    { "block_resize", "SIZE is in MiB, or has K, M, G or T behind it. The guest "
      "sees it from its next\nreset on; its partitions are its own. A disk does "
      "not become smaller.\n" },
    { "block_set_io_throttle", "Bytes and requests a second: of all, of reads, of "
      "writes. 0 is no limit.\nA limit of all and one of reads or writes exclude "
      "each other. No request is\nheld for more than 5 s. block_set_io_throttle "
      "hda 1000000 0 0 0 0 0\n" },
    { "commit", "all, or hda to hdd: what was written since the start goes to "
      "the image.\n" },
    { "drive_backup", "TARGET is a file that is made, raw; -n: one, a disk or "
      "a partition that is\nthere and is overwritten. -f changes nothing.\n" },
};

const char *monitor_help_detail(const char *name)
{
    for (size_t i = 0; i < sizeof details / sizeof *details; i++)
        if (!strcmp(name, details[i].name))
            return details[i].text;
    return "";
}
