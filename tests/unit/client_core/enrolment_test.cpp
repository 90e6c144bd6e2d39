#include "client/core/enrolment.h"

#include <gtest/gtest.h>

#include "client/core/forward_spec.h"

namespace reversi::client {
namespace {

std::string shown(std::string_view text) {
  const auto login = parse_login(text);
  if (!login) return login.error().code() == Errc::usage ? "usage" : "error";
  return login->user + ' ' + format_endpoint(login->endpoint);
}

TEST(Enrolment, ALoginIsReadAsSshReadsIt) {
  EXPECT_EQ(shown("reversi@tunnel.example.org"), "reversi tunnel.example.org:22");
  EXPECT_EQ(shown("reversi@tunnel.example.org:2222"), "reversi tunnel.example.org:2222");
  EXPECT_EQ(shown("r@[2001:db8::1]:2222"), "r [2001:db8::1]:2222");
  EXPECT_EQ(shown("r@[2001:db8::1]"), "r [2001:db8::1]:22");
  EXPECT_EQ(shown("r@2001:db8::1"), "r [2001:db8::1]:22");
  for (const char* text : {"", "@", "host", "@host", "user@", "-x@host", "a b@host", "u@h:0",
                           "u@h:99999", "u@h o", "u@-oProxyCommand=x", "u;v@h", "u@h:"}) {
    EXPECT_EQ(shown(text), "usage") << text;
  }
}

TEST(Enrolment, AHostNameMakesANodeName) {
  EXPECT_EQ(node_name_from("Cam_07.lan"), "cam-07");
  EXPECT_EQ(node_name_from("OpenWrt"), "openwrt");
  EXPECT_EQ(node_name_from("--a--"), "a");
  EXPECT_EQ(node_name_from("\xC3\xA4"), "");
  EXPECT_EQ(node_name_from(""), "");
  EXPECT_EQ(node_name_from(std::string(80, 'x')).size(), 63U);
  EXPECT_TRUE(NodeName::parse(node_name_from(std::string(62, 'x') + "-y")));
}

TEST(Enrolment, AFingerprintIsWhole) {
  const std::string good = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
  EXPECT_TRUE(is_fingerprint(good));
  EXPECT_FALSE(is_fingerprint(good.substr(1)));
  EXPECT_FALSE(is_fingerprint(good + "="));
  EXPECT_FALSE(is_fingerprint(good.substr(0, 20)));
  EXPECT_FALSE(is_fingerprint("MD5:" + good.substr(7)));
}

TEST(Enrolment, TheConfigurationIsOneThatCheckTakes) {
  const Enrolment enrolment{"cam-07",
                            {{"2001:db8::1", 2222}, "reversi"},
                            "/etc/a \"quoted\" place/id_ed25519",
                            "/etc/reversi/known_hosts",
                            {default_forward(), *parse_named_forward("web=20080:[fd00::1]:80"),
                             *parse_named_forward("mail=unix:/run/mail.sock")}};
  const auto config = parse_client_config(enrolment_config(enrolment), "/etc/reversi");
  ASSERT_TRUE(config) << config.error().line();
  EXPECT_EQ(config->node, "cam-07");
  EXPECT_EQ(config->servers, std::vector{enrolment.server});
  EXPECT_EQ(config->identity_file, enrolment.identity_file);
  EXPECT_EQ(config->known_hosts_file, enrolment.known_hosts_file);
  EXPECT_EQ(config->forwards, enrolment.forwards);
  EXPECT_EQ(approve_command(enrolment, "SHA256:x"),
            "reversi-server node approve SHA256:x cam-07 --forward ssh --forward web=20080 "
            "--forward mail");
}

}  // namespace
}  // namespace reversi::client
