#include "client/worker/worker_program.h"

int main(int argc, char** argv) {
  return reversi::worker::worker_program(argc, argv);
}
