#pragma once

namespace reversi::worker {

/// `reversi-worker examine FILE`: tries what a tunnel of this configuration needs, from the key to the targets, all
/// servers and targets at once, and prints a line for each step that was tried (client/core/doctor.h). Ends within
/// 25 s. It asks for no port and says no hello, so a tunnel that is up is left alone.
/// @param starts_agent  Start the key's forced command, and close its input at once.
int examine_main(const char* config_file, bool starts_agent);

}  // namespace reversi::worker
