/* See ioapic.h. Numbers in comments are the 82093AA datasheet's sections. */
#include "emu/dev/ioapic.h"

#include <stdlib.h>

#include "emu/state.h"
#include "emu/textbuf.h"

#define IOAPIC_BASE 0xfec00000ull
#define IOAPIC_SIZE 0x1000u

#define IOREGSEL 0x00u          /* 3.1.1 */
#define IOWIN 0x10u             /* 3.1.2 */
enum { REG_ID, REG_VERSION, REG_ARBITRATION, REG_TABLE = 0x10 };
#define VERSION ((IOAPIC_PINS - 1) << 16 | 0x11u)

/* Redirection entries (3.2.4) */
#define ENTRY_VECTOR     0x000000ffu
#define ENTRY_MODE(v)    ((enum apic_mode)((v) >> 8 & 7))
#define ENTRY_LOGICAL    0x00000800u
#define ENTRY_PENDING    0x00001000u    /* delivery status */
#define ENTRY_LOW        0x00002000u    /* INTPOL */
#define ENTRY_REMOTE_IRR 0x00004000u
#define ENTRY_LEVEL      0x00008000u
#define ENTRY_MASKED     0x00010000u
#define ENTRY_WRITABLE   0x0001afffu
#define ENTRY_DEST       0xff000000u    /* of the upper half */

struct entry {
    uint32_t low, high;
};

struct ioapic {
    struct device dev;
    bool (*send)(void *ctx, const struct apic_message *msg);
    void *ctx;
    uint8_t select, id, arbitration;
    uint32_t pins;              /* input levels */
    uint32_t refused;           /* inputs that wait since they were counted */
    struct entry entry[IOAPIC_PINS];
};

/* ---- Delivery ------------------------------------------------------------- */

static bool asserted(const struct ioapic *io, unsigned n)
{
    return (io->pins >> n & 1) != !!(io->entry[n].low & ENTRY_LOW);
}

/* Level-triggered: only Fixed and Lowest Priority are ever that. */
static bool is_level(const struct entry *e)
{
    return (e->low & ENTRY_LEVEL) && ENTRY_MODE(e->low) <= APIC_LOWEST;
}

static bool is_reserved(enum apic_mode mode)
{
    return mode == APIC_REMOTE_READ || mode == APIC_STARTUP;
}

/* It waits for a local APIC; counted once, however often it is offered. */
static void note_refusal(struct ioapic *io, unsigned n)
{
    if (!(io->refused >> n & 1))
        machine_count(io->dev.machine,
                      "ioapic: interrupt that no APIC takes now");
    io->refused |= 1u << n;
}

/* Offer entry n's interrupt if one is due. */
static void deliver(struct ioapic *io, unsigned n)
{
    struct entry *e = &io->entry[n];
    struct apic_message msg = {
        .dest = (uint8_t)(e->high >> 24), .logical = e->low & ENTRY_LOGICAL,
        .level = is_level(e), .mode = ENTRY_MODE(e->low),
        .vector = e->low & ENTRY_VECTOR,
    };

    if (msg.level) {
        e->low &= ~ENTRY_PENDING;
        if (asserted(io, n) &&
            !(e->low & (ENTRY_MASKED | ENTRY_REMOTE_IRR)))
            e->low |= ENTRY_PENDING;
    }
    if (!(e->low & ENTRY_PENDING)) {
        io->refused &= ~(1u << n);
        return;
    }
    if (is_reserved(msg.mode)) {
        machine_count(io->dev.machine, "ioapic: reserved delivery mode");
    } else if (!io->send(io->ctx, &msg)) {
        note_refusal(io, n);
        return;
    }
    io->refused &= ~(1u << n);
    e->low &= ~ENTRY_PENDING;
    if (msg.level)
        e->low |= ENTRY_REMOTE_IRR;
}

void ioapic_set_pin(void *ioapic, unsigned n, bool level)
{
    struct ioapic *io = ioapic;
    struct entry *e;
    bool was;

    if (n >= IOAPIC_PINS)
        return;
    e = &io->entry[n];
    was = asserted(io, n);
    io->pins = level ? io->pins | 1u << n : io->pins & ~(1u << n);
    /* An edge on a masked input is not held. */
    if (!is_level(e) && !was && asserted(io, n) && !(e->low & ENTRY_MASKED))
        e->low |= ENTRY_PENDING;
    deliver(io, n);
}

void ioapic_eoi(void *ioapic, uint8_t vector)
{
    struct ioapic *io = ioapic;

    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        struct entry *e = &io->entry[n];

        if (!(e->low & ENTRY_REMOTE_IRR) || (e->low & ENTRY_VECTOR) != vector)
            continue;
        e->low &= ~ENTRY_REMOTE_IRR;
        deliver(io, n);
    }
}

void ioapic_retry(void *ioapic)
{
    struct ioapic *io = ioapic;

    for (unsigned n = 0; n < IOAPIC_PINS; n++)
        deliver(io, n);
}

int ioapic_vector(const struct ioapic *io, unsigned n)
{
    uint32_t low = io->entry[n].low;

    return low & ENTRY_MASKED ? -1 : (int)(low & ENTRY_VECTOR);
}

bool ioapic_waits(const struct ioapic *io, unsigned n)
{
    return io->entry[n].low & (ENTRY_PENDING | ENTRY_REMOTE_IRR);
}

/* ---- Registers ------------------------------------------------------------ */

static uint32_t read_reg(const struct ioapic *io)
{
    unsigned at = io->select - REG_TABLE;

    switch (io->select) {
    case REG_ID:
        return (uint32_t)io->id << 24;
    case REG_VERSION:
        return VERSION;
    case REG_ARBITRATION:
        return (uint32_t)io->arbitration << 24;
    }
    if (io->select < REG_TABLE || at / 2 >= IOAPIC_PINS) {
        machine_count(io->dev.machine, "ioapic: register that is not there");
        return 0;
    }
    return at % 2 ? io->entry[at / 2].high : io->entry[at / 2].low;
}

static void write_entry(struct ioapic *io, unsigned n, uint32_t v)
{
    struct entry *e = &io->entry[n];
    uint32_t kept = e->low & (ENTRY_PENDING | ENTRY_REMOTE_IRR);

    if ((v & ENTRY_MASKED) || is_level(e))      /* a level is looked at anew */
        kept &= ~ENTRY_PENDING;
    if (!(v & ENTRY_LEVEL))     /* has no meaning for an edge */
        kept &= ~ENTRY_REMOTE_IRR;
    e->low = (v & ENTRY_WRITABLE) | kept;
    deliver(io, n);
}

static void write_reg(struct ioapic *io, uint32_t v)
{
    unsigned at = io->select - REG_TABLE;

    if (io->select == REG_ID) {
        io->id = io->arbitration = v >> 24 & 0x0f;
    } else if (io->select < REG_TABLE || at / 2 >= IOAPIC_PINS) {
        if (io->select != REG_VERSION && io->select != REG_ARBITRATION)
            machine_count(io->dev.machine,
                          "ioapic: register that is not there");
    } else if (at % 2) {
        io->entry[at / 2].high = v & ENTRY_DEST;
        deliver(io, at / 2);
    } else {
        write_entry(io, at / 2, v);
    }
}

/* Both registers are dwords; IOREGSEL has only its lowest byte. */
static uint64_t ioapic_mmio_read(struct device *dev, uint64_t addr,
                                 unsigned size)
{
    struct ioapic *io = (struct ioapic *)dev;
    unsigned at = addr & (IOAPIC_SIZE - 1);

    if (at == IOREGSEL)
        return io->select;
    if (at == IOWIN && size == 4)
        return read_reg(io);
    machine_count(dev->machine, "ioapic: access to nothing");
    return 0;
}

static void ioapic_mmio_write(struct device *dev, uint64_t addr, unsigned size,
                              uint64_t value)
{
    struct ioapic *io = (struct ioapic *)dev;
    unsigned at = addr & (IOAPIC_SIZE - 1);

    if (at == IOREGSEL)
        io->select = (uint8_t)value;
    else if (at == IOWIN && size == 4)
        write_reg(io, (uint32_t)value);
    else
        machine_count(dev->machine, "ioapic: access to nothing");
}

/* ---- Reset, creation, text ------------------------------------------------ */

/* The levels belong to the devices, which drop them in their own reset. */
static void ioapic_reset(struct device *dev)
{
    struct ioapic *io = (struct ioapic *)dev;

    io->select = io->id = io->arbitration = 0;
    io->refused = 0;
    for (unsigned n = 0; n < IOAPIC_PINS; n++)
        io->entry[n] = (struct entry){ ENTRY_MASKED, 0 };
}

static void ioapic_state(struct device *dev, struct state *s)
{
    struct ioapic *io = (struct ioapic *)dev;

    state_u8(s, &io->select);
    state_u8(s, &io->id);
    state_u8(s, &io->arbitration);
    state_u32(s, &io->pins);
    state_u32(s, &io->refused);
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        state_u32(s, &io->entry[n].low);
        state_u32(s, &io->entry[n].high);
        io->entry[n].low &=
            ENTRY_WRITABLE | ENTRY_PENDING | ENTRY_REMOTE_IRR;
        io->entry[n].high &= ENTRY_DEST;
    }
}

static const struct device_ops ioapic_ops = {
    .name = "ioapic",
    .reset = ioapic_reset,
    .mmio_read = ioapic_mmio_read,
    .mmio_write = ioapic_mmio_write,
    .state = ioapic_state,
    .state_version = 1,
    .state_size = sizeof(struct ioapic),
};

struct ioapic *ioapic_create(struct machine *m,
                             bool (*send)(void *ctx,
                                          const struct apic_message *msg),
                             void *ctx)
{
    struct ioapic *io = calloc(1, sizeof *io);

    if (!io)
        return NULL;
    io->dev.ops = &ioapic_ops;
    io->dev.machine = m;
    io->send = send;
    io->ctx = ctx;
    ioapic_reset(&io->dev);
    machine_mmio_map(m, IOAPIC_BASE, IOAPIC_SIZE, &io->dev);
    return io;
}

void ioapic_destroy(struct ioapic *io)
{
    free(io);
}

int ioapic_format(const struct ioapic *io, char *buf, size_t size)
{
    static const char *const modes[] = {
        "fixed", "lowest", "SMI", "reserved", "NMI", "INIT", "reserved",
        "ExtINT"
    };
    struct textbuf t = { buf, size, 0 };

    text_add(&t, "ioapic: id=%x version=%08x sel=%02x\n", io->id, VERSION,
             io->select);
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint32_t low = io->entry[n].low;

        text_add(&t, "pin %-2u %d vec=%02x dest=%02x %s %s %s active-%s%s%s%s\n",
                 n, (int)(io->pins >> n & 1), low & ENTRY_VECTOR,
                 io->entry[n].high >> 24,
                 low & ENTRY_LOGICAL ? "logical" : "physical",
                 modes[ENTRY_MODE(low)], low & ENTRY_LEVEL ? "level" : "edge",
                 low & ENTRY_LOW ? "lo" : "hi",
                 low & ENTRY_MASKED ? " masked" : "",
                 low & ENTRY_REMOTE_IRR ? " remote-irr" : "",
                 low & ENTRY_PENDING ? " pending" : "");
    }
    return (int)t.wanted;
}
