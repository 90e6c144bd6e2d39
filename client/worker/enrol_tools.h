#pragma once
// What `reversi-client enroll` asks the worker's executable to do, so that it does not map libssh.

namespace reversi::worker {

/// reversi-worker WORD ARGUMENTS…: one line on standard output, or one line of error and its exit code.
///
///   host-key HOST PORT KNOWN_HOSTS [SHA256:…]   pinned|unknown FINGERPRINT TYPE BASE64 NAME-IN-KNOWN_HOSTS
///   own-key FILE                                made|found FINGERPRINT TYPE BASE64
///   knock HOST PORT USER KNOWN_HOSTS KEY        accepted|refused
///
/// @returns  -1: no such tool, or not its arguments
int run_enrol_tool(int argc, char** argv);

}  // namespace reversi::worker
