# shellcheck shell=bash
# A place on this machine where root hands its work to a throw-away user: private mount and pid namespaces, a private copy
# of the sources, private /run, /tmp, /root, /etc/ssh and user table. Everything started in it ends with it.
#
#   enter_sandbox BUILD [NAME=VALUE]... COMMAND...   as root, in the clone's root: runs it as root in /run/reversi-test/src
#   as_test_user COMMAND...                          inside: runs the command there as the user reversi-test
#
# Of the machine only this stays: /var/cache/reversi-test, with the build directories (so that the next run is fast) and the
# compiler's cache. The clone is read, never written. Inside, BUILD is a writable directory of the copy, and its lock is held.

SANDBOX_CACHE=/var/cache/reversi-test
SANDBOX_HOME=/run/reversi-test
SANDBOX_USER=reversi-test
SANDBOX_LOCK_LIMIT_S=60

enter_sandbox() {
  local build=$1 entry uid
  shift
  for tool in unshare setpriv flock tar; do
    command -v "$tool" >/dev/null || fail "$tool is missing (package util-linux or tar): install it, or start as an ordinary user"
  done
  unshare --mount --pid --fork --mount-proc true 2>/dev/null ||
    fail "this root may not create mount and pid namespaces (a container without CAP_SYS_ADMIN?): start as an ordinary user"
  uid=$(free_uid)
  entry=$SANDBOX_CACHE/$(clone_id "$PWD")
  prepare_cache "$entry" "$build" "$uid" || fail "cannot prepare $entry: is /var/cache writable and not full?"
  # Whoever ends this script, by whatever signal, ends everything inside: each link dies with the one before it.
  setpriv --pdeathsig KILL \
    unshare --mount --pid --fork --kill-child --mount-proc \
    bash "$PWD/scripts/lib/sandbox.sh" --inside "$entry/$build" "$build" "$uid" "$@"
}

# A clone that was deleted and made anew is another clone.
clone_id() { printf '%s %s' "$1" "$(stat -c %d:%i "$1")" | sha256sum | cut -c 1-12; }

free_uid() {
  local uid=59999
  while getent passwd "$uid" >/dev/null || getent group "$uid" >/dev/null; do
    uid=$((uid - 1))
  done
  echo "$uid"
}

# Run in a subshell: its lock ends with it.
prepare_cache() (
  entry=$1 build=$2 uid=$3
  set -e
  umask 022
  [ -d "$SANDBOX_CACHE" ] || mkdir -m 700 "$SANDBOX_CACHE"
  exec 9>>"$SANDBOX_CACHE/.lock"
  lock_fd_9 "$SANDBOX_LOCK_LIMIT_S" "$SANDBOX_CACHE"
  forget_lost_clones
  mkdir -p "$entry/$build" "$SANDBOX_CACHE/ccache"
  printf '%s\n' "$PWD" >"$entry/source"
  for directory in "$entry/$build" "$SANDBOX_CACHE/ccache"; do
    [ "$(stat -c %u "$directory")" = "$uid" ] || chown -R "$uid:$uid" "$directory"
  done
)

forget_lost_clones() {
  local entry source
  for entry in "$SANDBOX_CACHE"/*/source; do
    [ -e "$entry" ] || continue
    source=$(cat "$entry")
    entry=${entry%/source}
    if [ ! -d "$source" ] || [ "$(clone_id "$source")" != "${entry##*/}" ]; then
      nobody_builds_in "$entry" && rm -rf "$entry"
    fi
  done
}

nobody_builds_in() {
  local lock
  for lock in "$1"/*/.lock; do
    [ ! -e "$lock" ] || flock -n "$lock" true || return 1
  done
}

# --- inside ----------------------------------------------------------------------------------------------------------

# Runs as process 1 of the pid namespace, so that it also collects the orphans that tests leave.
inside() {
  local build_dir=$1 build=$2 uid=$3
  shift 3
  umask 022 # the caller's may hide from the test user what is made here
  exec 9>>"$build_dir/.lock"
  lock_fd_9 "$BUILD_LOCK_LIMIT_S" "another run in $build_dir"
  # The clone may be anywhere, also below the directories that are covered next; "." still leads to it.
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p "$SANDBOX_HOME"/{src,home,etc} /run/sshd
  mkdir -m 1777 /run/lock
  copy_sources "$SANDBOX_HOME/src"
  mkdir "$SANDBOX_HOME/src/$build" "$SANDBOX_HOME/ccache"
  mount --bind "$build_dir" "$SANDBOX_HOME/src/$build"
  mount --bind "$SANDBOX_CACHE/ccache" "$SANDBOX_HOME/ccache"
  mount -t tmpfs -o mode=1777 tmpfs /tmp
  mount -t tmpfs -o mode=700 tmpfs /root
  private_user "$uid"
  private_etc_ssh "$uid"
  cd "$SANDBOX_HOME/src" || fail "cannot enter $SANDBOX_HOME/src"
  ulimit -c 0
  clean_environment REVERSI_SANDBOX="$uid" REVERSI_BUILD_LOCKED=1 REVERSI_BUILD_SHOWN_AS="$build_dir" HOME=/root USER=root "$@"
  exit $? # not exec: process 1 stays this shell
}

private_user() {
  local uid=$1 etc=$SANDBOX_HOME/etc file
  for file in passwd group shadow; do
    install -m "$([ "$file" = shadow ] && echo 600 || echo 644)" /dev/null "$etc/$file"
    grep -v "^$SANDBOX_USER:" "/etc/$file" >"$etc/$file"
  done
  echo "$SANDBOX_USER:x:$uid:$uid:reversi tests:$SANDBOX_HOME/home:/bin/sh" >>"$etc/passwd"
  echo "$SANDBOX_USER:x:$uid:" >>"$etc/group"
  # "*" and not "!": an sshd without PAM refuses a locked account even with a key.
  echo "$SANDBOX_USER:*:19000:0:99999:7:::" >>"$etc/shadow"
  for file in passwd group shadow; do
    mount --bind "$etc/$file" "/etc/$file"
  done
  install -d -m 700 -o "$uid" -g "$uid" "$SANDBOX_HOME/home"
}

# Tests may write a global known_hosts here, and no setting or host key of the machine has a part in them.
private_etc_ssh() {
  [ -d /etc/ssh ] || return 0
  install -d -m 755 -o "$1" -g "$1" "$SANDBOX_HOME/etc/ssh"
  mount --bind "$SANDBOX_HOME/etc/ssh" /etc/ssh
}

clean_environment() {
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 SHELL=/bin/sh TERM="${TERM:-dumb}" \
    ${CI:+CI="$CI"} ${CXX:+CXX="$CXX"} "$@"
}

as_test_user() {
  local uid=${REVERSI_SANDBOX:?}
  clean_environment REVERSI_SANDBOX="$uid" REVERSI_BUILD_LOCKED=1 REVERSI_BUILD_SHOWN_AS="${REVERSI_BUILD_SHOWN_AS:?}" \
    HOME="$SANDBOX_HOME/home" USER="$SANDBOX_USER" LOGNAME="$SANDBOX_USER" \
    CCACHE_DIR="$SANDBOX_HOME/ccache" CCACHE_MAXSIZE=2G \
    setpriv --reuid="$uid" --regid="$uid" --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
    "$@"
}

if [ "${1:-}" = --inside ]; then
  set -eu
  program=${REVERSI_PROGRAM:-sandbox}
  lib=$(dirname "${BASH_SOURCE[0]}")
  # shellcheck source=scripts/lib/common.sh
  . "$lib/common.sh"
  # shellcheck source=scripts/lib/build.sh
  . "$lib/build.sh"
  shift
  inside "$@"
fi
