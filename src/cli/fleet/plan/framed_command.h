// What surrounds every command on a host: a line in front of and behind its output on both streams,
// so that what the login shell writes at its start (a motd, an echo in .bashrc) is told from it,
// and so that a login shell that runs nothing (nologin) is recognised. Pure.
//
// The frame is one `sh -c` word, which sh, bash, zsh, ksh, csh, tcsh and fish read alike.
#pragma once

#include <string>
#include <string_view>

#include "cli/fleet/plan/host_result.h"

namespace murder::fleet {

struct FrameOptions {
  bool become = false;      // run it as root there: sudo -n, which asks for nothing
  bool asks_facts = false;  // what HostFacts holds, at the first command on a host
};

// What a host tells of itself in front of its first command; empty texts: it does not know.
struct HostFacts {
  bool is_known = false;
  // By which other hosts reach it: where ssh's connection arrived (SSH_CONNECTION), else, when that
  // is the host itself, its first own address. Never a loopback address or one with a zone.
  std::string address;
  // The same text for two names of one machine: its boot, its network and its root directory. Not
  // the machine id alone, which copies of a virtual machine share.
  std::string machine;
  // What lines of its /etc/murder/allowed_signers say of namespaces, as far as it may be that of
  // orders: `namespaces="murder-*"`, with blanks between several.
  std::string namespaces;
};

[[nodiscard]] std::string frame_command(std::string_view command, const FrameOptions& options);

// Takes the frame off a result of a framed command. Without a frame nothing was run: then the
// result is a failure that says so, also when the exit status was 0.
[[nodiscard]] HostFacts take_frame(HostResult& result, const FrameOptions& options);

}  // namespace murder::fleet
