#include "common/cli/verb.h"
#include "server/cli/verbs.h"

int main(int argc, char** argv) {
  return reversi::run_program(reversi::server::server_program(), argc, argv);
}
