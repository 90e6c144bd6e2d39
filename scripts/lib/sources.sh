# shellcheck shell=bash
# Source packages of the machine's own distribution, without a change to its apt: the same repositories, asked for sources.
# The caller has sourced common.sh and set $cache, a directory that it may write.

SOURCES_LIMIT_S=120
# Older lists are fetched again.
LISTS_LIMIT_MIN=1440

sources_apt() {
  # shellcheck disable=SC2154 # $cache is the caller's
  local dir=$cache/apt
  with_limit "$SOURCES_LIMIT_S" apt-"$1" -qq \
    -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$dir/sources.list.d" -o Dir::State::Lists="$dir/lists" \
    -o Dir::Cache="$dir/cache" -o APT::Sandbox::User="$(id -un)" \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "${@:2}"
}

# sources_update: knows afterwards what there is. Lists of an earlier run do when there is no network now.
sources_update() {
  local dir=$cache/apt list name
  [ -z "$(find "$dir/.updated" -mmin "-$LISTS_LIMIT_MIN" 2>/dev/null)" ] || return 0
  rm -rf "$dir/sources.list.d"
  mkdir -p "$dir"/{sources.list.d,lists/partial,cache/archives/partial}
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    [ -f "$list" ] || continue
    name=$(basename "$list" .list)
    case $list in
      *.sources) sed -E 's/^Types:.*/Types: deb-src/' "$list" >"$dir/sources.list.d/$name" ;;
      *.list) sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]/deb-src /p' "$list" | sort -u >"$dir/sources.list.d/$name.list" ;;
    esac
  done
  # A repository that has no sources, or does not answer, is no reason to stop: what matters is whether the package is there.
  sources_apt get update >"$dir/update.log" 2>&1 || true
  touch "$dir/.updated"
}

# sources_versions PACKAGE: newest first. GNU sort knows Debian's order.
sources_versions() {
  sources_apt cache showsrc --only-source "$1" 2>/dev/null | sed -n 's/^Version: //p' | sort -rVu
}

# sources_fetch PACKAGE VERSION: into $cache/sources; apt checks it against the signed index.
sources_fetch() {
  local dir=$cache/sources
  mkdir -p "$dir"
  (cd "$dir" && sources_apt get source --download-only --only-source "$1=$2") >"$dir/.$1.log" 2>&1
}

# sources_dsc DIRECTORY PACKAGE VERSION: a file's name has no epoch.
sources_dsc() { printf '%s/%s_%s.dsc' "$1" "$2" "${3#*:}"; }

# sources_check DSC HASHES: what the repository has on record has to be that; apt has checked the rest.
# With a third argument everything has to be on record.
sources_check() {
  local dsc=$1 hashes=$2 must=${3:-} dir line hash file
  dir=$(dirname "$dsc")
  sed -n '/^Checksums-Sha256:/,/^[^ ]/s/^ //p' "$dsc" | while read -r hash _ file; do
    line=$(grep -F "  $file" "$hashes" || true)
    if [ -z "$line" ]; then
      case $must$file in
        must*.asc | "$file") continue ;;
        *) fail "$file is not in $hashes: compare its hash with the distribution's and add it" ;;
      esac
    fi
    hash=$(sha256sum "$dir/$file" | cut -d ' ' -f 1)
    [ "$hash  $file" = "$line" ] || fail "$dir/$file is not the file that $hashes has: remove it and start again"
  done
}

# sources_unpack DSC DIRECTORY: with the distribution's patches.
sources_unpack() {
  with_limit 60 dpkg-source --no-check -x "$1" "$2" >"$2.log" 2>&1 || fail "cannot unpack $1: $(tail -n 1 "$2.log")"
}
