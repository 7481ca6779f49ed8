/* Physical devices and their drivers. */
#ifndef KERNEL_METAL_DEVICES_H
#define KERNEL_METAL_DEVICES_H

/* Bind a driver to every PCI function that has one; name the NICs that have
 * none and go on. Needs host_pci_init and apic_init. */
void devices_init(void);

#endif
