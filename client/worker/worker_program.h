#pragma once

namespace reversi::worker {

/// Without arguments the worker; `keygen FILE` makes the node's key, `next-key FILE` too unless there is one, `examine
/// FILE [without-agent]` tries what a tunnel needs, and what enrolment needs is in enrol_tools.h: so that the supervisor
/// never runs libssh. Not for people: reversi-client starts all of it. Returns the exit code.
int worker_program(int argc, char** argv);

}  // namespace reversi::worker
