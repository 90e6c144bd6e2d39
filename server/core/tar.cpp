#include "server/core/tar.h"

#include <cstdint>

namespace reversi::server {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMostNameBytes = 99;

/// Octal digits that fill the field but for its last byte, which is NUL.
void put_octal(std::string& header, std::size_t at, std::size_t size, std::uint64_t value) {
  for (std::size_t i = size - 1; i-- > 0; value >>= 3) {
    header[at + i] = static_cast<char>('0' + (value & 7));
  }
}

void put_text(std::string& header, std::size_t at, std::string_view text) {
  header.replace(at, text.size(), text);
}

std::string header_of(const TarFile& file, std::int64_t time) {
  std::string header(kBlock, '\0');
  const bool is_directory = file.name.ends_with('/');
  put_text(header, 0, file.name);
  put_octal(header, 100, 8, static_cast<std::uint64_t>(file.mode));
  put_octal(header, 108, 8, 0);  // owner and group: whoever unpacks
  put_octal(header, 116, 8, 0);
  put_octal(header, 124, 12, file.text.size());
  put_octal(header, 136, 12, static_cast<std::uint64_t>(time));
  header[156] = is_directory ? '5' : '0';
  put_text(header, 257, std::string_view("ustar\00000", 8));
  put_text(header, 148, "        ");  // the sum is made with blanks in its own place
  std::uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put_octal(header, 148, 7, sum);
  header[154] = '\0';
  return header;
}

}  // namespace

Result<std::string> tar_archive(const std::vector<TarFile>& files, std::int64_t time) {
  std::string archive;
  for (const TarFile& file : files) {
    if (file.name.empty() || file.name.size() > kMostNameBytes) {
      return fail(Errc::config, file.name + ": too long for an archive");
    }
    archive += header_of(file, time);
    archive += file.text;
    archive.append((kBlock - file.text.size() % kBlock) % kBlock, '\0');
  }
  archive.append(2 * kBlock, '\0');
  return archive;
}

}  // namespace reversi::server
