/* Which of a machine's network cards and disk controllers are driven, what
 * becomes of those that are not, and how disks are numbered, against fakes of
 * the PCI bus and of what drivers are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/metal/devices.c"
#include "kernel/metal/devices_disk.c"
#include "kernel/metal/devices_nic.c"

static struct host_pci_function functions[2];
static unsigned disabled[2];
static bool mastering[2];

/* ---- What it calls ------------------------------------------------------- */

struct input metal_input;

unsigned host_pci_count(void) { return 2; }
const struct host_pci_function *host_pci_get(unsigned i)
{
    return &functions[i];
}

uint32_t host_pci_read32(const struct host_pci_function *f, unsigned reg)
{
    return ~0u;
}

void host_pci_write32(const struct host_pci_function *f, unsigned reg,
                      uint32_t v) { }
void host_pci_enable(const struct host_pci_function *f) { }

void host_pci_disable(const struct host_pci_function *f)
{
    disabled[f - functions]++;
}

bool host_pci_set_master(const struct host_pci_function *f, bool on)
{
    mastering[f - functions] = on;
    return true;
}

bool host_pci_irq_connect(const struct host_pci_function *f,
                          struct host_pci_irq *irq)
{
    return false;
}

void host_pci_irq_rearm(const struct host_pci_irq *irq) { }
void *paging_map_device(uint64_t phys, size_t size, unsigned flags)
{
    return NULL;
}

void wait_end(void *ctx) { }
void wait_limit(uint64_t ns) { }
static uint64_t now;
void clock_delay_us(unsigned us) { now += us * 1000ull; }
uint64_t platform_now_ns(void) { return now; }
void *platform_dma_alloc(size_t bytes, uint64_t max_address, uint64_t *phys)
{
    return NULL;
}

static char log_text[4096];     /* lines, since it was last emptied */

void platform_log(const char *fmt, ...)
{
    size_t n = strlen(log_text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(log_text + n, sizeof log_text - n, fmt, ap);
    va_end(ap);
    strncat(log_text, "\n", sizeof log_text - strlen(log_text) - 1);
}

/* ---- The tests ----------------------------------------------------------- */

/* Firmware may have booted by any of them: a card without a driver, or that its
 * driver does not start, masters the bus no more. Others are left alone. */
static void test_not_driven(void **state)
{
    functions[0] = (struct host_pci_function){
        .vendor = 0x1011, .id = 0x0019, .class_code = 0x020000 };
    functions[1] = (struct host_pci_function){
        .vendor = 0x8086, .id = 0x100e, .class_code = 0x020000 };
    devices_init();
    assert_int_equal(disabled[0], 1);
    assert_int_equal(disabled[1], 1);
    functions[0].class_code = 0x010601;
    devices_init();
    assert_int_equal(disabled[0], 1);
    assert_null(platform_nic(0));
}

/* A driver whose card does not stop takes it off the bus, and no other. */
static void test_bus_mastering(void **state)
{
    struct device d = { .function = &functions[1] };
    struct window w = { .bus = bus_over_pci, .device = &d };

    mastering[0] = mastering[1] = true;
    assert_true(w.bus.set_master(&w, false));
    assert_true(mastering[0]);
    assert_false(mastering[1]);
    assert_true(w.bus.set_master(&w, true));
    assert_true(mastering[1]);
}

/* Two channels of ATA at the old ports, where no BAR was given an address. */
static void test_ports_without_a_bar(void **state)
{
    static struct device d;
    const struct bus *ports[5];
    struct bus *bus;

    assert_null(device_open(&d, &functions[0], false));
    bus = device_open(&d, &functions[0], true);
    assert_non_null(bus);
    device_connect_irq(&d, false);
    assert_null(bus->arm_irq);
    assert_int_equal(bus->read8(bus->ctx, 0), 0xff);
    for (unsigned i = 0; i < 5; i++)
        ports[i] = bus->ports(bus->ctx, (uint16_t)(0x170 + 8 * i), 8);
    for (unsigned i = 0; i < 4; i++) {
        assert_non_null(ports[i]);
        assert_int_equal(((struct window *)ports[i]->ctx)->port, 0x170 + 8 * i);
    }
    assert_null(ports[4]);
}

/* ---- Disks --------------------------------------------------------------- */

static void log_has(const char *text)
{
    if (!strstr(log_text, text))
        fail_msg("'%s' is not in:\n%s", text, log_text);
}

static void add_one(uint16_t vendor, uint16_t id, uint32_t class_code)
{
    functions[0] = (struct host_pci_function){
        .vendor = vendor, .id = id, .class_code = class_code,
        .slot = "00:17.0" };
    log_text[0] = 0;
    assert_false(devices_add_disks(&functions[0]));
}

/* The administrator is told what to change. */
static void test_disks_not_driven(void **state)
{
    static const uint16_t vmd[] = { 0x201d, 0x28c0, 0x467f, 0x09ab, 0x7d0b,
                                    0xa77f };

    add_one(0x8086, 0x2822, 0x010400);
    log_has("8086:2822 at 00:17.0: it is in RAID mode: set SATA mode to AHCI");
    for (unsigned i = 0; i < sizeof vmd / sizeof *vmd; i++) {
        add_one(0x8086, vmd[i], 0x010400);
        log_has("turn VMD (also: RST, RAID) off in the firmware setup");
    }
    add_one(0x1000, 0x0012, 0x010000);
    log_has("no driver for the disk controller 1000:0012 (class 010000)");
    add_one(0x8086, 0x2922, 0x010601);          /* it has no BAR 5 */
    log_has("ahci: the controller 8086:2922 at 00:17.0 does not start");
    assert_null(platform_disk(0));
}

static void finds(uint32_t class_code, const struct disk_driver *driver)
{
    struct host_pci_function f = { .vendor = 0x1b36, .class_code = class_code };

    assert_ptr_equal(disk_driver_for(&f), driver);
}

static void test_drivers_by_class(void **state)
{
    finds(0x01018a, &ata_pci_driver);
    finds(0x01018f, &ata_pci_driver);
    finds(0x010601, &ahci_driver);
    finds(0x010600, NULL);
    finds(0x010802, &nvme_driver);
}

/* A driver of controllers with two disks, which take their time. */
static struct made {
    struct disk_controller controller;
    struct disk_sink *sink;
    struct disk disk[3];
    unsigned polls;
    unsigned first, second;     /* at which of them its disks are found */
} made[2];
static unsigned makes;

static void add_unit(struct made *m, unsigned unit)
{
    struct disk *d = &m->disk[unit];

    *d = (struct disk){ .unit = unit, .sectors = 58593750,
                        .model = "A DISK" };
    snprintf(d->label, sizeof d->label, "fake %u unit %u",
             (unsigned)(m - made), unit);
    m->sink->add(m->sink, d);
}

static void made_poll(struct disk_controller *c)
{
    struct made *m = c->driver;

    m->polls++;
    if (m->polls == m->first)
        add_unit(m, 1);
    if (m->polls == m->second)
        add_unit(m, 0);
    c->is_settled = m->polls >= m->second;
}

static int make(const struct bus *bus, const struct bus_info *info,
                struct disk_sink *sink, struct disk_controller **out)
{
    struct made *m = &made[makes++];

    m->sink = sink;
    m->controller.poll = made_poll;
    m->controller.driver = m;
    *out = &m->controller;
    return 0;
}

static void test_disks_are_numbered(void **state)
{
    static const struct disk_driver driver = { .name = "fake",
                                               .create = make };
    unsigned polls;

    made[0].first = 5;
    made[0].second = 9;
    made[1].first = 1;
    made[1].second = 2;
    named = false;
    functions[0].slot[1] = functions[1].slot[1] = '1';
    assert_int_equal(bind_disks(&driver, &functions[0]), 0);
    assert_int_equal(bind_disks(&driver, &functions[1]), 0);
    log_text[0] = 0;
    devices_name_disks();
    assert_string_equal(log_text, "disk0: fake 0 unit 0: A DISK, 30 GB\n"
                                  "disk1: fake 0 unit 1: A DISK, 30 GB\n"
                                  "disk2: fake 1 unit 0: A DISK, 30 GB\n"
                                  "disk3: fake 1 unit 1: A DISK, 30 GB\n");
    assert_true(platform_disk(1)->loses_irqs);
    assert_null(platform_disk(4));

    /* Later they are looked for every second. */
    platform_disks_poll();
    polls = made[0].polls;
    for (unsigned i = 0; i < 150; i++, now += 10000000)
        platform_disks_poll();
    assert_in_range(made[0].polls - polls, 1, 2);

    /* And at once when a driver has begun something. */
    platform_disks_poll();
    polls = made[0].polls;
    made[0].controller.is_settled = false;
    now += 1000000;
    assert_true(platform_disks_poll() > now);
    assert_int_equal(made[0].polls - polls, 1);

    log_text[0] = 0;
    made[0].sink->left_out(made[0].sink, "a CD drive");
    add_unit(&made[0], 2);
    made[1].disk[0].is_gone = true;
    platform_disks_poll();
    platform_disks_poll();
    made[1].disk[0].is_gone = false;
    platform_disks_poll();
    assert_string_equal(log_text,
                        "fake at 01:17.0: a CD drive\n"
                        "disk4 (new): fake 0 unit 2: A DISK, 30 GB\n"
                        "disk2 (gone): fake 1 unit 0: A DISK, 30 GB\n"
                        "disk2 (back): fake 1 unit 0: A DISK, 30 GB\n");
}

/* One that never settles keeps nobody for ever. */
static void test_never_settled(void **state)
{
    uint64_t start = now;

    made[0].second = ~0u;
    made[0].controller.is_settled = false;
    devices_name_disks();
    assert_in_range(now - start, START_NS, START_NS + 10000000);
}

static void test_sizes(void **state)
{
    static const struct {
        uint64_t sectors;
        const char *text;
    } sizes[] = {
        { 1, "0.5 KB" }, { 1000, "512 KB" }, { 19531, "9.9 MB" },
        { 19532, "10 MB" }, { 58593750, "30 GB" },
        { 1953525168, "1.0 TB" }, { UINT64_MAX, "18446 PB" },
    };
    char text[DISK_SIZE_TEXT];

    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        disk_size_text(text, sizes[i].sectors);
        assert_string_equal(text, sizes[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_driven),
        cmocka_unit_test(test_bus_mastering),
        cmocka_unit_test(test_ports_without_a_bar),
        cmocka_unit_test(test_disks_not_driven),
        cmocka_unit_test(test_drivers_by_class),
        cmocka_unit_test(test_disks_are_numbered),
        cmocka_unit_test(test_never_settled),
        cmocka_unit_test(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is bound lives for ever. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }
