#!/bin/sh
# Installs the client of this bundle, or upgrades it in place; may be run again at any time. As root for the machine, as
# anybody else under ~/.local and ~/.config.
#
# usage: sh install.sh [--no-start] [--init KIND] [--wait SECONDS] [--root DIR]
#   --no-start      put everything in its place and start nothing
#   --init KIND     procd, systemd, systemd-user, launchd or cron, where the choice made here is not yours
#   --wait SECONDS  for a new program to be up before the former one is put back; 180 by default
#   --root DIR      install below DIR and start nothing
#
# A client.json that was changed here stays; the bundle's is put beside it. No key is ever replaced: a new one is put
# beside the present one, and the client takes it over when the server has accepted it.

# shellcheck disable=SC2317 # some functions are called by name: by a trap, by each_place
set -eu
umask 077
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=config/bundle/common.sh
. "$here/common.sh"

root=
init=
start=yes
wait_s=180
while [ $# -gt 0 ]; do
  case $1 in
    --no-start) start=no ;;
    --init) shift; init=${1:?--init KIND} ;;
    --wait) shift; wait_s=${1:?--wait SECONDS} ;;
    --root) shift; root=${1:?--root DIR}; start=no ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "unknown argument $1; see sh install.sh --help" ;;
  esac
  shift
done
case $wait_s in *[!0-9]* | '') fail "--wait $wait_s: expected seconds" ;; esac
find_places

# put FILE PLACE MODE: by way of a temporary file, so that the place has the old file or the new one.
put() {
  if cp "$1" "$root$2.tmp.$$" && chmod "$3" "$root$2.tmp.$$" && mv -f "$root$2.tmp.$$" "$root$2"; then return 0; fi
  # What is left of it would fill a small flash the more.
  rm -f "$root$2.tmp.$$"
  fail "$2 could not be written"
}

# What an installation that was killed left half-written. The client writes the key and the files of its own beside it
# in the same way, and may be about it.
remove_unfinished() {
  rm -f "$root$bin/reversi-client.tmp."* "$root$bin/reversi-client.former.tmp"
  rm -f "$root$libexec/"*.tmp.* "$root$libexec/reversi-worker.former.tmp"
  rm -f "$root$etc/client.json".*tmp* "$root$etc/bundle."*.tmp* "$root$etc/known_hosts".*tmp*
  rm -f "$root/etc/config/reversi.tmp."*
  [ -z "$service" ] || rm -f "$root$service.tmp."* "$root$service.former.tmp"
}

# What others may look into.
public_directory() { (umask 022 && mkdir -p "$1"); }

# ---- the program ----------------------------------------------------------------------------------------------------

# keep_former PLACE: what is there stays as PLACE.former until the new one has proved itself. Where a package's program
# was in use and nothing was there, PLACE.none says that ours goes again.
keep_former() {
  # One from an upgrade that was interrupted is the last that was up.
  if [ -e "$root$1.former" ] || [ -e "$root$1.none" ]; then return 0; fi
  if [ ! -e "$root$1" ]; then
    [ -z "$elsewhere" ] || : >"$root$1.none"
    return 0
  fi
  if cp -p "$root$1" "$root$1.former.tmp" && mv -f "$root$1.former.tmp" "$root$1.former"; then return 0; fi
  rm -f "$root$1.former.tmp"
  fail "$1 could not be kept as $1.former"
}

# each_place COMMAND: for everything that is taken back, until one says no.
each_place() {
  for file in "$bin/reversi-client" "$libexec/reversi-worker" "$config" "$etc/bundle.client.json" "$etc/known_hosts" \
    ${service:+"$service"}; do
    "$1" "$root$file" || return
  done
}

has_no_former() { [ ! -e "$1.former" ] && [ ! -e "$1.none" ]; }

has_former() { ! each_place has_no_former; }

restore_place() {
  if [ -e "$1.former" ]; then
    mv -f "$1.former" "$1" || say "$1.former could not be put back"
  elif [ -e "$1.none" ]; then
    rm -f "$1" "$1.none"
  fi
}

restore_former() {
  has_former || return 0
  each_place restore_place
  [ -z "$root" ] || return 0
  # A package's program is at another place than ours was.
  find_client
  enable_service || say "$init did not take the former service back"
}

forget_place() { rm -f "$1.former" "$1.none"; }

forget_former() { each_place forget_place; }

# Whatever way this ends before the change has begun: what was there before is there again.
undo() {
  code=$?
  set +e
  trap '' INT TERM
  if [ -z "$handed_over" ]; then
    remove_unfinished
    restore_former
  fi
  exit "$code"
}

install_program() {
  [ -f "$here/bin/reversi-client" ] || return 0
  public_directory "$root$bin"
  public_directory "$root$libexec"
  for name in reversi-client reversi-worker; do
    [ -f "$here/bin/$name" ] || continue
    place=$bin/$name
    [ "$name" = reversi-client ] || place=$libexec/$name
    if [ -e "$root$place" ] && cmp -s "$here/bin/$name" "$root$place"; then
      continue
    fi
    keep_former "$place"
    put "$here/bin/$name" "$place" 755
  done
  : >"$root$etc/bundle.program"
}

# ---- configuration and keys -----------------------------------------------------------------------------------------

# What can be refused is refused before anything was changed.
check_bundle() {
  for needed in client.json known_hosts; do
    [ -f "$here/$needed" ] || fail "$needed is missing beside install.sh: unpack the whole bundle"
  done
  if [ -z "$root" ] && [ -f "$here/bin/reversi-client" ] && ! "$here/bin/reversi-client" version >/dev/null 2>&1; then
    fail "bin/reversi-client of this bundle does not run on this machine ($(uname -m)); nothing was changed"
  fi
  if [ "$init" = cron ] && [ -z "$root" ] && command -v crontab >/dev/null; then
    other_cron_lines >/dev/null || exit 1
  fi
  key=$etc/id_ed25519
  if [ ! -f "$here/id_ed25519" ]; then
    [ -f "$root$key" ] || fail "this bundle has no private key: put the node's own into $key, then run this again"
  elif ! is_known_key && [ -e "$root$key" ] && [ -e "$root$key.next" ]; then
    # It may be the one key that the server still knows.
    fail "$key.next: the key is just being rotated; end that (reversi-server node rotate-key), then run this again"
  fi
}

# A bundle that is installed again brings nothing new, even if the key was rotated meanwhile.
is_known_key() { cmp -s "$here/id_ed25519.pub" "$root$etc/bundle.id_ed25519.pub"; }

install_config() {
  if [ ! -e "$root$config" ]; then
    put "$here/client.json" "$config" 600
  elif cmp -s "$here/client.json" "$root$config"; then
    :
  elif cmp -s "$root$etc/bundle.client.json" "$root$config"; then
    keep_former "$config"
    # With the configuration, or the next bundle's would be taken for one that was changed here.
    keep_former "$etc/bundle.client.json"
    put "$here/client.json" "$config" 600
  else
    put "$here/client.json" "$config.new" 600
    say "$config was changed on this machine and stays; the bundle's is $config.new"
  fi
  put "$here/client.json" "$etc/bundle.client.json" 600
}

# The keys of the server that are not known yet, beside those that are.
install_known_hosts() {
  present=$root$etc/known_hosts
  [ -e "$present" ] || put /dev/null "$etc/known_hosts" 600
  missing=$(while IFS= read -r line; do
    grep -qxF -e "$line" "$present" || printf '%s\n' "$line"
  done <"$here/known_hosts")
  [ -n "$missing" ] || return 0
  keep_former "$etc/known_hosts"
  made=$present.tmp.made
  # awk ends a last line that has no end: two keys glued together are none.
  { awk 1 "$present" && printf '%s\n' "$missing"; } >"$made" || fail "$made could not be written"
  put "$made" "$etc/known_hosts" 600
  rm -f "$made"
}

install_key() {
  [ -f "$here/id_ed25519" ] || return 0
  ! is_known_key || return 0
  if [ ! -e "$root$key" ]; then
    put "$here/id_ed25519" "$key" 600
  elif ! cmp -s "$here/id_ed25519" "$root$key"; then
    put "$here/id_ed25519" "$key.next" 600
  fi
  put "$here/id_ed25519.pub" "$etc/bundle.id_ed25519.pub" 600
}

# ---- the service ----------------------------------------------------------------------------------------------------

# The shipped init files name /usr/bin or /usr/local/bin and /etc/reversi.
with_places() { sed -e "s#/usr/\(local/\)\{0,1\}bin/reversi-client#$client#g" -e "s#/etc/reversi/#$etc/#g" "$1"; }

user_unit() {
  cat <<END
[Unit]
Description=reversi: keeps this machine reachable over SSH
# The default limit would strand a far machine for ever after a few quick ends.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart="$client" run --config "$config"
ExecReload=/bin/kill -HUP \$MAINPID
Restart=always
RestartSec=5
WatchdogSec=60

[Install]
WantedBy=default.target
END
}

# mark_own PLACE MARKER: ours to take away is what was not there before; the rest is a package's or a person's.
mark_own() { [ -e "$root$1" ] || : >"$root$etc/$2"; }

enable_service() {
  case $init in
    procd) "$service" enable ;;
    systemd) systemctl daemon-reload && systemctl --quiet enable reversi-client.service ;;
    systemd-user) systemctl --user daemon-reload && systemctl --user --quiet enable reversi-client.service ;;
    launchd) : ;;
    cron) enable_cron ;;
  esac
}

install_service() {
  if [ "$init" = cron ]; then
    [ -n "$root" ] || enable_cron
    return 0
  fi
  public_directory "$root$(dirname "$service")"
  made=$root$service.tmp.$$
  mode=644
  case $init in
    procd)
      with_places "$here/reversi-client.init" >"$made"
      mode=755
      # Which clients procd starts, and a person's say in it: never replaced.
      public_directory "$root/etc/config"
      mark_own /etc/config/reversi bundle.uci
      [ -e "$root/etc/config/reversi" ] || put "$here/reversi.uci" /etc/config/reversi 644
      put "$here/reversi.uci" "$libexec/reversi.uci" 644
      ;;
    systemd) with_places "$here/reversi-client.service" >"$made" ;;
    systemd-user) user_unit >"$made" ;;
    launchd) with_places "$here/org.reversi.client.plist" >"$made" ;;
  esac
  chmod "$mode" "$made"
  mark_own "$service" bundle.service
  cmp -s "$made" "$root$service" || keep_former "$service"
  mv -f "$made" "$root$service"
  [ -n "$root" ] || enable_service
}

start_service() {
  case $init in
    procd) "$service" start ;;
    systemd) systemctl restart reversi-client.service ;;
    systemd-user) systemctl --user restart reversi-client.service ;;
    launchd) launchctl bootstrap "$(domain)" "$service" ;;
    # Detached: it must not live and die with this terminal.
    cron) "$client" ensure --config "$config" ;;
  esac || say "the client could not be started; going on, for $init may do so"
}

# Degraded is up as well: a device behind the node that is off says nothing about the program. Two spaces: the state of
# the node, not what is in something else.
is_up() {
  "$client" status --config "$config" --json 2>/dev/null |
    grep -q -e '^  "state": "up"' -e '^  "state": "degraded"'
}

# is_up_within SECONDS, which are counted: a router's clock leaps when it first hears of the time.
is_up_within() {
  left=$1
  until is_up; do
    [ "$left" -gt 0 ] || return 1
    left=$((left - 1))
    sleep 1
  done
}

# ---- the change to the new program ---------------------------------------------------------------------------------

# Checks, starts and waits; what does not come up is taken back. Returns 0 if the client is up.
change_over() {
  if ! "$client" check --config "$config" >/dev/null; then
    restore_former
    say "the check above failed; what was there before is back, and nothing was started"
    return 1
  fi
  if "$client" --help 2>/dev/null | grep -q '^ *doctor '; then
    "$client" doctor --config "$config" || say "going on; what doctor said may be the reason if it does not come up"
  fi
  stop_service
  start_service
  if is_up_within "$wait_s"; then
    forget_former
    "$client" status --config "$config" || true
    return 0
  fi
  "$client" status --config "$config" || true
  if ! has_former; then
    say "not up within $wait_s s; the client goes on trying: $client status --config $config"
    return 1
  fi
  say "not up within $wait_s s; what was there before is put back"
  stop_service
  restore_former
  start_service
  if is_up_within "$wait_s"; then
    say "what was there before is up again; the new one is not installed"
  else
    say "what was there before is back, but not up either: $client status --config $config"
  fi
  return 1
}

# Prints what the log has got since the last time.
show_log() {
  lines=$(($(wc -l <"$log")))
  [ "$lines" -le "$shown" ] || sed -n "$((shown + 1)),${lines}p" "$log" 2>/dev/null || true
  shown=$lines
}

# ---- all of it ------------------------------------------------------------------------------------------------------

# The tunnel may be the way in: a terminal that goes away ends nothing half-way.
trap '' HUP PIPE
mkdir -p "$root$etc"
chmod 700 "$root$etc"
check_bundle
remove_unfinished
handed_over=
# Yes where a package's program is the one in use, or was before an upgrade that was interrupted.
elsewhere=
find_client
if [ -n "$client" ] && [ "$client" != "$bin/reversi-client" ] && [ -e "$root$config" ]; then elsewhere=yes; fi
[ ! -e "$root$bin/reversi-client.none" ] || elsewhere=yes
trap undo EXIT
trap 'exit 1' INT TERM
install_program
find_client
[ -n "$client" ] || [ -z "$root" ] || client=$bin/reversi-client
[ -n "$client" ] ||
  fail "this bundle has no program: put reversi-client into $bin and reversi-worker into $libexec, then run this again"
install_config
install_known_hosts
install_key
public_directory "$root$libexec"
put "$here/common.sh" "$libexec/common.sh" 644
put "$here/uninstall.sh" "$libexec/uninstall.sh" 755
install_service
say "installed: $client, $config, started by $init; to undo: sh $libexec/uninstall.sh"
if [ "$start" = no ]; then
  handed_over=yes
  exit 0
fi

# The change goes on when this terminal is gone, and says so in a log.
log=$etc/install.log
: >"$log"
# From here on change_over takes back what does not come up.
handed_over=yes
(
  trap - EXIT PIPE TERM
  trap '' HUP INT
  set +e
  change_over
) >"$log" 2>&1 </dev/null &
changing=$!
shown=0
while kill -0 "$changing" 2>/dev/null; do
  show_log
  sleep 1
done
code=0
wait "$changing" || code=$?
show_log
exit "$code"
