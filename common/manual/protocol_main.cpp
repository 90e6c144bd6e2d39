// Makes reversi-protocol(7) of docs/protocol.md: protocol-manual TEMPLATE MARKDOWN OUTPUT.

#include <cstdio>
#include <fstream>
#include <iterator>

#include "common/manual/markdown.h"
#include "common/manual/template.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: protocol-manual TEMPLATE MARKDOWN OUTPUT\n", stderr);
    return 2;
  }
  std::ifstream file(argv[2], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return reversi::manual::write_page(argv[1], argv[3],
                                     {{"protocol", reversi::manual::mdoc_of_markdown(text)}});
}
