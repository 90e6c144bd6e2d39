#include <array>

#include "common/cli/verb.h"
#include "server/cli/agent.h"

int main(int argc, char** argv) {
  static constexpr std::array kVerbs{
      reversi::Verb{
          "agent", "Serve one connection of a node: the forced command of its key.",
          reversi::server::agent_verb,
          "reversi-server agent --node cam-07 --grant ssh=20001 --state-dir /var/lib/reversi",
          /*hidden=*/true},
  };
  return reversi::run_program(
      {"reversi-server", "Keeps nodes behind NAT reachable over plain OpenSSH.", kVerbs}, argc,
      argv);
}
