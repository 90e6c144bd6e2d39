# shellcheck shell=sh
# The node of a two-host lab, for the programs that a yardstick starts there as root in the network namespace of the node
# (tests/faults/lab-client, tests/bench/lab-client). The caller has `set -eu`, and from the lab:
#
#   RV_HOST RV_PORT RV_USER   the sshd and the account to log in to; the account exists on this machine (the lab's
#                             server shares its files and process ids with the node, only the network is another)
#   RV_KEY RV_KNOWN_HOSTS     the node's private key, with its public half in RV_KEY.pub; the pinned host key
#   RV_NODE                   the node's name
#   RV_DIR                    a directory of the lab, readable by the account, with its authorized_keys in ak.$RV_USER
# and from the person who measures:
#   REVERSI_BUILD             the build directory; default: build/ of this repository
#   REVERSI_LOG_LEVEL         of the client; default info. The log goes to standard error

# lab_prepare DIRECTORY: copies the programs there, where the account can read them; everything is kept there.
lab_prepare() {
  lab_dir=$1
  lab_build=${REVERSI_BUILD:-$(cd "$(dirname "$0")/../.." && pwd -P)/build}
  mkdir -p "$lab_dir/state" "$lab_dir/client"
  chmod 755 "$lab_dir"
  for lab_program in server/reversi-server client/reversi-client client/reversi-worker; do
    cp "$lab_build/$lab_program" "$lab_dir/"
    sync "$lab_dir/${lab_program##*/}" # what is not yet on the disk counts as private memory
  done
}

# lab_register NAME=PORT...: as root, because the lab's authorized_keys is root's; from then on the state is the agent's.
# What the lab wrote for the key is replaced by the line that `node add` installs.
lab_register() {
  for lab_forward; do
    set -- "$@" --forward "$lab_forward"
    shift
  done
  : >"$RV_DIR/ak.$RV_USER"
  "$lab_dir/reversi-server" node add "$RV_NODE" --key "$RV_KEY.pub" "$@" \
    --state-dir "$lab_dir/state" --authorized-keys "$RV_DIR/ak.$RV_USER" >&2
  chmod 644 "$RV_DIR/ak.$RV_USER"
  chown -R "$RV_USER:" "$lab_dir/state"
}

# lab_run SETTINGS: becomes `reversi-client run` in the foreground. SETTINGS: further keys of client.json.
lab_run() {
  cat >"$lab_dir/client.json" <<END
{
  "node": "$RV_NODE",
  "servers": [{"host": "$RV_HOST", "port": $RV_PORT, "user": "$RV_USER"}],
  "identity_file": "$RV_KEY",
  "known_hosts_file": "$RV_KNOWN_HOSTS",
  $1,
  "log_level": "${REVERSI_LOG_LEVEL:-info}",
  "run_dir": "$lab_dir/client/run",
  "state_dir": "$lab_dir/client/state"
}
END
  exec "$lab_dir/reversi-client" run --config "$lab_dir/client.json"
}
