#!/bin/bash
# Makes DIR/segmixd_VERSION_ARCHITECTURE.deb of what was built: build-deb.sh VERSION DIR
# The programs carry Swift's libraries in themselves; what else they load is found out by dpkg-shlibdeps.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 output=$2
for tool in dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || { echo "$tool is missing; install it: apt-get install dpkg-dev" >&2; exit 69; }
done
architecture=$(dpkg --print-architecture)
# The same commit gives the same package.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
install -d "$tree/DEBIAN"
make --no-print-directory install DESTDIR="$tree" PREFIX=/usr SYSCONFDIR=/etc UNITDIR=/lib/systemd/system
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$tree"/usr/bin/segmix "$tree"/usr/bin/segmixd

doc=$tree/usr/share/doc/segmixd
rm -f "$doc/LICENSE"
install -D -m 644 packaging/debian/copyright "$doc/copyright"
{
    echo "segmixd ($version) unstable; urgency=medium"
    echo
    { git log -20 --no-merges --format='  * %<(70,trunc)%s' 2>/dev/null || echo "  * Built from a source tree without history."; } | sed 's/ *$//'
    echo
    echo " -- segmixd developers <segmixd@localhost>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n > "$doc/changelog.gz"
chmod 644 "$doc/changelog.gz"
find "$tree/usr/share/man" -type f -name '*.[0-9]' -exec gzip -9n {} +

# dpkg-shlibdeps wants a source package around it.
mkdir -p "$work/source/debian"
printf 'Source: segmixd\n\nPackage: segmixd\nArchitecture: any\n' > "$work/source/debian/control"
depends=$(cd "$work/source" && dpkg-shlibdeps -O "$tree"/usr/bin/segmix "$tree"/usr/bin/segmixd | sed -n 's/^shlibs:Depends=//p')
# OpenBLAS over OpenMP keeps no promise of one thread to callers on threads of their own.
depends=$(printf '%s' "$depends" | sed 's/libopenblas0 [^,]*\|libopenblas0\b/libopenblas0-pthread | libopenblas0-serial/')
[ -n "$depends" ] || { echo "dpkg-shlibdeps has found no libraries" >&2; exit 70; }
# What Foundation loads by itself for times in local time.
depends="$depends, tzdata"

size=$(du -k -s --apparent-size --exclude=DEBIAN "$tree" | cut -f1)
sed -e "s#@VERSION@#$version#; s#@ARCHITECTURE@#$architecture#; s#@SIZE@#$size#; s#@DEPENDS@#$depends#" packaging/debian/control.in > "$tree/DEBIAN/control"
echo /etc/segmixd/segmixd.yaml > "$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 packaging/debian/$script "$tree/DEBIAN/$script"; done
(cd "$tree" && find . -type f -not -path './DEBIAN/*' -not -path ./etc/segmixd/segmixd.yaml -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum > DEBIAN/md5sums)
chmod -R u=rwX,go=rX "$tree"

mkdir -p "$output"
package="$output/segmixd_${version}_$architecture.deb"
dpkg-deb --root-owner-group -Zxz --build "$tree" "$package.partial"
mv "$package.partial" "$package"
