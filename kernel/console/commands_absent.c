/* See commands_absent.h. */
#include "kernel/console/commands_absent.h"

#include <stddef.h>
#include <string.h>

static const char no_sound[] = "the guest's PC has no sound card";
static const char no_usb[] = "the guest's PC has no USB";
static const char no_hotplug[] =
    "the guest's PC has no slots for devices that come and go; its cables\n"
    "do: netdev_add, set_link";
static const char no_migration[] =
    "no other program takes a running machine over; savevm keeps it on a\n"
    "disk, and -loadvm goes on from there";
static const char no_screen_server[] = "there is no SPICE server, and VNC's password does not expire";
static const char no_chardev[] =
    "the guest's serial ports are what -serial made of them at the start";
static const char no_block_jobs[] =
    "a job is the command that began it, one at a time; Ctrl-c cancels it";
static const char no_nbd[] = "disks are served to nobody; drive_backup copies "
    "one";
static const char no_trace[] =
    "this program has no trace events; 'info engine' and 'info network' "
    "count";
static const char no_exec_log[] =
    "what the guest executes is not logged; x/i, info registers and stop\n"
    "look at it, and what it did wrong is in the host's log in any case";

static const struct {
    const char *name, *why;
} absent[] = {
    { "wavcapture", no_sound }, { "stopcapture", no_sound },
    { "usb_add", no_usb }, { "usb_del", no_usb },
    { "device_add", no_hotplug }, { "device_del", no_hotplug },
    { "drive_add", no_hotplug }, { "drive_del", no_hotplug },
    { "pci_add", no_hotplug }, { "pci_del", no_hotplug },
    { "migrate", no_migration }, { "migrate_cancel", no_migration },
    { "migrate_set_speed", no_migration },
    { "migrate_set_parameter", no_migration },
    { "migrate_set_capability", no_migration },
    { "expire_password", no_screen_server },
    { "chardev-add", no_chardev }, { "chardev-change", no_chardev },
    { "chardev-remove", no_chardev },
    { "block_job_cancel", no_block_jobs },
    { "block_job_complete", no_block_jobs },
    { "block_job_pause", no_block_jobs },
    { "block_job_resume", no_block_jobs },
    { "block_job_set_speed", no_block_jobs },
    { "drive_mirror", "a copy that follows its disk is not there; drive_backup "
      "copies it\nas it is at one moment" },
    { "block_stream", no_block_jobs },
    { "snapshot_blkdev", "snapshots are of the machine and all its disks: "
      "savevm" },
    { "nbd_server_start", no_nbd }, { "nbd_server_add", no_nbd },
    { "nbd_server_stop", no_nbd },
    { "trace-event", no_trace }, { "trace-file", no_trace },
    { "log", no_exec_log },
    { "logfile", "the host's log goes to this line; what reads it can keep it" },
    { "singlestep", no_exec_log }, { "one-insn-per-tb", no_exec_log },
    { "balloon", "the guest's memory is what -m says, all of the time" },
    { "cpu", "the guest's PC has one CPU, and commands are for it" },
    { "mce", "no machine check is injected" },
    { "client_migrate_info", no_migration },
    { "dump-guest-memory", "pmemsave writes the guest's memory as it is" },
    { "qom-list", "'info qtree' shows the devices" },
    { "qom-get", "'info qtree' shows the devices" },
    { "qom-set", "'info qtree' shows the devices" },
    { "qemu-io", "a disk's content is the guest's; 'trestle image' looks at "
      "images" },
    { "getfd", "no program hands files to this one" },
    { "closefd", "no program hands files to this one" },
    { "exit_preconfig", "there is no -preconfig" },
};

static const struct {
    const char *subject, *why;
} absent_infos[] = {
    { "kvm", "'info engine' says what runs the guest" },
    { "usb", no_usb }, { "usbhost", no_usb },
    { "numa", "the guest's PC has one CPU and one memory" },
    { "balloon", "the guest's memory is what -m says, all of the time" },
    { "migrate", no_migration }, { "spice", no_screen_server },
    { "tpm", "the guest's PC has no TPM" },
    { "trace-events", no_trace },
    { "block-jobs", no_block_jobs },
    { "iothreads", "'info cpus' shows what runs on which core" },
    { "roms", "'info mtree' shows where ROM is" },
    { "memory_size_summary", "the guest's memory is what -m says" },
    { "profile", "'info engine' counts" },
};

const char *monitor_absent_info(const char *subject)
{
    for (size_t i = 0; i < sizeof absent_infos / sizeof *absent_infos; i++)
        if (!strcmp(subject, absent_infos[i].subject))
            return absent_infos[i].why;
    return NULL;
}

const char *monitor_absent(const char *name)
{
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (!strcmp(name, absent[i].name))
            return absent[i].why;
    return NULL;
}
