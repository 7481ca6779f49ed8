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
static const char no_screen_server[] =
    "there is no SPICE server, and VNC's password does not expire";
static const char no_chardev[] =
    "the guest's serial ports are what -serial made of them at the start";
static const char no_block_jobs[] =
    "a job is the command that began it, one at a time; Ctrl-c cancels it";
static const char no_disk_snapshot[] =
    "snapshots are of the machine and all its disks: savevm";
static const char no_nbd[] = "disks are served to nobody; drive_backup copies "
    "one";
static const char no_trace[] =
    "this program has no trace events; 'info engine' and 'info network' "
    "count";
static const char no_replay[] =
    "no run is recorded; with -icount runs are alike, and savevm keeps one";
static const char no_host_address[] =
    "where the host keeps the guest's memory is its own; xp shows what is there";
static const char only_m[] = "the guest's memory is what -m says, all of the time";
static const char qtree[] = "'info qtree' shows the devices";
static const char engine[] = "'info engine' counts";
static const char no_switch[] = "the guest's PC has no switch (rocker) in it";
static const char no_virtio[] = "the guest's PC has no virtio devices";
static const char no_enclave[] =
    "the guest's memory is neither encrypted nor in an enclave";
static const char no_exec_log[] =
    "what the guest executes is not logged; x/i, info registers and gdb\n"
    "look at it, and log guest_errors tells what it did wrong";

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
    { "migrate_continue", no_migration }, { "migrate_incoming", no_migration },
    { "migrate_pause", no_migration }, { "migrate_recover", no_migration },
    { "migrate_start_postcopy", no_migration },
    { "x_colo_lost_heartbeat", no_migration },
    { "calc_dirty_rate", no_migration },
    { "set_vcpu_dirty_limit", no_migration },
    { "cancel_vcpu_dirty_limit", no_migration },
    { "replay_break", no_replay }, { "replay_delete_break", no_replay },
    { "replay_seek", no_replay },
    { "gpa2hva", no_host_address }, { "gpa2hpa", no_host_address },
    { "gva2gpa", "'info tlb' shows where linear addresses lead" },
    { "dumpdtb", "a PC has no device tree to dump" },
    { "pcie_aer_inject_error", "the guest's PC has no PCI Express" },
    { "system_wakeup", "the guest's PC has no sleep states, only off" },
    { "sync-profile", no_trace },
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
    { "snapshot_blkdev", no_disk_snapshot },
    { "snapshot_blkdev_internal", no_disk_snapshot },
    { "snapshot_delete_blkdev_internal", no_disk_snapshot },
    { "nbd_server_start", no_nbd }, { "nbd_server_add", no_nbd },
    { "nbd_server_remove", no_nbd }, { "nbd_server_stop", no_nbd },
    { "trace-event", no_trace }, { "trace-file", no_trace },
    { "singlestep", no_exec_log }, { "one-insn-per-tb", no_exec_log },
    { "balloon", only_m },
    { "cpu", "the guest's PC has one CPU, and commands are for it" },
    { "mce", "no machine check is injected" },
    { "client_migrate_info", no_migration },
    { "dump-guest-memory", "pmemsave writes the guest's memory as it is" },
    { "qom-list", qtree }, { "qom-get", qtree }, { "qom-set", qtree },
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
    { "balloon", only_m }, { "memory_size_summary", only_m },
    { "memdev", only_m }, { "ramblock", only_m },
    { "memory-devices", no_hotplug }, { "hotpluggable-cpus", no_hotplug },
    { "migrate", no_migration }, { "migrate_capabilities", no_migration },
    { "migrate_parameters", no_migration }, { "rdma", no_migration },
    { "dirty_rate", no_migration }, { "vcpu_dirty_limit", no_migration },
    { "spice", no_screen_server },
    { "dump", "pmemsave writes the guest's memory as it is" },
    { "qdm", qtree }, { "qom-tree", qtree },
    { "replay", no_replay },
    { "opcount", engine }, { "profile", engine }, { "stats", engine },
    { "sync-profile", no_trace },
    { "rocker", no_switch }, { "rocker-ports", no_switch },
    { "rocker-of-dpa-flows", no_switch },
    { "rocker-of-dpa-groups", no_switch },
    { "sev", no_enclave }, { "sgx", no_enclave },
    { "virtio", no_virtio }, { "virtio-status", no_virtio },
    { "virtio-queue-status", no_virtio },
    { "virtio-queue-element", no_virtio },
    { "virtio-vhost-queue-status", no_virtio },
    { "vm-generation-id", "the guest's PC has none; 'info uuid' is constant" },
    { "tpm", "the guest's PC has no TPM" },
    { "trace-events", no_trace },
    { "block-jobs", no_block_jobs },
    { "iothreads", "'info cpus' shows what runs on which core" },
    { "roms", "'info mtree' shows where ROM is" },
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
