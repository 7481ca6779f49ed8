/*
 * Tests that fail because of the processor which plays the host, with what it
 * does wrong. They still run; a failure is shown, named and not counted.
 */
#include <cpuid.h>
#include <stddef.h>
#include <string.h>

#include "tests/engine/cmocka.h"
#include "tests/unit/cpu_harness.h"

/* QEMU's TCG as a processor: what its manual calls a hypervisor's name. */
static const char tcg[] = "TCGTCGTCGTCG";
static const char any[] = "";

static const struct {
    const char *test;
    const char *engine;         /* NULL: any */
    const char *host;
    const char *reason;
} known[] = {
    { "test_mf", NULL, tcg, "x87 pops in spite of an unmasked exception" },
    { "test_ferr", NULL, tcg, "x87 pops in spite of an unmasked exception" },
    { "test_store_suppressed", NULL, tcg,
      "x87 stores in spite of an unmasked exception" },
    /* what the guest's own instructions meet under svm */
    { "test_refused", "svm", tcg, "takes LOCK with MOV" },
    { "test_real_wraps", "svm", tcg, "no segment limits" },
    { "test_real_ip_end", "svm", tcg, "no segment limits" },
    { "test_branch_beyond_limit", "svm", tcg, "no segment limits" },
    { "test_segment_checks", "svm", tcg, "no segment limits" },
    { "test_real_mode_limits", "svm", tcg, "no segment limits" },
    { "test_tables", "svm", tcg, "null segments can be used" },
    { "test_call_gate_inner", "svm", tcg, "null segments can be used" },
    { "test_alignment_check", "svm", tcg, "no alignment check" },
    { "test_alignment", "svm", tcg, "no alignment check" },
    { "test_next_insn_modified", "svm", tcg,
      "a store into the running block takes effect behind it" },
    { "test_patch_by_alias", "svm", tcg,
      "a store into the running block takes effect behind it" },
    { "test_mov_ss_shadow", "svm", tcg, "no shadow inside a shadow" },
    { "test_code_breakpoint", "svm", tcg, "VMRUN arms no breakpoints" },
    { "test_data_breakpoint", "svm", tcg, "VMRUN arms no breakpoints" },
    { "test_task_trap_bit", "svm", tcg, "the TSS's T bit does nothing" },
    { "test_address_spaces", "svm", tcg, "no global pages in the TLB" },
    { "test_env_protected32", "svm", tcg, "x87 environment: upper halves" },
    { "test_fsave_frstor", "svm", tcg, "x87 environment: upper halves" },
    { "test_env_real", "svm", tcg, "no x87 instruction pointer" },
    { "test_control_keeps_pointers", "svm", tcg,
      "no x87 instruction pointer" },
    { "test_store_page_fault", "svm", tcg, "no x87 instruction pointer" },
    { "test_fxsave", "svm", tcg, "no x87 instruction pointer" },
    { "test_env_load_keeps_registers", "svm", tcg, "FLDENV leaves ES alone" },
    { "test_fldcw_unmasks", "svm", tcg, "FLDCW leaves ES alone" },
    { "test_xm", "svm", tcg, "no #XM" },
    { "test_mxcsr_reserved", "svm", tcg, "LDMXCSR takes reserved bits" },
    { "test_mmx_transition", "svm", tcg, "MMX leaves exponents alone" },
    /* on every processor */
    { "test_x87_available", "svm", any, "an instruction that the model lacks "
      "and the processor has" },
    { "test_newer_is_undefined", "svm", any, "an instruction that the model "
      "lacks and the processor has" },
};

static bool host_is(const char *name)
{
    unsigned eax, ebx, ecx, edx;
    char text[13] = "";

    __cpuid(0x40000000, eax, ebx, ecx, edx);
    memcpy(text, &ebx, 4);
    memcpy(text + 4, &ecx, 4);
    memcpy(text + 8, &edx, 4);
    return name == any || strcmp(text, name) == 0;
}

const char *cmocka_excuse(const char *test)
{
    for (size_t n = 0; n < sizeof known / sizeof known[0]; n++)
        if (strcmp(known[n].test, test) == 0 &&
            (!known[n].engine ||
             strcmp(known[n].engine, harness_engine->name) == 0) &&
            host_is(known[n].host))
            return known[n].reason;
    return NULL;
}
