#!/bin/sh
# Undoes install.sh: stops the client and removes program, service, configuration and key. Of a crontab only the marked
# block goes.
#
# usage: sh uninstall.sh [--keep-config] [--init KIND] [--root DIR]
#   --keep-config  leave the directory with configuration and key
#   --init KIND    as it was given to install.sh
#   --root DIR     what was installed below DIR

set -eu
# The tunnel may be the way in; what was begun is done to the end.
trap '' HUP PIPE
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=config/bundle/common.sh
. "$here/common.sh"

root=
init=
keep=no
while [ $# -gt 0 ]; do
  case $1 in
    --keep-config) keep=yes ;;
    --init) shift; init=${1:?--init KIND} ;;
    --root) shift; root=${1:?--root DIR} ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "unknown argument $1; see sh uninstall.sh --help" ;;
  esac
  shift
done
find_places
etc_dir=$root$etc
node=$(sed -n 's/.*"node": *"\([a-z0-9-]*\)".*/\1/p' "$etc_dir/client.json" 2>/dev/null | head -n 1)

remove_service() {
  case $init in
    procd) [ ! -x "$service" ] || "$service" disable 2>/dev/null || true ;;
    systemd) systemctl --quiet disable reversi-client.service 2>/dev/null || true ;;
    systemd-user) systemctl --user --quiet disable reversi-client.service 2>/dev/null || true ;;
    cron)
      if command -v crontab >/dev/null && crontab -l 2>/dev/null | grep -q '^# BEGIN reversi-client'; then
        others=$(other_cron_lines) || exit 1
        { [ -z "$others" ] || printf '%s\n' "$others"; } | write_crontab
      fi
      ;;
  esac
}

# The service first, or it would start again what is being stopped.
if [ -z "$root" ]; then
  remove_service
  stop_service
fi
if [ -n "$service" ]; then
  # One that was there before us is a package's.
  [ ! -e "$etc_dir/bundle.service" ] || rm -f "$root$service" "$etc_dir/bundle.service"
  rm -f "$root$service.former" "$root$service.none"
  [ -n "$root" ] || case $init in
    systemd) systemctl daemon-reload || true ;;
    systemd-user) systemctl --user daemon-reload || true ;;
  esac
fi

# A program that a package brought is the package's.
if [ -e "$etc_dir/bundle.program" ]; then
  rm -f "$root$bin/reversi-client" "$root$bin/reversi-client.former" "$root$bin/reversi-client.none"
  rm -f "$root$libexec/reversi-worker" "$root$libexec/reversi-worker.former" "$root$libexec/reversi-worker.none"
fi
# Procd's list of clients goes with the one that it names, unless somebody made it his own.
if [ -e "$etc_dir/bundle.uci" ] && cmp -s "$root$libexec/reversi.uci" "$root/etc/config/reversi"; then
  rm -f "$root/etc/config/reversi"
fi
rm -f "$etc_dir/bundle.uci"
rm -f "$root$libexec/common.sh" "$root$libexec/uninstall.sh" "$root$libexec/reversi.uci"
rmdir "$root$libexec" "$root$prefix/libexec" 2>/dev/null || true
if [ "$keep" = no ] && [ -d "$etc_dir" ]; then
  cd "$etc_dir"
  rm -f client.json client.json.new client.json.former bundle.client.json bundle.id_ed25519.pub bundle.program install.log
  rm -f bundle.client.json.former known_hosts.former known_hosts.none
  rm -f id_ed25519 id_ed25519.next id_ed25519.old known_hosts learned_known_hosts learned_servers.json
  rm -f instance policy.json last-good.json former.json supervisor.lock lock status.json control.sock
  cd /
  rmdir "$etc_dir" 2>/dev/null || say "$etc_dir has other files in it and stays"
fi
if [ "$uid" -eq 0 ]; then
  run=$root/run/reversi
else
  run=${XDG_RUNTIME_DIR:-/nonexistent}/reversi
  rmdir "$root$bin" "$root$prefix" "$(dirname "$etc_dir")" 2>/dev/null || true
fi
if [ -n "$node" ] && [ -d "$run/$node" ]; then
  rm -f "$run/$node/lock" "$run/$node/status.json" "$run/$node/control.sock"
  rmdir "$run/$node" "$run" 2>/dev/null || true
fi
say "removed"
