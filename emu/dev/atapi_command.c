/* Packet commands of a CD-ROM drive (MMC-3, SPC-2; one data track). */
#include <errno.h>
#include <string.h>

#include "emu/dev/ide_internal.h"

enum command_flag {
    NEEDS_MEDIUM = 0x01,
    DESPITE_ATTENTION = 0x02,   /* runs although there is news (SPC-2) */
};

#define SPEED_KBPS 4224u        /* 24 x 176 kB/s */
#define LEAD_OUT 0xaau

/* GET EVENT STATUS NOTIFICATION, media class. */
enum { MEDIA_NO_EVENT = 0, MEDIA_NEW = 2, MEDIA_REMOVED = 3 };

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = v >> 8;
    p[1] = v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

static uint32_t get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

static bool has_medium(const struct ide_unit *u)
{
    return u->disk && !u->tray_open;
}

/* CD sectors on the medium; a partial last one does not count. */
static uint32_t capacity(const struct ide_unit *u)
{
    uint64_t n = u->disk->sectors / CD_BLOCKS;

    return n > UINT32_MAX ? UINT32_MAX : n;
}

/* ---- State and sense ---------------------------------------------------- */

static void cmd_ok(struct ide_channel *ch)
{
    atapi_done(ch);
}

static void cmd_request_sense(struct ide_channel *ch)
{
    struct ide_unit *u = ch->active;
    uint8_t *out = ch->io->buf;

    if (!u->sense) {
        u->sense = u->attention;
        u->attention = SENSE_NONE;
    }
    memset(out, 0, 18);
    out[0] = 0x70;              /* current error, fixed format */
    out[2] = u->sense >> 16;
    out[7] = 10;
    out[12] = u->sense >> 8;
    out[13] = u->sense;
    u->sense = SENSE_NONE;
    atapi_reply(ch, 18, ch->atapi.cdb[4]);
}

static void cmd_inquiry(struct ide_channel *ch)
{
    const uint8_t *cdb = ch->atapi.cdb;
    uint8_t *out = ch->io->buf;

    if ((cdb[1] & 1) || cdb[2]) {       /* no vital product data */
        atapi_check(ch, SENSE_BAD_FIELD);
        return;
    }
    memset(out, ' ', 36);
    out[0] = 0x05;              /* CD-ROM */
    out[1] = 0x80;              /* removable */
    out[2] = 0x00;
    out[3] = 0x21;              /* ATAPI, response format 1 (SFF-8020i) */
    out[4] = 31;
    memset(out + 5, 0, 3);
    memcpy(out + 8, "TRESTLE", 7);
    memcpy(out + 16, "CD-ROM", 6);
    memcpy(out + 32, "1.0", 3);
    atapi_reply(ch, 36, get16(cdb + 3));
}

static void cmd_start_stop(struct ide_channel *ch)
{
    struct ide_unit *u = ch->active;
    bool start = ch->atapi.cdb[4] & 1, tray = ch->atapi.cdb[4] & 2;

    if (tray && !start && u->prevent_removal) {
        atapi_check(ch, SENSE_PREVENTED);
        return;
    }
    if (tray && u->tray_open == start) {
        u->tray_open = !start;
        if (u->disk)
            u->media_event = start ? MEDIA_NEW : MEDIA_REMOVED;
        if (u->disk && start)
            u->attention = SENSE_MEDIUM_CHANGED;
    }
    atapi_done(ch);
}

static void cmd_prevent(struct ide_channel *ch)
{
    ch->active->prevent_removal = ch->atapi.cdb[4] & 1;
    atapi_done(ch);
}

static void cmd_event_status(struct ide_channel *ch)
{
    struct ide_unit *u = ch->active;
    const uint8_t *cdb = ch->atapi.cdb;
    uint8_t *out = ch->io->buf;
    bool media = cdb[4] & 0x10;

    if (!(cdb[1] & 1)) {        /* only polled */
        atapi_check(ch, SENSE_BAD_FIELD);
        return;
    }
    memset(out, 0, 8);
    put16(out, media ? 6 : 2);
    out[2] = media ? 0x04 : 0x80;       /* this class, or no such event */
    out[3] = 0x10;              /* classes there are: media */
    if (media) {
        out[4] = u->media_event;
        out[5] = has_medium(u) << 1 | u->tray_open;
        u->media_event = MEDIA_NO_EVENT;
    }
    atapi_reply(ch, media ? 8 : 4, get16(cdb + 7));
}

static void cmd_mechanism_status(struct ide_channel *ch)
{
    uint8_t *out = ch->io->buf;

    memset(out, 0, 8);
    out[1] = ch->active->tray_open << 4;
    atapi_reply(ch, 8, get16(ch->atapi.cdb + 8));
}

/* ---- The medium --------------------------------------------------------- */

static void read_sectors(struct ide_channel *ch, uint32_t lba, uint32_t count)
{
    uint32_t total = capacity(ch->active);

    if (lba > total || count > total - lba) {
        ide_refuse(ch, "atapi: sector outside medium");
        atapi_check(ch, SENSE_BAD_LBA);
        return;
    }
    atapi_read(ch, lba, count);
}

static void cmd_read_10(struct ide_channel *ch)
{
    const uint8_t *cdb = ch->atapi.cdb;

    read_sectors(ch, get32(cdb + 2), get16(cdb + 7));
}

static void cmd_read_12(struct ide_channel *ch)
{
    const uint8_t *cdb = ch->atapi.cdb;

    read_sectors(ch, get32(cdb + 2), get32(cdb + 6));
}

/* READ CD: the 2048 bytes of user data of mode 1 sectors, or nothing. */
static void cmd_read_cd(struct ide_channel *ch)
{
    const uint8_t *cdb = ch->atapi.cdb;
    uint8_t type = cdb[1] >> 2 & 7, fields = cdb[9] & 0xf8;
    uint32_t count = cdb[6] << 16 | get16(cdb + 7);

    if ((type != 0 && type != 2) || (cdb[10] & 7) ||
        (fields != 0x10 && fields != 0)) {
        atapi_check(ch, SENSE_BAD_FIELD);
        return;
    }
    read_sectors(ch, get32(cdb + 2), fields ? count : 0);
}

static void cmd_read_capacity(struct ide_channel *ch)
{
    uint32_t total = capacity(ch->active);

    put32(ch->io->buf, total ? total - 1 : 0);
    put32(ch->io->buf + 4, CD_SECTOR_SIZE);
    atapi_reply(ch, 8, 8);
}

static void cmd_seek(struct ide_channel *ch)
{
    if (get32(ch->atapi.cdb + 2) >= capacity(ch->active))
        atapi_check(ch, SENSE_BAD_LBA);
    else
        atapi_done(ch);
}

static uint8_t *put_track(uint8_t *p, uint8_t track, uint32_t lba, bool msf)
{
    p[0] = 0;
    p[1] = 0x14;                /* a data track */
    p[2] = track;
    p[3] = 0;
    if (msf) {
        lba += 150;             /* the lead-in's two seconds */
        p[4] = 0;
        p[5] = lba / (75 * 60);
        p[6] = lba / 75 % 60;
        p[7] = lba % 75;
    } else {
        put32(p + 4, lba);
    }
    return p + 8;
}

static void cmd_read_toc(struct ide_channel *ch)
{
    const uint8_t *cdb = ch->atapi.cdb;
    uint8_t *out = ch->io->buf, *p = out + 4;
    /* SFF-8020i put the format where MMC has the control byte. */
    uint8_t format = cdb[2] & 15 ? cdb[2] & 15 : cdb[9] >> 6;
    bool msf = cdb[1] & 2;

    if (format > 1 || (format == 0 && cdb[6] > 1 && cdb[6] != LEAD_OUT)) {
        atapi_check(ch, SENSE_BAD_FIELD);
        return;
    }
    if (format == 1 || cdb[6] != LEAD_OUT)
        p = put_track(p, 1, 0, msf);
    if (format == 0)
        p = put_track(p, LEAD_OUT, capacity(ch->active), msf);
    put16(out, p - out - 2);
    out[2] = out[3] = 1;        /* first and last track, or session */
    atapi_reply(ch, p - out, get16(cdb + 7));
}

/* ---- What the drive can do ---------------------------------------------- */

static const uint8_t page_error_recovery[8] = { 0x01, 6, 0, 1 };
static const uint8_t page_cd_parameters[8] = { 0x0d, 6, 0, 0, 0, 60, 0, 75 };
static const uint8_t page_capabilities[20] = {
    0x2a, 18,
    0x03, 0x00,                 /* reads CD-R and CD-RW, writes nothing */
    0x40, 0x00,                 /* multi-session */
    0x29, 0x00,                 /* a tray that locks and ejects */
    SPEED_KBPS >> 8, SPEED_KBPS & 0xff,
    0, 0,                       /* no audio, no volume */
    0, IDE_BUF_BYTES >> 10,     /* buffer in KiB */
    SPEED_KBPS >> 8, SPEED_KBPS & 0xff,
};

static const struct {
    const uint8_t *data;
    uint8_t size;
} mode_pages[] = {
    { page_error_recovery, sizeof page_error_recovery },
    { page_cd_parameters, sizeof page_cd_parameters },
    { page_capabilities, sizeof page_capabilities },
};

static void cmd_mode_sense(struct ide_channel *ch)
{
    const uint8_t *cdb = ch->atapi.cdb;
    const struct ide_unit *u = ch->active;
    uint8_t page = cdb[2] & 0x3f, control = cdb[2] >> 6;
    uint8_t *out = ch->io->buf, *p = out + 8;

    if (control == 3) {
        atapi_check(ch, SENSE_NO_SAVED_PAGES);
        return;
    }
    for (unsigned i = 0; i < sizeof mode_pages / sizeof mode_pages[0]; i++) {
        const uint8_t *data = mode_pages[i].data;

        if (page != data[0] && page != 0x3f)
            continue;
        memcpy(p, data, mode_pages[i].size);
        if (data[0] == 0x2a)
            p[6] |= u->prevent_removal << 1;
        if (control == 1)       /* none of it can be changed */
            memset(p + 2, 0, mode_pages[i].size - 2);
        p += mode_pages[i].size;
    }
    if (p == out + 8) {
        atapi_check(ch, SENSE_BAD_FIELD);
        return;
    }
    memset(out, 0, 8);
    put16(out, p - out - 2);
    out[2] = u->tray_open ? 0x71 : u->disk ? 0x01 : 0x70;
    atapi_reply(ch, p - out, get16(cdb + 7));
}

/* Feature descriptors (MMC-3): version, persistent and current bits. */
static const struct {
    uint16_t code;
    uint8_t flags;
    bool with_medium;           /* current only then */
    uint8_t size;
    uint8_t data[8];
} features[] = {
    { 0x0000, 0x03, false, 4, { 0x00, 0x08 } },         /* profiles: CD-ROM */
    { 0x0001, 0x03, false, 4, { 0, 0, 0, 2 } },         /* core: ATAPI */
    { 0x0003, 0x03, false, 4, { 0x29 } },               /* removable: tray */
    { 0x0010, 0x00, true, 8, { 0, 0, 8, 0, 0, 1 } },    /* random read: 2048 */
    { 0x001e, 0x00, true, 4, { 0 } },                   /* CD read */
};

static uint8_t *put_feature(uint8_t *p, unsigned i, bool medium)
{
    put16(p, features[i].code);
    p[2] = features[i].flags | (features[i].with_medium && medium);
    p[3] = features[i].size;
    memcpy(p + 4, features[i].data, features[i].size);
    if (features[i].code == 0x0000)
        p[6] = medium;          /* the profile is the current one */
    return p + 4 + features[i].size;
}

static void cmd_get_configuration(struct ide_channel *ch)
{
    const uint8_t *cdb = ch->atapi.cdb;
    uint8_t *out = ch->io->buf, *p = out + 8;
    bool medium = has_medium(ch->active);
    uint8_t type = cdb[1] & 3;
    uint16_t first = get16(cdb + 2);

    if (type == 3) {
        atapi_check(ch, SENSE_BAD_FIELD);
        return;
    }
    for (unsigned i = 0; i < sizeof features / sizeof features[0]; i++) {
        bool current = !features[i].with_medium || medium;

        if (type == 2 ? features[i].code == first
                      : features[i].code >= first && (type == 0 || current))
            p = put_feature(p, i, medium);
    }
    put32(out, p - out - 4);
    out[4] = out[5] = 0;
    put16(out + 6, medium ? 0x0008 : 0);
    atapi_reply(ch, p - out, get16(cdb + 7));
}

/* ---- Dispatch ----------------------------------------------------------- */

static const struct {
    uint8_t opcode;
    uint8_t flags;
    void (*run)(struct ide_channel *ch);
} packet_commands[] = {
    { 0x00, NEEDS_MEDIUM, cmd_ok },             /* TEST UNIT READY */
    { 0x03, DESPITE_ATTENTION, cmd_request_sense },
    { 0x12, DESPITE_ATTENTION, cmd_inquiry },
    { 0x1b, 0, cmd_start_stop },
    { 0x1e, 0, cmd_prevent },
    { 0x25, NEEDS_MEDIUM, cmd_read_capacity },
    { 0x28, NEEDS_MEDIUM, cmd_read_10 },
    { 0x2b, NEEDS_MEDIUM, cmd_seek },
    { 0x35, 0, cmd_ok },                        /* SYNCHRONIZE CACHE */
    { 0x43, NEEDS_MEDIUM, cmd_read_toc },
    { 0x46, DESPITE_ATTENTION, cmd_get_configuration },
    { 0x4a, DESPITE_ATTENTION, cmd_event_status },
    { 0x5a, 0, cmd_mode_sense },
    { 0xa8, NEEDS_MEDIUM, cmd_read_12 },
    { 0xbb, 0, cmd_ok },                        /* SET CD SPEED */
    { 0xbd, 0, cmd_mechanism_status },
    { 0xbe, NEEDS_MEDIUM, cmd_read_cd },
};

void atapi_packet(struct ide_channel *ch)
{
    struct ide_unit *u = ch->active;
    unsigned count = sizeof packet_commands / sizeof packet_commands[0];
    unsigned i = 0;

    while (i < count && packet_commands[i].opcode != ch->atapi.cdb[0])
        i++;
    if (i == count) {
        ide_refuse(ch, "atapi: unknown packet command");
        atapi_check(ch, SENSE_BAD_OPCODE);
        return;
    }
    if (u->attention && !(packet_commands[i].flags & DESPITE_ATTENTION)) {
        enum atapi_sense news = u->attention;

        u->attention = SENSE_NONE;
        atapi_check(ch, news);
        return;
    }
    if ((packet_commands[i].flags & NEEDS_MEDIUM) && !has_medium(u)) {
        atapi_check(ch, u->tray_open ? SENSE_TRAY_OPEN : SENSE_NO_MEDIUM);
        return;
    }
    if (packet_commands[i].opcode != 0x03)
        u->sense = SENSE_NONE;
    packet_commands[i].run(ch);
}

/* ---- The drive's owner --------------------------------------------------- */

static struct ide_unit *unit_of(struct ide *ide, unsigned unit)
{
    return &ide->channel[unit / 2].unit[unit % 2];
}

int ide_eject(struct ide *ide, unsigned unit, bool force)
{
    struct ide_channel *ch = &ide->channel[unit / 2];
    struct ide_unit *u = unit_of(ide, unit);

    if (!u->present || !u->is_cdrom)
        return -ENOTTY;
    if (u->prevent_removal && !force)
        return -EACCES;
    if (ch->resetting || ch->io->in_flight || ch->io->wanted ||
        (ch->active == u && u->status & (ST_BSY | ST_DRQ)))
        return -EBUSY;
    if (u->disk)
        u->media_event = MEDIA_REMOVED;
    u->disk = NULL;
    u->tray_open = true;
    u->prevent_removal = false;
    return 0;
}

void ide_insert(struct ide *ide, unsigned unit, struct blockdev *medium)
{
    struct ide_unit *u = unit_of(ide, unit);

    u->disk = medium;
    u->tray_open = false;
    u->media_event = MEDIA_NEW;
    u->attention = SENSE_MEDIUM_CHANGED;
}
