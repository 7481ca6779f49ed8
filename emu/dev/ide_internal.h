/*
 * What the files of the IDE model share. Nothing outside ide*.c, ata*.c and
 * atapi*.c includes this.
 *
 * A command runs as a chain of steps: the command's file starts a block
 * request (ide_io_start), a PIO block (ide_pio_start) or a DMA piece
 * (ide_dma_start) and names the function that goes on after it. At most one
 * step is under way per channel.
 */
#ifndef EMU_DEV_IDE_INTERNAL_H
#define EMU_DEV_IDE_INTERNAL_H

#include "emu/dev/ide.h"

#define IDE_CHANNELS 2u
/* One block request moves at most this many sectors. */
#define IDE_CHUNK_SECTORS 256u
#define IDE_BUF_BYTES (IDE_CHUNK_SECTORS * BLOCK_SECTOR_SIZE)
#define CD_SECTOR_SIZE 2048u
#define CD_BLOCKS (CD_SECTOR_SIZE / BLOCK_SECTOR_SIZE)

/* Status register. */
enum {
    ST_ERR = 0x01,              /* CHK for packet devices */
    ST_DRQ = 0x08,
    ST_DSC = 0x10,
    ST_DF = 0x20,
    ST_DRDY = 0x40,
    ST_BSY = 0x80,
    ST_READY = ST_DRDY | ST_DSC,
};

/* Error register. */
enum {
    ER_ABRT = 0x04,
    ER_IDNF = 0x10,
    ER_UNC = 0x40,
};

/* Device control register. */
enum { DC_NIEN = 0x02, DC_SRST = 0x04, DC_HOB = 0x80 };
/* Device register. */
enum { DH_DEV1 = 0x10, DH_LBA = 0x40 };

/* Command block registers by their offset from the base port. */
enum ide_reg {
    REG_DATA,
    REG_FEATURE,                /* read: error */
    REG_COUNT,                  /* packet devices: interrupt reason */
    REG_LBA_LOW,
    REG_LBA_MID,                /* packet devices: byte count */
    REG_LBA_HIGH,
    REG_DEVICE,
    REG_COMMAND,                /* read: status */
    REG_CONTROL,                /* base + 206h; read: alternate status */
};

struct ide_geometry {
    uint16_t cylinders, heads, sectors;
};

/* Sense data of a packet device (SPC-2, MMC-3): key << 16 | ASC << 8 | ASCQ. */
enum atapi_sense {
    SENSE_NONE = 0,
    SENSE_NO_MEDIUM = 0x023a00,
    SENSE_TRAY_OPEN = 0x023a02,
    SENSE_READ_ERROR = 0x031100,
    SENSE_BAD_OPCODE = 0x052000,
    SENSE_BAD_LBA = 0x052100,
    SENSE_BAD_FIELD = 0x052400,
    SENSE_NO_SAVED_PAGES = 0x053900,
    SENSE_PREVENTED = 0x055302,
    SENSE_MEDIUM_CHANGED = 0x062800,
    SENSE_RESET = 0x062900,
};

struct ide_unit {
    bool present;
    bool is_cdrom;
    bool read_only;
    struct blockdev *disk;      /* NULL: an empty CD drive */
    struct ide_geometry wanted; /* from the configuration, or zeros */
    struct ide_geometry native; /* as IDENTIFY words 1, 3, 6 */
    struct ide_geometry now;    /* after INITIALIZE DEVICE PARAMETERS */
    bool geometry_known;
    uint8_t status, error;
    uint8_t reg[REG_DEVICE][2]; /* [0] newest, [1] what it was before */
    uint8_t multiple;           /* sectors per block, 0: not set */
    uint8_t transfer_mode;      /* SET FEATURES 03h's count register */
    bool write_cache, look_ahead;
    bool asleep;
    enum atapi_sense sense;
    enum atapi_sense attention; /* to be told before the next command runs */
    uint8_t media_event;        /* for GET EVENT STATUS NOTIFICATION */
    bool prevent_removal;
    bool tray_open;
    uint64_t rd_ops, rd_bytes, wr_ops, wr_bytes, flush_ops, errors;
};

/*
 * The block request of a channel with its buffer. Apart from the channel, so
 * that it can outlive it while the request is in flight.
 */
struct ide_io {
    struct block_request req;
    struct ide_channel *ch;     /* NULL: the channel is gone */
    struct blockdev *disk;
    bool wanted;                /* req is filled in, not yet submitted */
    bool in_flight;
    bool running;               /* inside ide_io_run */
    int error;
    void (*then)(struct ide_channel *ch, int error);
    uint8_t buf[IDE_BUF_BYTES];
};

enum ide_xfer_kind { XFER_NONE, XFER_PIO_IN, XFER_PIO_OUT, XFER_DMA_IN,
                     XFER_DMA_OUT };

/* Bytes [pos, end) of io->buf on their way to or from the guest. */
struct ide_xfer {
    enum ide_xfer_kind kind;
    uint32_t pos, end;
    void (*then)(struct ide_channel *ch);
};

/* A disk command with sectors; see ata.c. */
struct ata_transfer {
    uint64_t lba;               /* of the first sector in the buffer */
    uint32_t left;              /* sectors from there to the command's end */
    uint32_t chunk;             /* sectors in the buffer (being filled) */
    uint32_t good;              /* of them: read or written without error */
    uint32_t block;             /* sectors per PIO block */
    uint8_t flags;              /* enum ata_flag of its command */
    bool single;                /* looking for the bad sector, one by one */
    bool failed;                /* sector lba + good is bad */
    bool asked;                 /* for the first block of a PIO write */
};

/* A packet command; see atapi.c. */
struct atapi_transfer {
    uint8_t cdb[12];
    uint32_t lba;               /* next CD sector to read from the disk */
    uint32_t left;              /* CD sectors from there */
    uint32_t chunk, chunk_max;  /* CD sectors per block request */
    uint32_t pos, end;          /* of the buffer: still to be sent */
    uint16_t byte_limit;        /* of a PIO block; even */
    bool dma;
};

/* Bus-master registers of a channel and the engine's own pointers. */
struct ide_busmaster {
    uint8_t command, status;
    uint32_t table;             /* register: PRD table's address */
    uint32_t next;              /* next PRD to fetch */
    uint32_t address, count;    /* what is left of the present one */
    bool last;                  /* it has EOT */
};

/* What goes on after a transfer of this kind, by its place in a table. */
struct ide_step {
    enum ide_xfer_kind kind;
    void (*then)(struct ide_channel *ch);
};

struct ide_channel {
    struct ide *ide;
    struct ide_unit unit[2];
    uint8_t device;             /* device register, both units see writes */
    uint8_t control;
    bool resetting;             /* until block requests have come back */
    bool intrq;                 /* before nIEN */
    bool irq_level;
    struct irq_line irq;
    struct ide_unit *active;    /* whose command runs or ran last */
    struct ide_xfer xfer;
    struct ata_transfer ata;
    struct atapi_transfer atapi;
    struct ide_busmaster bm;
    struct ide_io *io;
};

struct ide {
    struct pci_dev pci;
    struct ide_channel channel[IDE_CHANNELS];
};

/* ---- ide.c -------------------------------------------------------------- */

/* Count a refused action of the guest's. */
void ide_refuse(struct ide_channel *ch, const char *name);
/* Raise or drop INTRQ of the channel. */
void ide_interrupt(struct ide_channel *ch, bool level);
/* The active unit's command ends well: READY, and INTRQ if `interrupt`. */
void ide_finish(struct ide_channel *ch, bool interrupt);
/* It ends with ERR and these error bits, and INTRQ. */
void ide_fail(struct ide_channel *ch, uint8_t error);
/* Put the reset signature into `u`'s registers. */
void ide_signature(struct ide_unit *u);
/* Stop everything on the channel (or what `only` does, for DEVICE RESET). */
void ide_channel_reset(struct ide_channel *ch, struct ide_unit *only);

/* ---- ide_io.c ----------------------------------------------------------- */

struct ide_io *ide_io_create(struct ide_channel *ch);
void ide_io_destroy(struct ide_io *io);
/*
 * Submit a request for `count` sectors at io->buf + `offset`. `then` is called
 * when it is done: from here, or later; never recursively from itself.
 */
void ide_io_start(struct ide_channel *ch, enum block_op op, uint64_t sector,
                  uint32_t count, uint32_t offset,
                  void (*then)(struct ide_channel *ch, int error));

/* ---- ide_data.c --------------------------------------------------------- */

/* Ask the guest to move buf[pos, end) through the data port, then `then`. */
void ide_pio_start(struct ide_channel *ch, bool in, uint32_t pos, uint32_t end,
                   void (*then)(struct ide_channel *ch));
/* Data port: `len` bytes in elements of `size`. */
void ide_data_read(struct ide_channel *ch, unsigned size, uint8_t *buf,
                   size_t len);
void ide_data_write(struct ide_channel *ch, unsigned size, const uint8_t *buf,
                    size_t len);

/* ---- ide_dma.c ---------------------------------------------------------- */

/* Move buf[pos, end) by the bus master once the guest has started it. */
void ide_dma_start(struct ide_channel *ch, bool in, uint32_t pos, uint32_t end,
                   void (*then)(struct ide_channel *ch));
void ide_dma_reset(struct ide_channel *ch);
/* INTRQ has risen. */
void ide_bm_interrupt(struct ide_channel *ch);
/* Bus-master register `reg` (0..7) of a channel. */
uint8_t ide_bm_read(const struct ide_channel *ch, unsigned reg);
void ide_bm_write(struct ide_channel *ch, unsigned reg, uint8_t value);

/* ---- ide_state.c -------------------------------------------------------- */

/* Not while a block request is in flight (ide_is_idle). */
void ide_state(struct device *dev, struct state *s);

/* ---- ata.c, ata_identify.c, atapi.c ------------------------------------- */

/* The active unit, a disk, has been given `command`. */
void ata_command(struct ide_channel *ch, uint8_t command);
/* Power-on and reset values of a disk's settings. */
void ata_reset(struct ide_unit *u);
/* 512 bytes of IDENTIFY DEVICE data; `n` is 0..3, hda..hdd. */
void ata_identify(const struct ide_unit *u, unsigned n, uint8_t *out);
/*
 * The steps of disk and packet commands that may wait for the guest, for
 * snapshots: a place in a table never changes. Ends with XFER_NONE.
 */
extern const struct ide_step ata_steps[], atapi_steps[];
/*
 * Is a transfer of `kind` as it stands in ch->xfer, with `then` behind it, one
 * that a command of the active unit could be at?
 */
bool ata_step_is_possible(const struct ide_channel *ch);
bool atapi_step_is_possible(const struct ide_channel *ch);
/* Capacity and geometry from the configuration or sector 0 (NULL: unread). */
void ata_set_geometry(struct ide_unit *u, const uint8_t *mbr);

/* The active unit, a CD drive, has been given `command`. */
void atapi_command(struct ide_channel *ch, uint8_t command);
void atapi_reset(struct ide_unit *u);

/* ---- atapi.c for atapi_command.c and back ------------------------------- */

/* Run the packet command in ch->atapi.cdb. */
void atapi_packet(struct ide_channel *ch);
/* It ends well, without (more) data. */
void atapi_done(struct ide_channel *ch);
/* It ends with CHECK CONDITION. */
void atapi_check(struct ide_channel *ch, enum atapi_sense sense);
/* Send io->buf[0, len), cut at the allocation length `room`, then end. */
void atapi_reply(struct ide_channel *ch, uint32_t len, uint32_t room);
/* Send `count` CD sectors from `lba` on; both are on the medium. */
void atapi_read(struct ide_channel *ch, uint32_t lba, uint32_t count);

/* What IDENTIFY data is made of (ata_identify.c). */
void ide_put_word(uint8_t *out, unsigned word, uint16_t value);
void ide_put_string(uint8_t *out, unsigned word, unsigned words, const char *s);
/* SET FEATURES 03h: take transfer mode `mode` if it exists. */
bool ide_set_transfer_mode(struct ide_unit *u, uint8_t mode);
/* Words that disks and CD drives share: DMA and PIO modes, names, checksum. */
void ide_identify_common(const struct ide_unit *u, unsigned n,
                         const char *model, uint8_t *out);

#endif
