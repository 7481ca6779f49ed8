/* See symbols.h. */
#include "kernel/metal/symbols.h"

#include "kernel/metal/format.h"

struct entry {
    uint32_t address_low, name;
};

/* ELF note: Elf64_Nhdr, "GNU\0", then the id. */
struct build_id_note {
    uint32_t name_size, id_size, type;
    char name[4];
    uint8_t id[];
};

extern const uint64_t symtab_count;
extern const struct entry symtab_entries[];
extern const char symtab_names[];
extern const uint8_t text_start[], text_end[];
extern const struct build_id_note build_id_note, build_id_note_end;

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    uint64_t low = 0, high = symtab_count;

    if (address < (uintptr_t)text_start || address >= (uintptr_t)text_end)
        return NULL;
    while (low < high) {
        uint64_t mid = (low + high) / 2;

        if (symtab_entries[mid].address_low <= (uint32_t)address)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return NULL;
    *offset = (uint32_t)address - symtab_entries[low - 1].address_low;
    return symtab_names + symtab_entries[low - 1].name;
}

void build_id_text(char *buf, size_t size)
{
    size_t used = 0;

    if (size)
        *buf = '\0';
    if (&build_id_note == &build_id_note_end)
        return;
    for (uint32_t i = 0; i < build_id_note.id_size && used + 2 < size; i++)
        used += format(buf + used, size - used, "%02x", build_id_note.id[i]);
}
