/*
 * Keys to bytes: VT102 User Guide (cursor keys, keypad), and what xterm sends
 * for those that a VT102 has not (ctlseqs, "PC-Style Function Keys").
 */
#include "kernel/screen/vt_internal.h"

#include <stdio.h>
#include <string.h>

enum { ESC = 0x1b, DEL = 0x7f, CONTROL_MASK = 0x1f, KEYPAD_TO_FINAL = 0x40 };

/* ESC [ NUMBER ~, or where that is 0 ESC [ FINAL, or ESC O FINAL. */
static const struct {
    uint8_t number;
    char final;
    bool is_cursor;             /* DECCKM changes it */
} sequences[] = {
    [VT_KEY_UP] = { 0, 'A', true },
    [VT_KEY_DOWN] = { 0, 'B', true },
    [VT_KEY_RIGHT] = { 0, 'C', true },
    [VT_KEY_LEFT] = { 0, 'D', true },
    [VT_KEY_HOME] = { 0, 'H', true },
    [VT_KEY_END] = { 0, 'F', true },
    [VT_KEY_INSERT] = { 2, 0, false },
    [VT_KEY_DELETE] = { 3, 0, false },
    [VT_KEY_PAGE_UP] = { 5, 0, false },
    [VT_KEY_PAGE_DOWN] = { 6, 0, false },
    [VT_KEY_F1] = { 0, 'P', false },
    [VT_KEY_F2] = { 0, 'Q', false },
    [VT_KEY_F3] = { 0, 'R', false },
    [VT_KEY_F4] = { 0, 'S', false },
    [VT_KEY_F5] = { 15, 0, false },
    [VT_KEY_F6] = { 17, 0, false },
    [VT_KEY_F7] = { 18, 0, false },
    [VT_KEY_F8] = { 19, 0, false },
    [VT_KEY_F9] = { 20, 0, false },
    [VT_KEY_F10] = { 21, 0, false },
    [VT_KEY_F11] = { 23, 0, false },
    [VT_KEY_F12] = { 24, 0, false },
};

static size_t text(uint8_t *out, const char *bytes)
{
    size_t len = strlen(bytes);

    memcpy(out, bytes, len);
    return len;
}

/* Backspace, Tab, Return. */
static size_t control_key(const struct vt *vt, enum vt_key key,
                          unsigned modifiers, uint8_t out[VT_KEY_BYTES])
{
    const char *bytes = "\r";

    if (key == VT_KEY_BACKSPACE)
        bytes = modifiers & VT_CTRL ? "\b" : "\x7f";
    else if (key == VT_KEY_TAB)
        bytes = modifiers & VT_SHIFT ? "\x1b[Z" : "\t";
    else if (vt->new_line)
        bytes = "\r\n";
    if (!(modifiers & VT_ALT))
        return text(out, bytes);
    out[0] = ESC;
    return 1 + text(out + 1, bytes);
}

size_t vt_key(const struct vt *vt, enum vt_key key, unsigned modifiers,
              uint8_t out[VT_KEY_BYTES])
{
    char bytes[VT_KEY_BYTES];
    unsigned number;

    modifiers &= VT_SHIFT | VT_ALT | VT_CTRL;
    if (key >= sizeof sequences / sizeof *sequences)
        return control_key(vt, key, modifiers, out);
    number = sequences[key].number;
    if (number && modifiers)
        snprintf(bytes, sizeof bytes, "\x1b[%u;%u~", number, modifiers + 1);
    else if (number)
        snprintf(bytes, sizeof bytes, "\x1b[%u~", number);
    else if (modifiers)
        snprintf(bytes, sizeof bytes, "\x1b[1;%u%c", modifiers + 1,
                 sequences[key].final);
    else
        snprintf(bytes, sizeof bytes, "\x1b%c%c",
                 !sequences[key].is_cursor || vt->application_cursor ? 'O'
                                                                     : '[',
                 sequences[key].final);
    return text(out, bytes);
}

size_t vt_keypad(const struct vt *vt, char c, uint8_t out[VT_KEY_BYTES])
{
    if (!vt->application_keypad && c == '\r')
        return vt_key(vt, VT_KEY_RETURN, 0, out);
    if (!vt->application_keypad) {
        out[0] = (uint8_t)c;
        return 1;
    }
    out[0] = ESC;
    out[1] = 'O';
    out[2] = (uint8_t)(c + KEYPAD_TO_FINAL);
    return 3;
}

static size_t encode(const struct vt *vt, uint32_t c, uint8_t *out)
{
    if (c < 0x80 || (!vt->utf8 && c < 0x100)) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (!vt->utf8 || c > 0xffff)
        return 0;
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    out[0] = (uint8_t)(0xe0 | c >> 12);
    out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c & 0x3f));
    return 3;
}

size_t vt_type(const struct vt *vt, uint32_t c, unsigned modifiers,
               uint8_t out[VT_KEY_BYTES])
{
    size_t at = 0, len;

    if (modifiers & VT_CTRL) {
        if (c == ' ' || (c >= '@' && c <= '~'))
            c &= CONTROL_MASK;
        else if (c == '?')
            c = DEL;
        else
            return 0;
    }
    if (modifiers & VT_ALT)
        out[at++] = ESC;
    len = encode(vt, c, out + at);
    return len ? at + len : 0;
}
