# Debian's packages of one architecture as raw material for images; sourced by the build scripts below tools/.
#
# Nothing is installed and the machine's apt configuration is not touched: apt runs with private lists, a private
# cache and an empty status file below $work, where the packages stay for the next build. Nothing of the packages is
# run, so that the machine need not be able to run such programs.
#
# The caller sets $name (for messages), $work (a folder that exists) and $arch (i386 or amd64). The packages are
# unpacked below $pkg.
# shellcheck shell=bash
case $arch in
i386) triplet=i386-linux-gnu loader=lib/ld-linux.so.2 ;;
amd64) triplet=x86_64-linux-gnu loader=lib64/ld-linux-x86-64.so.2 ;;
*) echo "$name: no such architecture: $arch" >&2; exit 2 ;;
esac
apt=$work/apt
pkg=$work/packages

step() { echo "$name: $*"; }
die() { echo "$name: $*" >&2; exit 1; }

# Check that tools exist; standard input has one "tool package" per line.
check_tools() {
	local tool package missing=
	export PATH=$PATH:/usr/sbin:/sbin
	while read -r tool package; do
		command -v "$tool" >/dev/null || missing+=" $tool (package $package)"
	done
	[ -z "$missing" ] || die "missing:$missing"
}

# Run apt-get or apt-cache as if this were a machine of $arch on which nothing is installed.
private_apt() {
	local command=$1
	shift
	"$command" -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User=root \
		-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::State::lists="$apt/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache" "$@"
}

fetch_lists() {
	step "reading Debian's $arch package lists (private copy)"
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	# The security suite's index of another architecture is not everywhere mirrored; main and -updates suffice.
	apt-get indextargets --format "deb [arch=$arch] "'$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		sort -u | grep -v -e -security -e -backports >"$apt/sources.list" ||
		die "this machine's apt knows no Debian archive"
	private_apt apt-get -q update >"$work/log" 2>&1 || die "apt-get update failed, see $work/log"
}

# The library packages among the dependencies of $@, and theirs.
library_packages() {
	local todo=$* all= next package
	while [ -n "$todo" ]; do
		# shellcheck disable=SC2086
		next=$(private_apt apt-cache depends $todo | sed -n 's/^ *Depends: \(z\?lib[^ <]*\)$/\1/p' | sort -u)
		todo=
		for package in $next; do
			case " $all " in *" $package "*) ;; *) all+=" $package" todo+=" $package" ;; esac
		done
	done
	echo "$all"
}

# Fetch packages $@, and nothing that they depend on. $work/versions lists them.
fetch_packages() {
	step "fetching $# packages"
	(cd "$apt/cache/archives" && private_apt apt-get -q download "$@") >>"$work/log" 2>&1 ||
		die "apt-get download failed, see $work/log"

	# A version gone from the archive must not be unpacked again, so take what the lists name now.
	private_apt apt-cache --no-all-versions show "$@" |
		awk '/^Package:/ {name = $2} /^Version:/ {print name, $2}' | sort -u >"$work/versions"
}

unpack_packages() {
	local package version deb
	step "unpacking"
	rm -rf "$pkg"
	mkdir -p "$pkg"
	while read -r package version; do
		deb=$apt/cache/archives/${package}_${version//:/%3a}_$arch.deb
		[ -e "$deb" ] || deb=${deb%"_$arch.deb"}_all.deb
		dpkg-deb -x "$deb" "$pkg" || die "cannot unpack $package $version"
		echo "  $package $version"
	done <"$work/versions"
}

# Where the unpacked packages have a shared library of this name; last, folders that one package has for itself.
find_library() {
	local dir
	for dir in "$pkg"/{lib,usr/lib}/$triplet "$pkg"/{lib,usr/lib} "$pkg"/usr/lib/$triplet/*; do
		[ -e "$dir/$1" ] && echo "$dir/$1" && return
	done
	die "no package has the library $1 (needed by $2)"
}

# Copy the libraries the given files need, and theirs, to $1/lib.
copy_libraries() {
	local root=$1 file needed library
	shift
	for file; do
		for needed in $(readelf -d "$file" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
			[ -e "$root/lib/$needed" ] && continue
			library=$(find_library "$needed" "$file")
			cp -L "$library" "$root/lib/$needed"
			copy_libraries "$root" "$library"
		done
	done
}

# Copy programs $2... (paths below $pkg) into root $1, with their libraries and the loader.
copy_programs() {
	local root=$1 program
	shift
	for program; do cp "$pkg/$program" "$root/$program"; done
	# shellcheck disable=SC2046
	copy_libraries "$root" $(printf "$root/%s " "$@")
	# Not always named by a program: the loader itself.
	mkdir -p "$root/${loader%/*}"
	cp -L "$(find_library "${loader##*/}" libc6)" "$root/$loader"
}

# Make busybox's links in root $1; standard input has a folder and names per line, '#' lines are left out.
link_applets() {
	local root=$1 folder names applet
	while read -r folder names; do
		[ "$folder" != '#' ] || continue
		set -f
		for applet in $names; do ln -sf /bin/busybox "$root$folder/$applet"; done
		set +f
	done
}
