#!/bin/bash
# Builds read-inputs with AddressSanitizer and UndefinedBehaviorSanitizer: build-address.sh DIR
# Only what it needs of this project, C and Swift, compiled straight; a minute, where the whole package would take many.
set -euo pipefail
cd "$(dirname "$0")/../.."
output=$(mkdir -p "$1" && cd "$1" && pwd)
clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
[ -x "$clang" ] || clang=clang
SANITIZERS=${SANITIZERS--fsanitize=address,undefined -fno-sanitize-recover=undefined}
SWIFT_SANITIZERS=${SWIFT_SANITIZERS--sanitize=address}
modules=()
for library in CPNG CTurboJPEG CFreeType CYAML; do modules+=(-Xcc "-fmodule-map-file=$PWD/Sources/$library/module.modulemap"); done
objects=()
for target in CFiles CImageIO; do
    mkdir -p "$output/$target"
    printf 'module %s {\n    umbrella "%s"\n    export *\n}\n' $target "$PWD/Sources/$target/include" > "$output/$target/module.modulemap"
    modules+=(-Xcc "-fmodule-map-file=$output/$target/module.modulemap")
    for source in Sources/$target/*.c; do
        object=$output/$target/$(basename "$source" .c).o
        $clang -O1 -g -fno-omit-frame-pointer $SANITIZERS -I "Sources/$target/include" $(pkg-config --cflags libpng) -c "$source" -o "$object"
        objects+=("$object")
    done
done
flags=(-O -g -swift-version 6 -package-name segmixd $SWIFT_SANITIZERS -I "$output" -L "$output" "${modules[@]}")
for flag in $(pkg-config --cflags freetype2 libpng yaml-0.1 libturbojpeg); do flags+=(-Xcc "$flag"); done
for target in Files:Sources/Files Images:Sources/Images Jobs:Sources/Jobs ReaderLoop:Tests/input/ReaderLoop; do
    name=${target%%:*}
    swiftc "${flags[@]}" -wmo -parse-as-library -module-name "$name" -emit-module -emit-module-path "$output/$name.swiftmodule" -emit-object -o "$output/$name.o" \
        $(find "${target#*:}" -name '*.swift')
    objects+=("$output/$name.o")
done
swiftc "${flags[@]}" -module-name read_inputs Tests/input/Reader/main.swift "${objects[@]}" -o "$output/read-inputs" \
    $(pkg-config --libs freetype2 libpng yaml-0.1 libturbojpeg | sed 's/-pthread//')
