#!/bin/sh
# What /etc/rc.common, /lib/functions.sh and procd.sh give an init script, as far as ours uses it. Every call to procd is
# printed; nothing is started.
#
#     UCI_DIR=config/openwrt/files/etc/config procd_stub.sh INIT_SCRIPT start|reload|triggers
set -eu

# ---- uci: "config TYPE 'NAME'", "option KEY 'VALUE'" -----------------------------------------------

config_load() { uci_file="$UCI_DIR/$1"; }

# Prints SECTION TYPE, or the value of one option.
uci_sections() { sed -n "s/^config \([a-z]*\) '\(.*\)'$/\2 \1/p" "$uci_file"; }
uci_option() {
	sed -n "/^config [a-z]* '$1'$/,/^config [a-z]* '/p" "$uci_file" | sed '2,${/^config/,$d;}' |
		sed -n "s/^[[:blank:]]*option $2 '\(.*\)'$/\1/p"
}

config_get() { eval "$1=\$(uci_option \"$2\" \"$3\"); [ -n \"\$$1\" ] || $1=\${4:-}"; }
config_get_bool() {
	config_get "$@"
	eval "case \$$1 in 1 | on | true | yes | enabled) $1=1 ;; *) $1=0 ;; esac"
}
config_foreach() {
	for found in $(uci_sections | sed -n "s/ $2$//p"); do "$1" "$found"; done
}

# ---- procd -------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }
logger() { say logger "$@"; }
procd_open_instance() { say open_instance "$@"; }
procd_set_param() { say set_param "$@"; }
procd_close_instance() { say close_instance; }
procd_add_reload_trigger() { say add_reload_trigger "$@"; }

start() { start_service; }

# shellcheck source=/dev/null
. "$1"
[ "$USE_PROCD" = 1 ] && [ -n "$START" ] && [ -n "$STOP" ]
case "$2" in
start) start_service ;;
reload) reload_service ;;
triggers) service_triggers ;;
esac
