/* Switching off and restarting the PC. */
#ifndef KERNEL_METAL_POWER_H
#define KERNEL_METAL_POWER_H

/* FADT reset register, port CF9h, keyboard controller, triple fault. */
_Noreturn void power_reset(void);
/* ACPI S5; halts where that does not work. */
_Noreturn void power_off(void);

#endif
