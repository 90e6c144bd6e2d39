#include "client/cli/verbs.h"

int main(int argc, char** argv) {
  return reversi::run_program(reversi::client::client_program(), argc, argv);
}
