/* See fake_nvme.h. */
#include "tests/unit/fake_nvme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/disk_driver_harness.h"

#define STRIDE 8u               /* of doorbells: DSTRD is 1 */
#define INVALID_FIELD 0x002u
#define LBA_OUT_OF_RANGE 0x080u

struct fake_nvme fake_nvme;
struct fake_namespace fake_nvme_ns[FAKE_NVME_NAMESPACES];

static void *at(uint64_t phys)
{
    assert_false(disk_bench.is_no_master);
    assert_true(phys && phys < UINT64_C(1) << 32);
    return (void *)(uintptr_t)phys;
}

/* ---- Commands ---------------------------------------------------------------- */

/* One more page of data: the first may begin anywhere (4.3). */
static uint64_t page_of(const struct nvme_command *c, unsigned i, uint32_t len)
{
    uint32_t first = NVME_PAGE - c->prp1 % NVME_PAGE;
    uint64_t page;

    if (!i) {
        assert_int_equal(c->prp1 % 4, 0);
        return c->prp1;
    }
    if (len - first <= NVME_PAGE) {
        page = c->prp2;
    } else {
        /* No list goes over a page's end here. */
        assert_int_equal(c->prp2 % 8, 0);
        assert_true(c->prp2 % NVME_PAGE + 8 * i <= NVME_PAGE);
        memcpy(&page, at(c->prp2 + 8 * (i - 1)), 8);
    }
    assert_int_equal(page % NVME_PAGE, 0);
    return page;
}

static void transfer(const struct nvme_command *c, uint8_t *data, uint32_t len,
                     bool to_host)
{
    uint32_t done = 0;

    for (unsigned i = 0; done < len; i++) {
        uint64_t page = page_of(c, i, len);
        uint32_t n = NVME_PAGE - page % NVME_PAGE;

        if (n > len - done)
            n = len - done;
        if (to_host)
            memcpy(at(page), data + done, n);
        else
            memcpy(data + done, at(page), n);
        done += n;
    }
}

static void put_text(uint8_t *to, const char *text, size_t size)
{
    memset(to, ' ', size);
    memcpy(to, text, strlen(text));
}

static uint16_t identify(const struct nvme_command *c)
{
    uint8_t page[NVME_PAGE] = { 0 };

    if (c->cdw10 == NVME_CNS_CONTROLLER) {
        put_text(page + NVME_ID_SERIAL, fake_nvme.serial, 20);
        put_text(page + NVME_ID_MODEL, fake_nvme.model, 40);
        page[NVME_ID_MDTS] = fake_nvme.mdts;
        page[NVME_ID_SQES] = 0x66;
        page[NVME_ID_CQES] = 0x44;
        page[NVME_ID_VWC] = fake_nvme.vwc;
        memcpy(page + NVME_ID_NN, &fake_nvme.nn, 4);
    } else if (c->cdw10 == NVME_CNS_ACTIVE && !fake_nvme.no_list) {
        uint32_t n = 0;

        for (uint32_t id = c->nsid + 1; id <= fake_nvme.nn; id++)
            if (fake_nvme_ns[id - 1].blocks)
                memcpy(page + 4 * n++, &id, 4);
    } else if (c->cdw10 == NVME_CNS_NAMESPACE && c->nsid &&
               c->nsid <= fake_nvme.nn) {
        const struct fake_namespace *ns = &fake_nvme_ns[c->nsid - 1];
        uint8_t *format = page + NVME_NS_LBAF + 4;

        memcpy(page + NVME_NS_SIZE, &ns->blocks, 8);
        page[NVME_NS_NLBAF] = 1;
        page[NVME_NS_FLBAS] = fake_nvme.bad_format ? fake_nvme.bad_format : 1;
        page[NVME_NS_ATTR] = ns->read_only;
        memcpy(format, &ns->metadata, 2);
        format[NVME_LBAF_DATA] = ns->block_bits;
    } else {
        return INVALID_FIELD;
    }
    memcpy(at(c->prp1), page, sizeof page);
    return 0;
}

static uint16_t admin(const struct nvme_command *c)
{
    struct fake_nvme_queue *q = &fake_nvme.q[1];
    uint16_t size = (uint16_t)((c->cdw10 >> 16) + 1);

    if (fake_nvme.fail_admin && (uint8_t)c->cdw0 == fake_nvme.fail_opcode)
        return fake_nvme.fail_admin;
    switch ((uint8_t)c->cdw0) {
    case NVME_IDENTIFY:
        return identify(c);
    case NVME_SET_FEATURES:
        assert_int_equal(c->cdw10, NVME_FEATURE_QUEUES);
        return 0;
    case NVME_CREATE_CQ:
        assert_true(size <= (fake_nvme.cap & NVME_CAP_MQES) + 1);
        assert_int_equal(c->cdw10 & 0xffff, 1);
        assert_true(c->cdw11 & NVME_QUEUE_CONTIGUOUS);
        q->cq = c->prp1;
        q->cq_size = size;
        q->interrupts = c->cdw11 & NVME_QUEUE_INTERRUPT;
        q->phase = true;
        return 0;
    case NVME_CREATE_SQ:
        assert_true(q->cq && c->cdw11 >> 16 == 1);
        assert_true(size <= (fake_nvme.cap & NVME_CAP_MQES) + 1);
        q->sq = c->prp1;
        q->sq_size = size;
        q->exists = true;
        return 0;
    }
    fail_msg("admin command %#x", c->cdw0);
    return 0;
}

static uint16_t io(const struct nvme_command *c)
{
    uint64_t lba = (uint64_t)c->cdw11 << 32 | c->cdw10;
    struct fake_namespace *ns = &fake_nvme_ns[c->nsid - 1];
    uint32_t blocks = (c->cdw12 & 0xffff) + 1;
    bool is_read = (uint8_t)c->cdw0 == NVME_READ;

    assert_true(c->nsid && c->nsid <= fake_nvme.nn && ns->blocks);
    if (fake_nvme.fail_io)
        return fake_nvme.fail_io;
    if ((uint8_t)c->cdw0 == NVME_FLUSH) {
        fake_nvme.flushes++;
        return 0;
    }
    assert_true(is_read || (uint8_t)c->cdw0 == NVME_WRITE);
    if (fake_nvme.mdts)
        assert_true(blocks << ns->block_bits <= NVME_PAGE << fake_nvme.mdts);
    if (lba >= ns->blocks || blocks > ns->blocks - lba)
        return LBA_OUT_OF_RANGE;
    /* Beyond what is kept only the command is looked at. */
    if ((lba + blocks) << ns->block_bits <= FAKE_NVME_BYTES)
        transfer(c, ns->data + (lba << ns->block_bits),
                 blocks << ns->block_bits, is_read);
    *(is_read ? &fake_nvme.reads : &fake_nvme.writes) += 1;
    return 0;
}

uint16_t fake_nvme_execute(unsigned queue, const struct nvme_command *c)
{
    return queue ? io(c) : admin(c);
}

/* ---- Queues ------------------------------------------------------------------ */

static void post(unsigned queue, struct nvme_completion c, bool phase_is_right)
{
    struct fake_nvme_queue *q = &fake_nvme.q[queue];

    c.status = (uint16_t)(c.status & ~NVME_PHASE) |
               (q->phase == phase_is_right);
    ((struct nvme_completion *)at(q->cq))[q->cq_tail] = c;
    if (!phase_is_right)
        return;
    if (++q->cq_tail == q->cq_size) {
        q->cq_tail = 0;
        q->phase = !q->phase;
    }
    assert_int_not_equal(q->cq_tail, q->cq_head);       /* never full */
}

static void complete(unsigned queue, uint16_t cid, uint16_t status)
{
    post(queue, (struct nvme_completion){
        .sq_head = fake_nvme.q[queue].sq_head, .sq_id = (uint16_t)queue,
        .cid = cid, .status = (uint16_t)(status << NVME_SC_SHIFT),
    }, true);
}

void fake_nvme_post(uint16_t cid, uint16_t status) { complete(1, cid, status); }

void fake_nvme_post_raw(struct nvme_completion c, bool phase_is_right)
{
    post(1, c, phase_is_right);
}

static struct nvme_command *next(unsigned queue)
{
    struct fake_nvme_queue *q = &fake_nvme.q[queue];
    struct nvme_command *c;

    if (!q->exists || q->sq_head == q->sq_tail)
        return NULL;
    c = (struct nvme_command *)at(q->sq) + q->sq_head;
    q->sq_head = (q->sq_head + 1) % q->sq_size;
    return c;
}

struct nvme_command *fake_nvme_next(void) { return next(1); }

static void run(unsigned queue)
{
    struct nvme_command *c;

    while ((c = next(queue)))
        complete(queue, c->cdw0 >> 16, fake_nvme_execute(queue, c));
}

void fake_nvme_run(void) { run(1); }

static void doorbell(uint32_t reg, uint32_t v)
{
    unsigned i = (reg - NVME_DOORBELLS) / STRIDE;
    struct fake_nvme_queue *q = &fake_nvme.q[i / 2];

    assert_true((reg - NVME_DOORBELLS) % STRIDE == 0 && i / 2 < 2);
    assert_true(fake_nvme.csts & NVME_CSTS_RDY);
    assert_true(q->exists);
    if (i % 2) {
        assert_true(v < q->cq_size);
        q->cq_head = (uint16_t)v;
        return;
    }
    assert_true(v < q->sq_size);
    q->sq_tail = (uint16_t)v;
    if (i == 0 || !fake_nvme.hold)
        run(i / 2);
}

/* ---- Registers --------------------------------------------------------------- */

static void start(void)
{
    struct fake_nvme_queue *q = &fake_nvme.q[0];

    assert_int_equal(fake_nvme.cc, NVME_CC_ENTRIES | NVME_CC_EN);
    memset(fake_nvme.q, 0, sizeof fake_nvme.q);
    fake_nvme.starts++;
    q->sq = fake_nvme.asq;
    q->cq = fake_nvme.acq;
    q->sq_size = (fake_nvme.aqa & 0xfff) + 1;
    q->cq_size = (fake_nvme.aqa >> 16 & 0xfff) + 1;
    q->phase = q->exists = true;
}

static void set_cc(uint32_t v)
{
    bool was = fake_nvme.cc & NVME_CC_EN, is = v & NVME_CC_EN;

    if (disk_bench.is_deaf)
        return;
    fake_nvme.cc = v;
    if (was == is && (v & NVME_CC_SHN)) {
        assert_int_equal(v & NVME_CC_SHN, NVME_CC_SHN_NORMAL);
        fake_nvme.shutdowns++;
        fake_nvme.csts |= NVME_CSTS_SHST_DONE;
    }
    if (was == is)
        return;
    /* 3.1.5: undefined, while it is not yet what it was told to be. */
    assert_true(!(fake_nvme.csts & NVME_CSTS_RDY) == !was ||
                (fake_nvme.csts & NVME_CSTS_CFS) || fake_nvme.never_ready);
    fake_nvme.reads_left = fake_nvme.ready_after;
    if (is) {
        start();
    } else {
        memset(fake_nvme.q, 0, sizeof fake_nvme.q);
        fake_nvme.csts &= ~(NVME_CSTS_SHST | NVME_CSTS_CFS);
    }
}

static uint32_t csts(void)
{
    bool enabled = fake_nvme.cc & NVME_CC_EN;

    if (fake_nvme.reads_left) {
        fake_nvme.reads_left--;
    } else if (!fake_nvme.never_ready || !enabled) {
        fake_nvme.csts = (fake_nvme.csts & ~NVME_CSTS_RDY) |
                         (enabled ? NVME_CSTS_RDY : 0);
    }
    return fake_nvme.csts;
}

static uint32_t read32(void *ctx, uint32_t reg)
{
    if (disk_bench.is_gone)
        return ~0u;
    if (disk_bench.is_noise)
        return disk_bench_noise();
    switch (reg) {
    case NVME_CAP_LOW: return (uint32_t)fake_nvme.cap;
    case NVME_CAP_HIGH: return fake_nvme.cap >> 32;
    case NVME_VS: return fake_nvme.vs;
    case NVME_CC: return fake_nvme.cc;
    case NVME_CSTS: return csts();
    }
    fail_msg("read of %#x", reg);
    return 0;
}

static void put_half(uint64_t *to, bool high, uint32_t v)
{
    memcpy((char *)to + 4 * high, &v, 4);
}

static void write32(void *ctx, uint32_t reg, uint32_t v)
{
    if (disk_bench.is_gone || disk_bench.is_noise)
        return;
    switch (reg) {
    case NVME_INTMS:
    case NVME_INTMC:
        assert_false(fake_nvme.msix);           /* 3.1.3 */
        fake_nvme.mask_writes++;
        if (v & 1)
            fake_nvme.masked = reg == NVME_INTMS;
        return;
    case NVME_CC: set_cc(v); return;
    case NVME_AQA: fake_nvme.aqa = v; return;
    case NVME_ASQ: case NVME_ASQ + 4:
        put_half(&fake_nvme.asq, reg & 4, v);
        return;
    case NVME_ACQ: case NVME_ACQ + 4:
        put_half(&fake_nvme.acq, reg & 4, v);
        return;
    }
    assert_true(reg >= NVME_DOORBELLS);
    doorbell(reg, v);
}

/* A list of one capability: MSI-X. */
static uint32_t config_read32(void *ctx, unsigned reg)
{
    switch (reg) {
    case 0x04: return 0x10u << 16;
    case 0x34: return 0x40;
    case 0x40: return 0x11 | (fake_nvme.msix ? 0x80000000u : 0);
    }
    return 0;
}

const struct bus fake_nvme_bus = {
    .read32 = read32, .write32 = write32, .config_read32 = config_read32,
    DISK_BENCH_BUS,
};

void fake_nvme_make(void)
{
    memset(&fake_nvme, 0, sizeof fake_nvme);
    memset(fake_nvme_ns, 0, sizeof fake_nvme_ns);
    /* DSTRD 1, the NVM command set, 20 x 500 ms, 2048 entries */
    fake_nvme.cap = UINT64_C(1) << 37 | UINT64_C(1) << 32 | 20u << 24 | 2047;
    fake_nvme.vs = 0x00010400;
    fake_nvme.msix = true;
    fake_nvme.serial = "S3R1AL 42";
    fake_nvme.model = "Model of a disk";
    fake_nvme.mdts = 7;
    fake_nvme.vwc = 1;
    fake_nvme.nn = 2;
    fake_nvme_ns[0].blocks = FAKE_NVME_BYTES >> 9;
    fake_nvme_ns[0].block_bits = 9;
    fake_nvme_ns[1].blocks = FAKE_NVME_BYTES >> 12;
    fake_nvme_ns[1].block_bits = 12;
}
