#!/bin/sh
# Have the Debian packages of one group (build, run, test, bench) installed: as
# root install what is missing, else say exactly what to install.
set -eu
group=$1
# Two groups at once (make -j) would fight for dpkg's lock.
[ -n "${DEPS_LOCKED:-}" ] || DEPS_LOCKED=1 exec flock "$0" "$0" "$@"

build="gcc libc6-dev make git python3 dpkg-dev xz-utils seabios newlib-source
 libzycore-dev libxkbcommon0 xkb-data libx11-data
 libncurses-dev libvncserver-dev"
run="qemu-system-x86 ovmf grub-common grub-pc-bin grub-efi-amd64-bin xorriso
 mtools dosfstools fdisk squashfs-tools mtd-utils e2fsprogs util-linux cpio gzip"
test="libcmocka-dev libvterm-dev gcc-multilib clang libclang-rt-14-dev llvm-14
 python3-pytest python3-pytest-xdist python3-pexpect python3-pyte python3-scapy
 curl dnsmasq-base iproute2 iputils-ping procps ipxe-qemu openssl qemu-user
 qemu-utils bochs bochs-term bochsbios vgabios lrzsz gdb tmux"
bench="gcc-multilib qemu-system-x86 iperf3 iproute2 valgrind"

case $group in
build) want=$build ;;
run) want="$build $run" ;;
test) want="$build $run $test" ;;
bench) want="$build $bench" ;;
*) echo "deps.sh: no group '$group'" >&2; exit 2 ;;
esac

missing=
for package in $want; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) ||
        state=none
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "These Debian packages are missing. As root:" >&2
    echo "  apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "  APT  $missing" | fold -s -w 78
export DEBIAN_FRONTEND=noninteractive
# A list that is there may be old or a fresh system's empty one.
# shellcheck disable=SC2086 # the packages are words
apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null 2>&1 || {
    apt-get -qq -o DPkg::Lock::Timeout=300 update
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null
}
