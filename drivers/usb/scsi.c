/* See scsi.h. */
#include "drivers/usb/scsi.h"

#include <string.h>

#define CAPACITY_16 0x10u       /* service action of READ CAPACITY(16) */
#define ALL_PAGES 0x3fu
#define TOO_MANY 0xffffffffu

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
           (uint32_t)p[2] << 8 | p[3];
}

static void put(uint8_t *p, unsigned bytes, uint64_t v)
{
    while (bytes--) {
        p[bytes] = (uint8_t)v;
        v >>= 8;
    }
}

unsigned scsi_cdb(uint8_t cdb[16], uint8_t opcode)
{
    memset(cdb, 0, 16);
    cdb[0] = opcode;
    switch (opcode) {
    case SCSI_REQUEST_SENSE:
        cdb[4] = SCSI_SENSE_BYTES;
        break;
    case SCSI_INQUIRY:
        cdb[4] = SCSI_INQUIRY_BYTES;
        break;
    case SCSI_MODE_SENSE_6:
        cdb[2] = ALL_PAGES;
        cdb[4] = SCSI_MODE_BYTES;
        break;
    case SCSI_SERVICE_ACTION_IN_16:
        cdb[1] = CAPACITY_16;
        cdb[13] = SCSI_CAPACITY_16_BYTES;
        break;
    }
    return opcode < 0x20 ? 6 : opcode < 0x80 ? 10 : 16;
}

unsigned scsi_cdb_blocks(uint8_t cdb[16], bool is_write, uint64_t block,
                         uint32_t count)
{
    bool is_10 = block <= UINT32_MAX && count <= UINT16_MAX;
    unsigned len = scsi_cdb(cdb, is_10 ? is_write ? SCSI_WRITE_10 : SCSI_READ_10
                                 : is_write ? SCSI_WRITE_16 : SCSI_READ_16);

    put(cdb + 2, is_10 ? 4 : 8, block);
    put(cdb + (is_10 ? 7 : 10), is_10 ? 2 : 4, count);
    return len;
}

/* SPC-4, 4.5.2 and 4.5.3. */
struct scsi_sense scsi_read_sense(const uint8_t *p, size_t len)
{
    uint8_t code = len ? p[0] & 0x7f : 0;

    if ((code == 0x70 || code == 0x71) && len >= 3)
        return (struct scsi_sense){ p[2] & 0xf, len > 12 ? p[12] : 0,
                                    len > 13 ? p[13] : 0 };
    if ((code == 0x72 || code == 0x73) && len >= 4)
        return (struct scsi_sense){ p[1] & 0xf, p[2], p[3] };
    return (struct scsi_sense){ SCSI_KEY_UNKNOWN, 0, 0 };
}

/* SBC-3, 5.12 and 5.13: of the last block. */
bool scsi_read_capacity(const uint8_t *p, size_t len, bool is_16,
                        struct scsi_capacity *out)
{
    uint64_t last;

    if (len < (is_16 ? 12 : SCSI_CAPACITY_10_BYTES))
        return false;
    last = is_16 ? (uint64_t)get32(p) << 32 | get32(p + 4) : get32(p);
    out->block_bytes = get32(p + (is_16 ? 8 : 4));
    out->blocks = !is_16 && last == TOO_MANY ? 0 : last + 1;
    return true;
}
