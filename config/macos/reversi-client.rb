# A Homebrew formula: `brew install --HEAD --formula ./config/macos/reversi-client.rb`, in a clone of the project. Where it
# clones from is HOMEBREW_REVERSI_SOURCE. Its syntax is checked; no Homebrew has run it.
class ReversiClient < Formula
  desc "Keeps this machine reachable through a supervised reverse SSH tunnel"
  homepage "https://reversi.example.org"
  license "MIT"
  head ENV.fetch("HOMEBREW_REVERSI_SOURCE", "file://#{File.expand_path("../..", __dir__)}"), using: :git

  depends_on "meson" => :build
  depends_on "ninja" => :build
  depends_on "nlohmann-json" => :build
  depends_on "pkgconf" => :build
  depends_on "tl-expected" => :build
  depends_on "boost"
  depends_on "libssh"

  def install
    system "meson", "setup", "build", "-Dserver=false", "-Dtests=false", *std_meson_args
    system "meson", "compile", "-C", "build", "--verbose"
    system "meson", "install", "-C", "build"
    # The plist of this directory, with the program where Homebrew has it.
    inreplace "config/macos/org.reversi.client.plist", "/usr/local/bin/reversi-client", opt_bin/"reversi-client"
    pkgshare.install "config/macos/org.reversi.client.plist", "config/client.example.json"
  end

  def caveats
    <<~EOS
      After `sudo reversi-client enroll USER@HOST`, to start it at boot:
        sudo install -m 644 -o root -g wheel #{opt_pkgshare}/org.reversi.client.plist /Library/LaunchDaemons/
        sudo launchctl bootstrap system /Library/LaunchDaemons/org.reversi.client.plist
    EOS
  end

  test do
    assert_match "reversi-client", shell_output("#{bin}/reversi-client version")
  end
end
