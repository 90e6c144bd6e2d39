#pragma once

namespace reversi::worker {

/// The whole worker process: commands on standard input, events on standard output, log on standard
/// error. Both the executable reversi-worker and the hidden verb of the one-file build are this.
/// @returns  an ExitCode: retry or refused; done if it was told to stop
int worker_main();

/// Makes a key in `path` and prints its public line. Returns an ExitCode.
int keygen_main(const char* path);

/// The same, but a key that is there already is taken: only its public line is printed.
int next_key_main(const char* path);

}  // namespace reversi::worker
