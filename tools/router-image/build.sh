#!/bin/bash
# Build the stand-in router image from Debian's packages: build.sh OUTDIR [ARCH] makes OUTDIR/router.img (ARCH i386, the
# default) or OUTDIR/router-ARCH.img (amd64).
#
# Nothing is installed, and nothing of the image is run while it is built: see tools/lib/debian.sh.
set -euo pipefail
umask 022
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
	echo "usage: build.sh OUTDIR [i386|amd64]" >&2
	exit 2
fi

here=$(cd "$(dirname "$0")" && pwd)
arch=${2:-i386}
name=router-image
image=router.img
if [ "$arch" != i386 ]; then
	name+=-$arch
	image=router-$arch.img
fi
mkdir -p "$1/$name"
out=$(cd "$1" && pwd)
work=$out/$name
# shellcheck source=../lib/debian.sh
. "$here/../lib/debian.sh"

# Disk geometry: 16 heads, 63 sectors. The root partition is a multiple of 16 cylinders (of 504 KiB), so that it
# holds whole erase blocks of 128 KiB: block2mtd refuses anything else.
boot_cylinders=24
root_cylinders=48
kernel_package=linux-image-686
if [ "$arch" = amd64 ]; then
	boot_cylinders=40
	root_cylinders=64
	kernel_package=linux-image-amd64
fi
erase_block=131072

# Behind reboot=bios: nokaslr gives the same addresses on every boot; the others save the emulator work or waiting
# that nobody looks at (self-tests, 0.35 s of delays in the search for ISA cards, security modules without a policy).
cmdline='console=tty0 console=ttyS0,38400n8 reboot=bios'
cmdline+=' nokaslr noisapnp cryptomgr.notests init_on_alloc=0 mitigations=off lsm= rcupdate.rcu_expedited=1'

initramfs_modules='ata_piix sd_mod squashfs'
# root: preinit. network: eth0 and the bridge. The rest is loaded by hand or by nft.
root_modules='loop block2mtd mtdblock jffs2 overlay
	ne2k-pci bridge
	nf_tables nft_chain_nat nft_masq nft_nat nft_redir nft_ct nft_reject_inet nft_limit nft_log
	crc32c_generic ext4 virtio_pci virtio_net button evdev sr_mod
	i6300esb ib700wdt pvpanic-mmio'

# Programs, and the packages that hold them. Libraries follow from the packages' dependencies.
programs='usr/sbin/dnsmasq usr/sbin/nft usr/sbin/dropbear usr/bin/dropbearkey usr/bin/dbclient usr/bin/iperf3'
program_packages='dnsmasq-base nftables dropbear-bin iperf3'
other_packages='busybox-static grub-legacy'

# Where the unpacked kernel package has its modules.
kernel_tree=

# Fetch and unpack the kernel, the programs and the libraries they need.
get_packages() {
	local kernel
	fetch_lists
	kernel=$(private_apt apt-cache depends $kernel_package |
		sed -n "s/^ *Depends: \(linux-image-.*-${kernel_package##*-}\)$/\1/p" | head -n 1)
	[ -n "$kernel" ] || die "the package lists name no $kernel_package"
	# shellcheck disable=SC2046,SC2086
	fetch_packages "$kernel" $other_packages $program_packages $(library_packages $program_packages)
	unpack_packages
	kernel_tree=$(echo "$pkg"/lib/modules/*)
	[ -d "$kernel_tree/kernel" ] || die "the kernel package holds no modules"
}

build_initramfs() {
	local tree=$work/initramfs
	step "initramfs: busybox, $initramfs_modules"
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/root" "$tree/dev"
	cp "$pkg/bin/busybox" "$tree/bin/"
	cp "$here/files/initramfs/init" "$tree/"
	# shellcheck disable=SC2086
	python3 "$here/modules.py" "$kernel_tree" "$tree/modules" $initramfs_modules
	rm "$tree/modules/modules.dep" "$tree/modules/modules.alias"
	python3 "$here/mkcpio.py" "$tree" >"$work/initrd"
}

build_root() {
	local root=$work/root library
	step "root filesystem"
	rm -rf "$root"
	mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,lib,etc,dev,proc,sys,tmp,mnt,rom,overlay,root,var}
	chmod 1777 "$root/tmp"
	cp "$pkg/bin/busybox" "$root/bin/"
	link_applets "$root" <"$here/applets.txt"
	# shellcheck disable=SC2086
	copy_programs "$root" $programs
	# Not named by any program: what the C library opens for host names and users.
	for library in libnss_files.so.2 libnss_dns.so.2; do
		cp -L "$(find_library $library libc6)" "$root/lib/$library"
	done
	# shellcheck disable=SC2086
	python3 "$here/modules.py" "$kernel_tree" "$root/lib/modules/${kernel_tree##*/}" $root_modules $initramfs_modules
	cp -r "$here/files/root/." "$root/"
	ln -sf /tmp/resolv.conf "$root/etc/resolv.conf"
	ln -s /proc/self/mounts "$root/etc/mtab"
	ln -s /tmp/run "$root/var/run"
	ln -s /tmp/log "$root/var/log"
	cp "$work/versions" "$root/etc/packages"

	# lz4 costs the guest far fewer instructions than gzip or xz.
	mksquashfs "$root" "$work/root.squashfs" -noappend -all-root -comp lz4 -Xhc -b 128K -no-xattrs -no-progress -quiet \
		-mkfs-time 0 -all-time 0
	# The mark at the erase-block boundary tells the first boot to prepare the jffs2.
	truncate -s "%$erase_block" "$work/root.squashfs"
	printf '\336\255\300\336' >>"$work/root.squashfs"
	truncate -s %512 "$work/root.squashfs"
}

build_boot() {
	local boot=$work/boot grub
	grub=$(echo "$pkg"/usr/lib/grub/*-pc)
	step "boot filesystem"
	rm -rf "$boot" "$work/boot.ext2"
	mkdir -p "$boot/boot/grub"
	cp "$grub/stage2" "$boot/boot/grub/"
	sed "s|@CMDLINE@|$cmdline|" "$here/files/boot/grub/menu.lst" >"$boot/boot/grub/menu.lst"
	cp "$pkg"/boot/vmlinuz-* "$boot/boot/vmlinuz"
	cp "$work/initrd" "$boot/boot/initrd"
	# GRUB 0.97 knows the plain ext2 of its day, with inodes of 128 bytes.
	mke2fs -q -t ext2 -I 128 -b 1024 -O none,filetype,sparse_super -m 0 -L boot -U 7472650a-0000-4000-8000-626f6f740000 \
		-E root_owner=0:0 -d "$boot" "$work/boot.ext2" $(((boot_cylinders * 1008 - 63) / 2)) >>"$work/log" 2>&1
}

build_disk() {
	local grub
	grub=$(echo "$pkg"/usr/lib/grub/*-pc)
	step "disk image"
	python3 "$here/mkdisk.py" --boot-cylinders $boot_cylinders --root-cylinders $root_cylinders \
		--stage1 "$grub/stage1" --stage1-5 "$grub/e2fs_stage1_5" \
		--boot "$work/boot.ext2" --root "$work/root.squashfs" --out "$out/$image.new"
	mv "$out/$image.new" "$out/$image"
}

check_tools <<-END
	apt-get apt
	dpkg-deb dpkg
	python3 python3
	readelf binutils
	mksquashfs squashfs-tools
	mke2fs e2fsprogs
END
get_packages
build_initramfs
build_root
build_boot
build_disk
step "done: $out/$image"
