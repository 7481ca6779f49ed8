/* See guest_debug.h. */
#include "kernel/guest_debug.h"

#include <errno.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/machine.h"
#include "emu/machine_peek.h"
#include "kernel/guest.h"

static void do_registers(struct guest *g, void *arg)
{
    const struct cpu *c = machine_cpu(g->machine);
    struct guest_registers *r = arg;

    memcpy(r->gpr, c->gpr, sizeof r->gpr);
    r->rip = c->rip;
    r->rflags = c->rflags;
    r->cr0 = c->cr0;
    r->cr2 = c->cr2;
    r->cr3 = c->cr3;
    r->cr4 = c->cr4;
    r->efer = c->efer;
    for (unsigned i = 0; i < GUEST_SEGMENTS; i++) {
        r->seg[i].sel = c->seg[i].sel;
        r->seg[i].base = c->seg[i].base;
        r->seg[i].limit = c->seg[i].limit;
    }
    r->is_64bit = cpu_in_long_mode(c);
    r->bits = cpu_in_64bit_mode(c) ? 64 : c->seg[CS].attr & SEG_DB ? 32 : 16;
}

bool guest_registers(struct guest *g, struct guest_registers *r)
{
    return guest_ask(g, do_registers, r);
}

struct peek {
    uint64_t addr;
    bool is_physical;
    void *buf;
    size_t len;
    int result;
};

static void do_peek(struct guest *g, void *arg)
{
    struct peek *p = arg;

    p->result = machine_peek(g->machine, p->addr, p->is_physical, p->buf,
                             p->len);
}

int guest_peek(struct guest *g, uint64_t addr, bool is_physical, void *buf,
               size_t len)
{
    struct peek p = { addr, is_physical, buf, len, 0 };

    return guest_ask(g, do_peek, &p) ? p.result : -ETIMEDOUT;
}

struct port { uint16_t port; unsigned size; uint32_t value; };

static void do_read(struct guest *g, void *arg)
{
    struct port *p = arg;

    p->value = machine_port_read(g->machine, p->port, p->size);
}

static void do_write(struct guest *g, void *arg)
{
    const struct port *p = arg;

    machine_port_write(g->machine, p->port, p->size, p->value);
}

bool guest_port_read(struct guest *g, uint16_t port, unsigned size,
                     uint32_t *value)
{
    struct port p = { port, size, 0 };
    bool did = guest_ask(g, do_read, &p);

    *value = p.value;
    return did;
}

bool guest_port_write(struct guest *g, uint16_t port, unsigned size,
                      uint32_t value)
{
    struct port p = { port, size, value };

    return guest_ask(g, do_write, &p);
}
