mkdir -p /etc/reversi
cat > /etc/reversi/known_hosts <<'END_OF_FILE'
tunnel.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAWT5StdNr1yPVWKBABqW6S/FXxmtLCbxlO4rtjGj5oP
END_OF_FILE
cat > /etc/reversi/client.json <<'END_OF_FILE'
{
  "node": "cam-07",
  "servers": [{"host": "tunnel.example.org", "port": 22, "user": "reversi"}],
  "identity_file": "/etc/reversi/id_ed25519",
  "known_hosts_file": "/etc/reversi/known_hosts",
  "forwards": [
    {"name": "ssh", "target": "127.0.0.1:22", "expect": {"kind":"banner","match":"SSH-2.0-"}},
    {"name": "web", "target": "127.0.0.1:80", "expect": {"kind":"http","path":"/health","status":204}},
    // Change the target to where "meter" listens, as the node sees it.
    {"name": "meter", "target": "127.0.0.1:80", "expect": {"kind":"connect"}}
  ]
}
END_OF_FILE
reversi-client check && reversi-client ensure
