/* Physical devices and their drivers. */
#ifndef KERNEL_METAL_DEVICES_H
#define KERNEL_METAL_DEVICES_H

#include <stdint.h>

/* Bind a driver to every PCI function that has one; name the NICs that have
 * none and go on. Needs host_pci_init and apic_init. */
void devices_init(void);

/* Take what keyboards and mice at USB controllers say. When (platform_now_ns)
 * to call again at the latest. */
uint64_t devices_poll_input(void);

#endif
