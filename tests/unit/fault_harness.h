/*
 * Who handles SIGSEGV: cmocka takes it for itself at the start of each test,
 * and tests/cpu while the processor runs their code.
 */
#ifndef TESTS_UNIT_FAULT_HARNESS_H
#define TESTS_UNIT_FAULT_HARNESS_H

/* Remember who does now; let them do it again, until it is given back. */
void fault_harness_keep(void);
void fault_harness_take(void);
void fault_harness_give_back(void);

#endif
