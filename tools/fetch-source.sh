#!/bin/sh
# fetch-source.sh PACKAGE DIR: get a Debian source package into DIR/src without
# touching the machine's own apt configuration: a private list and state, made
# from the indexes it has.
set -eu
package=$1
dir=$2
for tool in apt-get dpkg-source; do
    command -v $tool >/dev/null || {
        echo "fetch-source: $tool is missing; apt-get install dpkg-dev" >&2
        exit 1
    }
done
rm -rf "$dir"
mkdir -p "$dir/lists/partial" "$dir/get"
dir=$(cd "$dir" && pwd)
format='deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)'
apt-get indextargets --format "$format" 'Created-By: Packages' |
    sort -u > "$dir/src.list"
[ -s "$dir/src.list" ] || {
    echo "fetch-source: apt knows no packages; run apt-get update first" >&2
    exit 1
}
private="-qq -o Dir::Etc::sourceparts=- -o Dir::State::lists=$dir/lists
 -o APT::Sandbox::User=root"
echo "  GET   $package (Debian source package)"
# shellcheck disable=SC2086 # the options are words
apt-get $private -o Dir::Etc::sourcelist="$dir/src.list" update
cd "$dir/get"

# A mirror may name in one archive what it has in another only: each by itself.
get() {
    # shellcheck disable=SC2086
    apt-get $private -o Dir::Etc::sourcelist="$1" source --download-only \
        "$package" 2> "$dir/get.log"
}
found=
get "$dir/src.list" && found=yes
split -l 1 "$dir/src.list" "$dir/archive."
for archive in "$dir"/archive.*; do
    mv "$archive" "$archive.list"
    [ -n "$found" ] || { get "$archive.list" && found=yes; } || :
done
[ -n "$found" ] || { cat "$dir/get.log" >&2; exit 1; }
dpkg-source --no-check -x "$package"_*.dsc "$dir/src" > "$dir/unpack.log" 2>&1
