# shellcheck shell=bash
# Builds in a directory of the clone, under that directory's lock, or of a copy. The caller has sourced common.sh and stands in the root.

BUILD_LOCK_LIMIT_S=1800

# What every build has in common. Names and lines in a backtrace, and no more: a quarter less to compile than with all
# of -g. build/ is shared by all scripts, so whatever builds there says PLAIN_OPTIONS and nothing else.
# All files of a target are one unit: what they include is read once. Units of 16 or 8 files take a tenth or a quarter
# longer; the largest, client_core_test, takes 1.1 GB to compile, and smaller ones are the thing if that becomes too much.
common_options=(-Ddebug=false -Dunity=on -Dunity_size=1000)
if [ "${CI:-}" = true ]; then common_options+=(-Dwerror=true); fi
# shellcheck disable=SC2034 # for the callers
PLAIN_OPTIONS=("${common_options[@]}" -Dcpp_args=-g1)

# lock_build DIRECTORY: creates the directory and holds its lock on descriptor 9 until unlock_build or the script's end.
# Inside the sandbox the lock came with the sandbox.
lock_build() {
  [ -z "${REVERSI_BUILD_LOCKED:-}" ] || return 0
  mkdir -p "$1" 2>/dev/null || fail "cannot create $PWD/$1: start as the owner of the clone"
  { : >>"$1/.lock"; } 2>/dev/null || fail "cannot write in $PWD/$1: remove it, or start as its owner"
  exec 9>>"$1/.lock"
  lock_fd_9 "$BUILD_LOCK_LIMIT_S" "another run in $1"
}

# For a script that goes on without building. Unlocks the open file, so also the sandbox's hold on it.
unlock_build() {
  ! command -v flock >/dev/null || flock -u 9
  exec 9>&-
}

# build_in DIRECTORY [MESON OPTION]...: configures when needed, and builds everything, or what the array $build_targets
# names. Quiet unless something is wrong.
# shellcheck disable=SC2154 # build_targets is the caller's, if anybody's
build_in() {
  local dir=$1 log=$1/.setup.log stamp
  shift
  # A directory that was set up otherwise than asked for starts over; one that a person set up keeps their options.
  stamp="meson $(meson --version); ${CXX:-c++}: $(${CXX:-c++} --version | head -n 1); $*"
  if [ -f "$dir/build.ninja" ] && [ ! -f "$dir/.stamp" ]; then
    meson setup --reconfigure "$@" "$dir" >"$log" 2>&1 9>&- || fail_with_log "$log" "meson cannot configure $dir"
  elif [ ! -f "$dir/build.ninja" ] || [ "$stamp" != "$(cat "$dir/.stamp")" ]; then
    find "$dir" -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
    meson setup "$@" "$dir" >"$log" 2>&1 9>&- || fail_with_log "$log" "meson cannot configure $dir"
  fi
  printf '%s\n' "$stamp" >"$dir/.stamp"
  if [ -t 1 ]; then
    ninja -C "$dir" ${build_targets[@]+"${build_targets[@]}"} 9>&-
  else
    say "building in $dir"
    ninja -C "$dir" --quiet ${build_targets[@]+"${build_targets[@]}"} 9>&-
  fi
}

fail_with_log() {
  tail -n 30 "$1" >&2
  fail "$2: see the end of its log above"
}

# copy_sources DIRECTORY [TAR OPTION]...: what a build needs, as it is now, committed or not. A copy, not a mount: another user
# can read it whatever the clone's permissions are, nothing can change the clone, and an edit during the run changes nothing.
# Times are kept, so that only what changed is built again.
copy_sources() {
  local to=$1 codes
  shift
  tar --anchored --exclude=./.git --exclude='./build*' "$@" -cf - . | tar --no-same-owner -xf - -C "$to"
  codes="${PIPESTATUS[*]}"
  # 1: a file changed while it was read, as happens when somebody saves it now.
  case $codes in
    "0 0" | "1 0") chmod -R a+rX "$to" ;;
    *) fail "cannot copy the sources to $to (tar ended with $codes): is there enough room for them?" ;;
  esac
}
