# shellcheck shell=sh
# What every script here uses: one-line errors, and waits that end. POSIX sh; the caller sets $program.

# fail TEXT...: one line that names the script, and exit 1.
fail() {
  printf '%s: %s\n' "${program:?}" "$*" >&2
  exit 1
}

# cannot_fetch TEXT...: the same for what somebody else's server did not give; exit 75, and another time it may.
cannot_fetch() {
  say "$*"
  exit 75
}

say() {
  printf '%s: %s\n' "${program:?}" "$*" >&2
}

# with_limit SECONDS COMMAND...: the command, ended when it takes longer (exit code 124, or 142 where only perl is there).
with_limit() {
  limit_s=$1
  shift
  if command -v timeout >/dev/null; then
    timeout -k 30 "$limit_s" "$@"
  else
    perl -e 'alarm shift; exec @ARGV or die "$ARGV[0]: $!\n"' "$limit_s" "$@"
  fi
}

# lock_fd_9 SECONDS WHAT: takes the lock on the file that is open as descriptor 9, or fails after so many seconds.
# A lock of flock(2) belongs to the open file, so it stays after the helper program that took it has ended.
lock_fd_9() {
  lock_left=$1
  until try_lock_fd_9; do
    [ "$lock_left" -gt 0 ] || fail "gave up waiting for $2 after $1 s: end the other run, then start again"
    [ "$lock_left" -lt "$1" ] || say "waiting up to $1 s for $2"
    sleep 1
    lock_left=$((lock_left - 1))
  done
}

try_lock_fd_9() {
  if command -v flock >/dev/null; then
    flock -n 9
  else
    python3 -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null
  fi
}
