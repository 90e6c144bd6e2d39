#include "client/core/libssh_build.h"

#include <gtest/gtest.h>

namespace reversi::client {
namespace {

constexpr LibsshBuild kTuned{.version = "0.10.6-0+deb12u3",
                             .crypto = "mbedtls 2.28.3-1",
                             .read_bytes = 262144,
                             .window_bytes = 1280000,
                             .known_holes = "",
                             .mended_in = "0.10.6-0+deb12u3"};

TEST(LibsshBuildTest, TheSystemsLibraryIsCalledThat) {
  EXPECT_EQ(describe({.version = "0.10.6"}), "libssh 0.10.6, the system's");
  EXPECT_EQ(known_holes_text({.version = "0.10.6"}), "");
}

TEST(LibsshBuildTest, OneBuiltInSaysWhatIsInItAndItsBounds) {
  EXPECT_EQ(describe(kTuned),
            "libssh 0.10.6-0+deb12u3, built in: mbedtls 2.28.3-1, reads 256 KiB at once, window "
            "1250 KiB a channel");
  EXPECT_EQ(known_holes_text(kTuned), "");
}

TEST(LibsshBuildTest, TheBoundOfWhatWaitsIsSaidWithItsKey) {
  EXPECT_EQ(memory_bound_text(8),
            "at most 8 MiB are kept for slow readers (max_buffered_mib) and 8 MiB of ended connections that "
            "the server still holds, in buffers of up to twice that");
}

TEST(LibsshBuildTest, KnownHolesAreNamedWithTheVersionThatMendsThem) {
  LibsshBuild build = kTuned;
  build.version = "0.10.6-0+deb12u2";
  build.known_holes = "CVE-2026-0967 CVE-2026-59843";
  EXPECT_EQ(known_holes_text(build),
            "libssh 0.10.6-0+deb12u2 has known holes (CVE-2026-0967 CVE-2026-59843): replace this "
            "client by one built with 0.10.6-0+deb12u3 or later");
}

TEST(LibsshBuildTest, ThisBuildKnowsItsVersion) {
  EXPECT_FALSE(libssh_build().version.empty());
}

}  // namespace
}  // namespace reversi::client
