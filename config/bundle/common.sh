#!/bin/sh
# Where things are, for install.sh and uninstall.sh of a bundle. POSIX sh; busybox ash is enough.
# shellcheck disable=SC2034 # they read what is set here

# Who looks on may be gone: the tunnel that is being replaced is often the way in.
say() { printf 'reversi: %s\n' "$*" 2>/dev/null || true; }
fail() {
  printf 'reversi: %s\n' "$*" >&2 || true
  exit 1
}

# What starts the client here: procd, systemd, systemd-user, launchd or cron.
find_init() {
  if [ "$(uname -s)" = Darwin ]; then
    echo launchd
  elif [ "$uid" -eq 0 ] && [ -x "$root/sbin/procd" ]; then
    echo procd
  elif [ "$uid" -eq 0 ] && [ -d "$root/run/systemd/system" ] && command -v systemctl >/dev/null; then
    echo systemd
  elif [ "$uid" -ne 0 ] && [ -d "$root/run/systemd/system" ] && is_lingering; then
    echo systemd-user
  else
    echo cron
  fi
}

# A user's services outlive the login only where an administrator allowed it.
is_lingering() {
  command -v loginctl >/dev/null && [ "$(loginctl show-user "$(id -un)" -p Linger --value 2>/dev/null)" = yes ]
}

# Sets the places. A path that starts with $root is where a file is put; without it, what the file will be called.
find_places() {
  uid=$(id -u)
  : "${root:=}" "${init:=}"
  [ -n "$init" ] || init=$(find_init)
  if [ "$uid" -ne 0 ]; then
    case ${HOME:-} in
      *[\#\&%\"\\]*) fail "HOME is $HOME: a path with one of # & % \" \\ in it cannot be put into init files" ;;
      /?*) ;;
      *) fail "HOME is not set, so there is no place to install to" ;;
    esac
    prefix=$HOME/.local
    etc=${XDG_CONFIG_HOME:-$HOME/.config}/reversi
  elif [ "$init" = procd ]; then
    prefix=/usr
    etc=/etc/reversi
  else
    prefix=/usr/local
    etc=/etc/reversi
  fi
  bin=$prefix/bin
  libexec=$prefix/libexec/reversi
  config=$etc/client.json
  case $init in
    procd) service=/etc/init.d/reversi-client ;;
    systemd) service=/etc/systemd/system/reversi-client.service ;;
    systemd-user) service=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/reversi-client.service ;;
    launchd)
      service=/Library/LaunchDaemons/org.reversi.client.plist
      [ "$uid" -eq 0 ] || service=$HOME/Library/LaunchAgents/org.reversi.client.plist
      ;;
    cron) service= ;;
    *) fail "unknown --init $init; choose procd, systemd, systemd-user, launchd or cron" ;;
  esac
}

# The program that is installed: ours, else one that a package brought.
find_client() {
  if [ -x "$root$bin/reversi-client" ]; then
    client=$bin/reversi-client
  elif [ -n "$root" ]; then
    client=
  else
    client=$(command -v reversi-client) || client=
  fi
}

# ---- cron -----------------------------------------------------------------------------------------------------------

cron_begin='# BEGIN reversi-client (written by install.sh; edits are lost)'
cron_end='# END reversi-client'

# Prints the crontab. None is an empty one; one that cannot be read is not.
cron_table() {
  crontab -l 2>/dev/null && return 0
  why=$(LC_ALL=C crontab -l 2>&1 >/dev/null) && return 0
  case $why in
    *[Nn]'o crontab'* | *'No such file'*) return 0 ;;
  esac
  say "the crontab cannot be read, and is left as it is: $why" >&2
  return 1
}

# Prints the crontab without our block. A block that does not end would take a person's lines with it.
other_cron_lines() {
  table=$(cron_table) || return 1
  [ -n "$table" ] || return 0
  printf '%s\n' "$table" | awk '
    /^# BEGIN reversi-client/ { if (begun++) bad = 1; inside = 1; next }
    /^# END reversi-client/ { if (!inside) bad = 1; inside = 0; next }
    !inside { print }
    END { exit bad || inside }' && return 0
  say "the block of reversi-client in the crontab is damaged, and is left as it is: crontab -e, and" \
    "have one line \"$cron_begin\" before ours and one \"$cron_end\" behind it, or none of the three" >&2
  return 1
}

# Replaces the crontab by standard input; an empty one stays empty.
write_crontab() {
  lines=$(mktemp "${TMPDIR:-/tmp}/reversi.XXXXXX") || fail "no temporary file"
  cat >"$lines"
  crontab "$lines" || {
    rm -f "$lines"
    fail "crontab did not take the lines"
  }
  rm -f "$lines"
}

enable_cron() {
  if ! command -v crontab >/dev/null; then
    say "no crontab here: have something run \"$client ensure --config $config\" every minute"
    return 0
  fi
  others=$(other_cron_lines) || return 1
  {
    [ -z "$others" ] || printf '%s\n' "$others"
    printf '%s\n* * * * * "%s" ensure --config "%s" >/dev/null 2>&1\n%s\n' "$cron_begin" "$client" "$config" "$cron_end"
  } | write_crontab
}

# ---- the service ----------------------------------------------------------------------------------------------------

domain() { [ "$uid" -eq 0 ] && echo system || echo "gui/$uid"; }

stop_service() {
  case $init in
    procd) "$service" stop >/dev/null 2>&1 || true ;;
    systemd) systemctl stop reversi-client.service 2>/dev/null || true ;;
    systemd-user) systemctl --user stop reversi-client.service 2>/dev/null || true ;;
    launchd) launchctl bootout "$(domain)/org.reversi.client" 2>/dev/null || true ;;
    cron) : ;;
  esac
  find_client
  # Whoever started it: cron, a terminal.
  [ -z "$client" ] || [ ! -e "$config" ] || "$client" stop --config "$config" >/dev/null 2>&1 || true
}
