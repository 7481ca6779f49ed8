/* SCSI commands as mass storage gets them (SPC-4, SBC-3): blocks of bytes, made
 * and read. Pure. */
#ifndef DRIVERS_USB_SCSI_H
#define DRIVERS_USB_SCSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCSI_TEST_UNIT_READY = 0x00, SCSI_REQUEST_SENSE = 0x03,
       SCSI_INQUIRY = 0x12, SCSI_MODE_SENSE_6 = 0x1a,
       SCSI_READ_CAPACITY_10 = 0x25, SCSI_READ_10 = 0x28,
       SCSI_WRITE_10 = 0x2a, SCSI_SYNCHRONIZE_CACHE_10 = 0x35,
       SCSI_READ_16 = 0x88, SCSI_WRITE_16 = 0x8a,
       SCSI_SERVICE_ACTION_IN_16 = 0x9e };

#define SCSI_INQUIRY_BYTES 36u
#define SCSI_SENSE_BYTES 18u
#define SCSI_CAPACITY_10_BYTES 8u
#define SCSI_CAPACITY_16_BYTES 32u
#define SCSI_MODE_BYTES 192u

/* Sense keys (SPC-4, 4.5.6), and additional sense codes (4.5.7). */
enum { SCSI_NO_SENSE = 0, SCSI_RECOVERED = 1, SCSI_NOT_READY = 2,
       SCSI_MEDIUM_ERROR = 3, SCSI_ILLEGAL_REQUEST = 5,
       SCSI_UNIT_ATTENTION = 6, SCSI_DATA_PROTECT = 7, SCSI_ABORTED = 0xb,
       SCSI_KEY_UNKNOWN = 0xff };
enum { SCSI_ASC_NO_MEDIUM = 0x3a, SCSI_ASC_MEDIUM_CHANGED = 0x28,
       SCSI_ASC_RESET = 0x29 };

struct scsi_sense {
    uint8_t key, asc, ascq;
};

struct scsi_capacity {
    uint64_t blocks;            /* 0: there are more than (10) can say */
    uint32_t block_bytes;
};

/* The bytes of each command: SCSI_..._BYTES of data where there are some. */
unsigned scsi_cdb(uint8_t cdb[16], uint8_t opcode);
/* READ or WRITE, (10) where that reaches. */
unsigned scsi_cdb_blocks(uint8_t cdb[16], bool is_write, uint64_t block,
                         uint32_t count);
/* `len` bytes came. A key that is none: SCSI_KEY_UNKNOWN. */
struct scsi_sense scsi_read_sense(const uint8_t *p, size_t len);
/* False: too short. */
bool scsi_read_capacity(const uint8_t *p, size_t len, bool is_16,
                        struct scsi_capacity *out);

#endif
