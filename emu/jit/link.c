/* Direct branches from one translated trace to another. */
#include "emu/jit/jit.h"

#include "emu/jit/asm.h"

struct jit_cell *jit_new_cell(struct jit *j)
{
    struct jit_cell *cell;

    j->end -= sizeof(*cell);
    cell = (struct jit_cell *)(void *)j->end;
    *cell = (struct jit_cell){ 0 };
    return cell;
}

static struct jit_cell *cell_of(const struct jit *j, const struct jit_branch *b)
{
    return (struct jit_cell *)(void *)(j->write + b->at);
}

void jit_link(struct cpu *c, const struct insn *i)
{
    struct jit *j = c->interp->jit;
    const struct jit_branch *b = jit_branch(j, i);
    const struct trace *t = i->link;

    if (!b->at || !t || i->link_gen != c->run.gen[i->imm2] || !t->body)
        return;
    if (i->imm2 == LINK_PAGE) {
        asm_patch(j->write + b->at, (const uint8_t *)t->entry - j->exec);
        j->written = true;
        return;
    }
    *cell_of(j, b) = (struct jit_cell){ i->link_gen, t->entry };
}

void jit_unlinked(struct cpu *c, const struct insn *i)
{
    struct jit *j = c->interp->jit;
    const struct jit_branch *b = jit_branch(j, i);

    if (!b->at)
        return;
    if (i->imm2 == LINK_PAGE) {
        asm_patch(j->write + b->at, j->write + b->away);
        j->written = true;
        return;
    }
    cell_of(j, b)->gen = 0;
}

/*
 * Code is written by another linear address than it is executed by, so what
 * was fetched of it before must be given up by a serializing instruction (SDM
 * vol. 3, 8.1.3 and 11.6): IRET does not leave a virtual machine.
 */
void jit_serialize(struct jit *j)
{
    if (!j->written)
        return;
    j->written = false;
    __asm__ volatile(
        "mov %%rsp, %%rcx\n\t"
        "sub $128, %%rsp\n\t"           /* the red zone */
        "mov %%ss, %%eax\n\t"
        "push %%rax\n\t"
        "push %%rcx\n\t"
        "pushfq\n\t"
        "mov %%cs, %%eax\n\t"
        "push %%rax\n\t"
        "lea 1f(%%rip), %%rax\n\t"
        "push %%rax\n\t"
        "iretq\n"
        "1:"
        : : : "rax", "rcx", "cc", "memory");
}
