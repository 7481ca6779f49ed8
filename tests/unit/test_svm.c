/* Which AMD-V will do (kernel/metal/svm_caps.c), over what processors say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/metal/svm_caps.h"

#define NONE "this processor has no AMD-V"
#define OFF "AMD-V is switched off in the PC's setup"
#define NO_NESTED "this processor's AMD-V has no nested paging"

#define SVM SVM_CAPS_SVM
#define NPT SVM_CAPS_NESTED
#define LOCK 0x8u               /* VM_CR; with R_INIT, DPD, DIS_A20M below */

static const struct {
    const char *processor;
    struct svm_caps caps;
    const char *reason;         /* NULL: it will do */
} t[] = {
    { "all there", { 0x8000001f, SVM | 1, NPT | 0x1bcfe, 0 }, NULL },
    { "no nested paging", { 0x8000000a, SVM, 0, 0 }, NO_NESTED },
    { "no SVM bit", { 0x8000000a, 1, 0, 0 }, NONE },
    { "leaves end at 80000008h", { 0x80000008, 0x21, 0, 0 }, NONE },
    { "SVM bit, but no leaf of it", { 0x80000004, SVM, NPT, 0 }, NONE },
    { "nothing", { 0, 0, 0, 0 }, NONE },
    { "off and locked", { 0x8000001f, SVM, NPT, SVM_CAPS_SVMDIS | LOCK }, OFF },
    { "off", { 0x8000001f, SVM, NPT, SVM_CAPS_SVMDIS }, OFF },
    { "off, and no nested paging", { 0x8000000a, SVM, 0, SVM_CAPS_SVMDIS },
      OFF },
    { "on and locked", { 0x8000001f, SVM, NPT, LOCK | 0x7 }, NULL },
};

static void test_refuse(void **state)
{
    for (size_t n = 0; n < sizeof t / sizeof t[0]; n++) {
        const char *reason = svm_caps_refuse(&t[n].caps);

        print_message("%s\n", t[n].processor);
        if (t[n].reason)
            assert_string_equal(reason, t[n].reason);
        else
            assert_null(reason);
    }
}

/* VM_CR may be read: no #GP on a processor without it. */
static void test_present(void **state)
{
    assert_true(svm_caps_present(&t[0].caps));
    assert_true(svm_caps_present(&t[1].caps));
    assert_false(svm_caps_present(&t[2].caps));
    assert_false(svm_caps_present(&t[4].caps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuse), cmocka_unit_test(test_present),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
