/* What an NVMe controller is asked before it is ready (NVMe 1.4, 7.6.1): what it
 * is, the queues for I/O, its namespaces. See nvme_ctrl.h. */
#include <stdio.h>
#include <string.h>

#include "drivers/block/nvme_ctrl.h"

#define ANSWER_NS UINT64_C(10000000000)     /* for an admin command */
#define VS_1_1 0x00010100u                  /* has lists of namespaces */

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static struct nvme_command identify(const struct nvme *n, uint32_t cns,
                                    uint32_t nsid)
{
    return (struct nvme_command){
        .cdw0 = NVME_IDENTIFY, .nsid = nsid, .prp1 = n->page_phys, .cdw10 = cns,
    };
}

static struct nvme_command command(const struct nvme *n)
{
    uint32_t queue = n->io.id | (n->io.size - 1u) << 16;
    struct nvme_command c = { .cdw0 = 0 };

    switch (n->step) {
    case NVME_ASK_CONTROLLER:
        return identify(n, NVME_CNS_CONTROLLER, 0);
    case NVME_ASK_QUEUES:               /* one of each: 5.21.1.7 */
        c.cdw0 = NVME_SET_FEATURES;
        c.cdw10 = NVME_FEATURE_QUEUES;
        return c;
    case NVME_ASK_CQ:                   /* 5.3 */
        c.cdw0 = NVME_CREATE_CQ;
        c.prp1 = n->io.cq_phys;
        c.cdw10 = queue;
        c.cdw11 = NVME_QUEUE_CONTIGUOUS | NVME_QUEUE_INTERRUPT;
        return c;
    case NVME_ASK_SQ:                   /* 5.4 */
        c.cdw0 = NVME_CREATE_SQ;
        c.prp1 = n->io.sq_phys;
        c.cdw10 = queue;
        c.cdw11 = NVME_QUEUE_CONTIGUOUS | (uint32_t)n->io.id << 16;
        return c;
    case NVME_ASK_LIST:
        return identify(n, NVME_CNS_ACTIVE, 0);
    default:
        return identify(n, NVME_CNS_NAMESPACE, n->nsids[n->nsid_at]);
    }
}

static void ask(struct nvme *n, enum nvme_step step)
{
    struct nvme_command c;

    n->step = step;
    c = command(n);
    memset(n->page, 0, NVME_IDENTIFY_BYTES);
    n->deadline = bus_now(n->bus) + ANSWER_NS;
    nvme_queue_push(&n->admin, &c, n);
}

/* ---- Answers ----------------------------------------------------------------- */

/* 5.15.2.2. False: its queues are others. */
static bool read_controller(struct nvme *n)
{
    const uint8_t *page = n->page;
    unsigned mdts = page[NVME_ID_MDTS];

    disk_text(n->serial, sizeof n->serial, page + NVME_ID_SERIAL, 20);
    disk_text(n->model, sizeof n->model, page + NVME_ID_MODEL, 40);
    n->namespaces = get32(page + NVME_ID_NN);
    n->has_cache = page[NVME_ID_VWC] & 1;
    n->max_bytes = NVME_MAX_BYTES;
    if (mdts && mdts < 8 && NVME_PAGE << mdts < n->max_bytes)
        n->max_bytes = NVME_PAGE << mdts;
    /* The sizes that CC asks for (5.15.2.2). */
    return (page[NVME_ID_SQES] & 0xf) <= 6 && page[NVME_ID_SQES] >> 4 >= 6 &&
           (page[NVME_ID_CQES] & 0xf) <= 4 && page[NVME_ID_CQES] >> 4 >= 4;
}

static void add_nsid(struct nvme *n, uint32_t nsid)
{
    char what[80];

    if (n->nsid_count < NVME_DISKS) {
        n->nsids[n->nsid_count++] = nsid;
    } else if (!n->others_told) {
        n->others_told = true;
        snprintf(what, sizeof what, "nvme at %.8s: namespaces from %u on are "
                 "left out: only %u are used", n->info->slot, (unsigned)nsid,
                 NVME_DISKS);
        n->sink->left_out(n->sink, what);
    }
}

/* In ascending order, ended by a 0: 5.15.2.3. */
static void read_list(struct nvme *n)
{
    uint32_t last = 0;

    n->nsid_count = n->nsid_at = 0;
    for (unsigned i = 0; i < NVME_ACTIVE_IDS; i++) {
        uint32_t nsid = get32(n->page + 4 * i);

        if (nsid <= last || nsid > n->namespaces)
            return;
        add_nsid(n, nsid);
        last = nsid;
    }
}

/* Controllers before 1.1 have all that they may have. */
static void count_them(struct nvme *n)
{
    n->nsid_count = n->nsid_at = 0;
    for (uint32_t i = 0; i < n->namespaces && i <= NVME_DISKS; i++)
        add_nsid(n, i + 1);
}

static void ready(struct nvme *n)
{
    n->state = NVME_READY;
    for (unsigned i = 0; i < n->disk_count; i++)
        if (!n->disks[i]->is_known)
            disk_gone(&n->disks[i]->disk);
    n->controller.is_settled = true;
}

static void ask_namespaces(struct nvme *n)
{
    if (n->nsid_at < n->nsid_count)
        ask(n, NVME_ASK_NAMESPACE);
    else
        ready(n);
}

static void answered(struct nvme *n, uint16_t status)
{
    bool ok = (status & NVME_STATUS) == NVME_SC_SUCCESS;

    switch (n->step) {
    case NVME_ASK_CONTROLLER:
        if (ok && !read_controller(n)) {
            nvme_fail(n, "its queues have no entries of 64 and 16 bytes");
            return;
        }
        break;
    case NVME_ASK_SQ:
        if (ok && bus_read32(n->bus, NVME_VS) < VS_1_1) {
            count_them(n);
            ask_namespaces(n);
            return;
        }
        break;
    case NVME_ASK_LIST:
        if (ok)
            read_list(n);
        else
            count_them(n);
        ask_namespaces(n);
        return;
    case NVME_ASK_NAMESPACE:
        if (ok)
            nvme_disk_found(n, n->nsids[n->nsid_at], n->page);
        n->nsid_at++;
        ask_namespaces(n);
        return;
    default:
        break;
    }
    if (ok)
        ask(n, n->step + 1);
    else
        nvme_fail(n, "it refuses to be identified, or to have a queue");
}

void nvme_ask(struct nvme *n)
{
    n->state = NVME_ASKING;
    for (unsigned i = 0; i < n->disk_count; i++)
        n->disks[i]->is_known = false;
    ask(n, NVME_ASK_CONTROLLER);
}

bool nvme_ask_poll(struct nvme *n)
{
    uint16_t status;
    uint32_t result;

    if (nvme_queue_take(&n->admin, &status, &result)) {
        nvme_queue_taken(&n->admin);
        answered(n, status);
        return true;
    }
    if (n->admin.is_broken) {
        n->counters.bad_completions++;
        nvme_fail(n, "it completes commands that it was not given");
        return true;
    }
    if (bus_now(n->bus) < n->deadline)
        return false;
    nvme_fail(n, "it does not answer");
    return true;
}
