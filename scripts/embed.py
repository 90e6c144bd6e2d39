#!/usr/bin/env python3
"""Writes a C++ file with the text of files in it: embed.py OUTPUT FILE…; see server/core/bundle_files.h."""

import sys
from pathlib import Path

DELIMITER = "EMBEDDED"
PIECE_BYTES = 8000  # compilers need not take string literals of any length

output, *files = sys.argv[1:]
rows = []
for file in files:
    text = Path(file).read_text(encoding="utf-8")
    if f"){DELIMITER}" in text:
        sys.exit(f"{file}: has ){DELIMITER} in it")
    pieces = [text[at : at + PIECE_BYTES] for at in range(0, len(text), PIECE_BYTES)]
    literal = "\n".join(f'R"{DELIMITER}({piece}){DELIMITER}"' for piece in pieces)
    rows.append(f'    {{"{Path(file).name}",\n{literal}}},\n')
Path(output).write_text(
    '#include "server/core/bundle_files.h"\n\n'
    "namespace reversi::server {\n\n"
    "std::string_view bundle_file(std::string_view name) {\n"
    "  struct File {\n    std::string_view name;\n    std::string_view text;\n  };\n"
    f"  static constexpr File kFiles[] = {{\n{''.join(rows)}  }};\n"
    "  for (const File& file : kFiles) {\n    if (file.name == name) return file.text;\n  }\n"
    "  return {};\n}\n\n"
    "}  // namespace reversi::server\n",
    encoding="utf-8",
)
