/*
 * The IDE controller in a snapshot. Between two steps of a command, while the
 * guest moves data, all of it is in the channel; while the disk works it is
 * not, and no snapshot is taken.
 */
#include "emu/dev/ide_internal.h"
#include "emu/state.h"

/* ---- A unit ------------------------------------------------------------- */

static void geometry_state(struct ide_geometry *g, struct state *s)
{
    state_u16(s, &g->cylinders);
    state_u16(s, &g->heads);
    state_u16(s, &g->sectors);
}

/* Is it the unit that it was, with a disk of the same size? */
static void unit_same(const struct ide_unit *u, struct state *s)
{
    state_same(s, u->present, "whether an IDE unit is there");
    state_same(s, u->is_cdrom, "whether an IDE unit is a CD drive");
    state_same(s, u->read_only, "whether a disk is read-only");
    state_same(s, u->disk ? u->disk->sectors : 0, "a disk's sectors");
}

static void sense_state(struct state *s, enum atapi_sense *sense)
{
    *sense = state_choice(s, *sense, 0xffffff, "a sense code");
}

/* CHS addresses are divided by it; it is known once a reset is over. */
static bool has_shape(const struct ide_unit *u)
{
    return !u->disk || u->is_cdrom || !u->disk->sectors ||
           (u->geometry_known && u->now.heads && u->now.sectors);
}

static void unit_state(struct ide_unit *u, struct state *s)
{
    struct ide_unit probe = *u;

    unit_same(u, s);
    geometry_state(&u->native, s);
    geometry_state(&u->now, s);
    state_bool(s, &u->geometry_known);
    state_check(s, has_shape(u), "a disk's geometry has a zero");
    state_u8(s, &u->status);
    state_u8(s, &u->error);
    state_bytes(s, u->reg, sizeof u->reg);
    u->multiple = (uint8_t)state_choice(s, u->multiple, 16,
                                        "sectors for each block");
    state_u8(s, &u->transfer_mode);
    state_check(s, !u->present || u->transfer_mode == probe.transfer_mode ||
                ide_set_transfer_mode(&probe, u->transfer_mode),
                "a transfer mode that does not exist");
    state_bool(s, &u->write_cache);
    state_bool(s, &u->look_ahead);
    state_bool(s, &u->asleep);
    sense_state(s, &u->sense);
    sense_state(s, &u->attention);
    state_u8(s, &u->media_event);
    state_bool(s, &u->prevent_removal);
    state_bool(s, &u->tray_open);
}

/* ---- A transfer ---------------------------------------------------------- */

static void ata_state(struct ata_transfer *t, struct state *s)
{
    state_u64(s, &t->lba);
    state_u32(s, &t->left);
    state_u32(s, &t->chunk);
    state_u32(s, &t->good);
    state_u32(s, &t->block);
    state_u8(s, &t->flags);
    state_bool(s, &t->single);
    state_bool(s, &t->failed);
    state_bool(s, &t->asked);
}

static void atapi_state(struct atapi_transfer *a, struct state *s)
{
    state_bytes(s, a->cdb, sizeof a->cdb);
    state_u32(s, &a->lba);
    state_u32(s, &a->left);
    state_u32(s, &a->chunk);
    state_u32(s, &a->chunk_max);
    state_u32(s, &a->pos);
    state_u32(s, &a->end);
    state_u16(s, &a->byte_limit);
    state_bool(s, &a->dma);
}

static unsigned step_number(const struct ide_step *steps,
                            const struct ide_xfer *x)
{
    unsigned n = 0;

    while (steps[n].then && (steps[n].kind != x->kind ||
                             steps[n].then != x->then))
        n++;
    return n;
}

/* The table's entry `n` if there is one and it is for this kind, or NULL. */
static void (*step_of(const struct ide_step *steps, unsigned n,
                      enum ide_xfer_kind kind))(struct ide_channel *)
{
    for (unsigned i = 0; steps[i].then; i++)
        if (i == n)
            return steps[i].kind == kind ? steps[i].then : NULL;
    return NULL;
}

static void step_state(struct ide_channel *ch, struct state *s)
{
    struct ide_xfer *x = &ch->xfer;
    bool cdrom = ch->active->is_cdrom;
    const struct ide_step *steps = cdrom ? atapi_steps : ata_steps;
    unsigned n = state_saving(s) ? step_number(steps, x) : 0;

    n = state_choice(s, n, 0xff, "the step");
    x->pos = state_choice(s, x->pos, IDE_BUF_BYTES, "the data's place");
    x->end = state_choice(s, x->end, IDE_BUF_BYTES, "the data's end");
    if (state_saving(s))
        return;
    x->then = step_of(steps, n, x->kind);
    if (!x->then || !ch->active->present || x->pos >= x->end ||
        !(cdrom ? atapi_step_is_possible : ata_step_is_possible)(ch)) {
        x->kind = XFER_NONE;
        state_refuse(s, "a transfer that no command is at");
    }
}

/* ---- A channel ----------------------------------------------------------- */

static void busmaster_state(struct ide_busmaster *bm, struct state *s)
{
    state_u8(s, &bm->command);
    state_u8(s, &bm->status);
    state_u32(s, &bm->table);
    state_u32(s, &bm->next);
    state_u32(s, &bm->address);
    bm->count = state_choice(s, bm->count, 0x10000, "a PRD's rest");
    state_bool(s, &bm->last);
}

_Static_assert(IDE_BUF_BYTES % STATE_PAGE == 0, "whole pages");

static void channel_state(struct ide_channel *ch, struct state *s)
{
    unsigned active = (unsigned)(ch->active != &ch->unit[0]);

    /* STATE_CHECK's copy has the pointer of what it was copied from. */
    if (!state_saving(s))
        active = 0;
    for (unsigned i = 0; i < 2; i++)
        unit_state(&ch->unit[i], s);
    state_u8(s, &ch->device);
    state_u8(s, &ch->control);
    state_bool(s, &ch->intrq);
    state_bool(s, &ch->irq_level);
    ch->active = &ch->unit[state_choice(s, active, 1, "the active unit")];
    ata_state(&ch->ata, s);
    atapi_state(&ch->atapi, s);
    busmaster_state(&ch->bm, s);
    ch->xfer.kind = state_choice(s, ch->xfer.kind, XFER_DMA_OUT,
                                 "the transfer's kind");
    if (ch->xfer.kind == XFER_NONE)
        return;
    step_state(ch, s);
    state_pages(s, ch->io->buf, sizeof ch->io->buf);
}

void ide_state(struct device *dev, struct state *s)
{
    struct ide *ide = (struct ide *)dev;

    pci_state(&ide->pci, s);
    for (unsigned n = 0; n < IDE_CHANNELS; n++) {
        channel_state(&ide->channel[n], s);
        if (!state_saving(s))
            ide->channel[n].resetting = false;
    }
}
