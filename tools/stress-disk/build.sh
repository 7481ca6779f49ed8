#!/bin/bash
# Build the disk with test programs for the router's guest: build.sh OUTDIR makes OUTDIR/stress.img, one ext2 without
# a partition table, from Debian's i386 packages. `run` on it starts a program: see docs/STRESS.md.
set -euo pipefail
umask 022
export LC_ALL=C

if [ $# -ne 1 ]; then
	echo "usage: build.sh OUTDIR" >&2
	exit 2
fi

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/stress-disk"
out=$(cd "$1" && pwd)
name=stress-disk
work=$out/stress-disk
arch=i386
# shellcheck source=../lib/debian.sh
. "$here/../lib/debian.sh"

programs='usr/bin/stress-ng usr/bin/openssl usr/sbin/memtester usr/bin/fio usr/bin/iperf3'
program_packages='stress-ng openssl memtester fio iperf3'
# What openssl loads by name: MD4, Blowfish, RC4 and others of their age.
openssl_legacy=usr/lib/i386-linux-gnu/ossl-modules/legacy.so

build_tree() {
	local root=$1
	step "tree"
	rm -rf "$root"
	mkdir -p "$root"/{bin,usr/bin,usr/sbin,lib,etc,dev,proc,sys,tmp,data,scratch} "$root/${openssl_legacy%/*}"
	cp "$pkg/bin/busybox" "$root/bin/"
	echo '/bin sh cat cmp dd ls mkdir rm sleep true uname' | link_applets "$root"
	# shellcheck disable=SC2086
	copy_programs "$root" $programs
	cp "$pkg/$openssl_legacy" "$root/$openssl_legacy"
	cp -r "$here/files/." "$root/"
	cp "$work/versions" "$root/etc/packages"
}

# An ext2 as full as can be, with 4 MiB to spare.
build_disk() {
	local root=$1 kib
	step "disk image"
	kib=$(($(du -sk --apparent-size "$root" | cut -f 1) * 17 / 16 + 4096))
	rm -f "$out/stress.img.new"
	mke2fs -q -t ext2 -b 1024 -m 0 -L stress -E root_owner=0:0 -d "$root" "$out/stress.img.new" $kib >>"$work/log" 2>&1 ||
		die "mke2fs failed, see $work/log"
	mv "$out/stress.img.new" "$out/stress.img"
}

check_tools <<-END
	apt-get apt
	dpkg-deb dpkg
	readelf binutils
	mke2fs e2fsprogs
END
fetch_lists
# shellcheck disable=SC2046,SC2086
fetch_packages busybox-static $program_packages $(library_packages $program_packages)
unpack_packages
build_tree "$work/root"
build_disk "$work/root"
step "done: $out/stress.img"
