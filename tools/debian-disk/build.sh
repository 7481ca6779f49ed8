#!/bin/bash
# Build a small Debian for i386 on a GRUB 2 disk: build.sh OUTDIR makes OUTDIR/debian.img, with Debian's kernel, the
# initramfs that Debian's mkinitramfs makes for it, systemd and a login on ttyS0.
#
# Nothing is installed, and no i386 program is run on this machine (see tools/lib/debian.sh): mkinitramfs runs in a
# guest of OUTDIR/trestle, started from a first initramfs made here. See docs/GUESTS.md.
set -euo pipefail
umask 022
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

if [ $# -ne 1 ]; then
	echo "usage: build.sh OUTDIR" >&2
	exit 2
fi

here=$(cd "$(dirname "$0")" && pwd)
lib=$here/../router-image
mkdir -p "$1/debian-disk"
out=$(cd "$1" && pwd)
name=debian-disk
work=$out/debian-disk
arch=i386
# shellcheck source=../lib/debian.sh
. "$here/../lib/debian.sh"

packages='base-files base-passwd bash coreutils dash debianutils diffutils findutils grep gzip hostname libc-bin login
	mawk ncurses-base perl-base sed sysvinit-utils tar util-linux mount kmod udev systemd-sysv linux-image-686
	initramfs-tools busybox-static zstd cpio'
# All that an emulated PC's disk needs; the kernel's other 3,500 modules only make the image large.
modules='ata_piix sd_mod ext4 crc32c_generic'
grub=/usr/lib/grub/i386-pc
root=$work/root
version=

get_packages() {
	fetch_lists
	# shellcheck disable=SC2046,SC2086
	fetch_packages $(private_apt apt-get -q --no-install-recommends --simulate install $packages |
		sed -n 's/^Inst \([^ ]*\) .*/\1/p')
	step "unpacking"
	rm -rf "$root"
	mkdir -p "$root"/usr/{bin,sbin,lib,lib32,lib64,libx32}
	for dir in bin sbin lib lib32 lib64 libx32; do ln -s usr/$dir "$root/$dir"; done
	while read -r package ver; do
		deb=$apt/cache/archives/${package}_${ver//:/%3a}_$arch.deb
		[ -e "$deb" ] || deb=${deb%"_$arch.deb"}_all.deb
		dpkg-deb --fsys-tarfile "$deb" | tar --keep-directory-symlink --no-same-owner -xf - -C "$root" ||
			die "cannot unpack $package $ver"
	done <"$work/versions"
}

# What the packages' scripts would have done, as far as a boot needs it.
set_up_root() {
	step "root filesystem"
	kernel_tree=$(echo "$root"/usr/lib/modules/*)
	version=${kernel_tree##*/}
	# shellcheck disable=SC2086
	python3 "$lib/modules.py" "$kernel_tree" "$work/modules" $modules
	# Where modprobe finds them, and no others.
	(cd "$kernel_tree" && find kernel -name '*.ko' | sed 's|\(.*/\)\(.*\)|\2 \1\2|' | sort) |
		join - <(sort "$work/modules/modules.order") | cut -d ' ' -f 2 >"$work/keep"
	tar -C "$kernel_tree" -cf "$work/keep.tar" -T "$work/keep"
	rm -rf "$kernel_tree/kernel"
	tar -C "$kernel_tree" -xf "$work/keep.tar"
	rm -rf "$root"/usr/share/{doc,locale,man,i18n,info,zoneinfo}
	cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
	cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
	sed -i 's|^root:[^:]*:|root::|' "$root/etc/passwd"
	ln -sf mawk "$root/usr/bin/awk"
	echo trestle-debian >"$root/etc/hostname"
	echo '/dev/sda1 / ext4 defaults 0 1' >"$root/etc/fstab"
	: >"$root/etc/machine-id"
	sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
	echo 'COMPRESS=gzip' >>"$root/etc/initramfs-tools/initramfs.conf"
	# shellcheck disable=SC2086
	printf '%s\n' $modules >>"$root/etc/initramfs-tools/modules"
	cp "$work/versions" "$root/etc/packages"
}

# The first initramfs: its init has mkinitramfs make the other one, and powers off.
build_stage() {
	local tree=$work/stage
	step "first initramfs: busybox, $modules"
	rm -rf "$tree"
	mkdir -p "$tree"/{bin,mnt,dev,proc,sys}
	cp "$root/usr/bin/busybox" "$tree/bin/"
	cp -r "$work/modules" "$tree/modules"
	sed "s|@VERSION@|$version|" "$here/stage-init" >"$tree/init"
	chmod 755 "$tree/init"
	mkdir -p "$root/boot/grub"
	python3 "$lib/mkcpio.py" "$tree" | gzip -9n >"$root/boot/stage.img"
	sed "s|@VERSION@|$version|g" "$here/grub.cfg" >"$root/boot/grub/grub.cfg"
}

# Partition 1 from sector 2048; GRUB in the MBR and from sector 1.
build_disk() {
	local mib
	step "disk image"
	mib=$(($(du -sm --apparent-size "$root" | cut -f 1) * 9 / 8 + 64))
	rm -f "$work/part" "$work/disk"
	mke2fs -q -t ext4 -O '^metadata_csum,^64bit' -E root_owner=0:0 -d "$root" "$work/part" ${mib}M >>"$work/log" 2>&1 ||
		die "mke2fs failed, see $work/log"
	grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -C xz -o "$work/core.img" \
		biosdisk part_msdos ext2 normal linux serial terminal echo test configfile boot
	truncate -s $(((mib + 1) * 1048576)) "$work/disk"
	dd if="$grub/boot.img" of="$work/disk" bs=440 count=1 conv=notrunc status=none
	# Active, type 83h, found by LBA (the CHS bytes say so), and the boot sector's mark.
	python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83,
		b"\xfe\xff\xff", 2048, int(sys.argv[1]) * 2048) + bytes(48) + b"\x55\xaa")' $mib |
		dd of="$work/disk" bs=2 seek=223 conv=notrunc status=none
	dd if="$work/core.img" of="$work/disk" bs=512 seek=1 conv=notrunc status=none
	dd if="$work/part" of="$work/disk" bs=1M seek=1 conv=notrunc,sparse status=none
	rm "$work/part"
}

# One boot of the first initramfs, in the emulator.
make_initramfs() {
	step "mkinitramfs, in a guest"
	timeout 1800 "$out/trestle" -m 256 -hda "$work/disk" -nographic -net none </dev/null >"$work/guest.log" 2>&1 &&
		grep -q 'stage: made' "$work/guest.log" || die "the guest failed, see $work/guest.log"
	mv "$work/disk" "$out/debian.img"
}

check_tools <<-END
	apt-get apt
	dpkg-deb dpkg
	python3 python3
	mke2fs e2fsprogs
	grub-mkimage grub-common
END
[ -e "$grub/boot.img" ] || die "missing: $grub (package grub-pc-bin)"
[ -x "$out/trestle" ] || die "missing: $out/trestle (make trestle)"
get_packages
set_up_root
build_stage
build_disk
make_initramfs
step "done: $out/debian.img"
