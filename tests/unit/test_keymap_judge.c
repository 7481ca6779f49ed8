/*
 * Keyboard layouts against qemu's files of them (qemu-system-data): whatever a
 * key gives there, it gives here. What keysyms mean is libxkbcommon's to say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>

#include "kernel/keymap/keymap.h"

#define FOLDER "/usr/share/qemu/keymaps/"
#define DEAD_FIRST 0xfe50u
#define DEAD_LAST 0xfe93u
#define FEWEST 85u              /* characters of a layout that are compared */
#define ALTGR_OTHERS 20u        /* xkb-data moves some of these at times */

static uint32_t (*keysym_from_name)(const char *name, int flags);
static uint32_t (*keysym_to_utf32)(uint32_t keysym);

static int setup(void **state)
{
    void *lib = dlopen("libxkbcommon.so.0", RTLD_NOW);

    assert_non_null(lib);
    *(void **)&keysym_from_name = dlsym(lib, "xkb_keysym_from_name");
    *(void **)&keysym_to_utf32 = dlsym(lib, "xkb_keysym_to_utf32");
    return keysym_from_name && keysym_to_utf32 ? 0 : -1;
}

/* As keymap_char has it; 0: no character, or one of more than 16 bits. */
static uint16_t meant(const char *keysym)
{
    uint32_t sym = keysym_from_name(keysym, 0);
    uint32_t c = keysym_to_utf32(sym);

    if (sym >= DEAD_FIRST && sym <= DEAD_LAST)
        return (uint16_t)(KEYMAP_DEAD + sym - DEAD_FIRST);
    return c < ' ' || c == 0x7f || c > 0xffff ? 0 : (uint16_t)c;
}

/* "exclam 0x02 shift". False: it is no such line, or one of another kind of
 * key. */
static bool parse(char *line, char **keysym, guest_key *key,
                  unsigned *modifiers)
{
    char *save, *word = strtok_r(line, " \t\n", &save);
    char *code = strtok_r(NULL, " \t\n", &save);

    if (!word || *word == '#' || !code || strncmp(code, "0x", 2))
        return false;
    *keysym = word;
    *key = (guest_key)strtoul(code, NULL, 16);
    *modifiers = 0;
    while ((word = strtok_r(NULL, " \t\n", &save)))
        if (!strcmp(word, "shift"))
            *modifiers |= KEYMAP_SHIFT;
        else if (!strcmp(word, "altgr"))
            *modifiers |= KEYMAP_ALTGR;
        else if (!strcmp(word, "numlock"))
            *modifiers |= KEYMAP_NUM;
        else if (strcmp(word, "addupper") && strcmp(word, "localstate"))
            return false;
    return true;
}

struct counts {
    unsigned same, others, altgr_others;
};

/* qemu's sv and sl are not made from xkb: two dead keys are none there, and Y
 * and Z change places. */
static unsigned others_known(const struct keymap *map)
{
    return !strcmp(keymap_name(map), "sv") ? 2
           : !strcmp(keymap_name(map), "sl") ? 3 : 0;
}

/* The keypad's keys have several names each there. */
static bool is_keypad(guest_key key)
{
    return key == 0x37 || (key >= 0x47 && key <= 0x53) || key == 0x59 ||
           key == 0x7e || key == 0xb5;
}

static struct counts compare(const struct keymap *map, FILE *f)
{
    struct counts n = { 0 };
    char line[200], *keysym;
    unsigned modifiers;
    guest_key key;

    while (fgets(line, sizeof line, f)) {
        uint16_t c, ours;

        if (!parse(line, &keysym, &key, &modifiers) ||
            is_keypad(key) || !(c = meant(keysym)))
            continue;
        ours = keymap_char(map, key, modifiers);
        if (ours == c)
            n.same++;
        else if (modifiers & KEYMAP_ALTGR)
            n.altgr_others++;
        else
            n.others++;
        if (ours != c)
            print_message("%s: key %02x, %u: %s, but here %04x\n",
                          keymap_name(map), key, modifiers, keysym, ours);
    }
    return n;
}

static void test_all(void **state)
{
    const struct keymap *map;

    for (unsigned i = 0; (map = keymap_at(i)); i++) {
        struct counts n;
        char path[80];
        FILE *f;

        /* Estonian; its own became Ethiopian, whose name in xkb that is. */
        if (!strcmp(keymap_name(map), "et"))
            continue;
        /* Belgian, of which qemu has but the French name now. */
        snprintf(path, sizeof path, FOLDER "%s",
                 strcmp(keymap_name(map), "nl-be") ? keymap_name(map)
                                                   : "fr-be");
        f = fopen(path, "r");
        assert_non_null(f);
        n = compare(map, f);
        fclose(f);
        print_message("%s: %u the same, %u others, %u of them by AltGr\n",
                      keymap_name(map), n.same, n.others + n.altgr_others,
                      n.altgr_others);
        assert_true(n.same >= FEWEST);
        assert_int_equal(n.others, others_known(map));
        assert_true(n.altgr_others <= ALTGR_OTHERS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };

    return cmocka_run_group_tests(tests, setup, NULL);
}
