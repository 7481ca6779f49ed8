#!/bin/sh
# Get Debian's lwIP source into DIR/src without touching the machine's own apt
# configuration: a private list and state, made from the indexes it has.
set -eu
dir=$1
for tool in apt-get dpkg-source; do
    command -v $tool >/dev/null || {
        echo "fetch-lwip: $tool is missing; apt-get install dpkg-dev" >&2
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
    echo "fetch-lwip: apt knows no packages; run apt-get update first" >&2
    exit 1
}
private="-qq -o Dir::Etc::sourcelist=$dir/src.list -o Dir::Etc::sourceparts=-
 -o Dir::State::lists=$dir/lists -o APT::Sandbox::User=root"
echo "  GET   lwIP (Debian source package)"
# shellcheck disable=SC2086 # the options are words
apt-get $private update
cd "$dir/get"
# shellcheck disable=SC2086
apt-get $private source --download-only lwip
dpkg-source --no-check -x lwip_*.dsc "$dir/src" > "$dir/unpack.log" 2>&1
