// What a peer leaves in the run directory, in small files that outlive the process: how one in the
// background ended, so that `murder wait` can tell it, and that one was about to place its tree.
// Written by the peer, removed by `murder clean` and by the next peer of that tag.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/host/run_directory.h"

namespace murder::host {

inline constexpr std::string_view outcome_running = "running";
inline constexpr std::string_view outcome_done = "done";
inline constexpr std::string_view outcome_failed = "failed";

// What a peer leaves in the run directory, by name: its outcome and its log.
[[nodiscard]] std::string outcome_file_name(std::string_view tag);
[[nodiscard]] std::string peer_log_name(std::string_view tag);  // without ".log"
[[nodiscard]] std::string seeder_log_name(std::string_view tag);
[[nodiscard]] std::string tracker_log_name(std::string_view port);

// In one step: a reader sees the old one or the new one. Blocks, as all here does: not for a
// reactor's thread.
[[nodiscard]] Status write_outcome(const std::string& run_directory_option, std::string_view tag,
                                   const Json& outcome, bool sync_to_disk = true);

// An object with "state": one of the three above. Errors: ErrorCode::not_found; a file that is not
// an outcome.
[[nodiscard]] Result<Json> read_outcome(const RunDirectory& directory, std::string_view tag);

// There was an outcome before there was its process: who removed it waits for no other, and would
// not remove another.
[[nodiscard]] bool is_cleaned_up(const std::string& run_directory_option, std::string_view tag);

// That a tree gets its name next: kept from just before until the peer has told that the tree is
// there, so that what a peer that was killed in between had placed is known to the next one. The
// directory is the tree's.
void note_placing(const std::string& run_directory_option, std::string_view tag,
                  std::string_view info_hash, int directory_fd, bool sync_to_disk = true,
                  std::string_view sha256 = {});
// Whether `path` is the tree that was noted. `sha256` is that of signed content, which was compared
// before; empty: none is demanded.
[[nodiscard]] bool was_placed(const std::string& run_directory_option, std::string_view tag,
                              std::string_view info_hash, const std::string& path,
                              std::string_view sha256 = {});
void forget_placing(const std::string& run_directory_option, std::string_view tag);
[[nodiscard]] std::string placing_file_name(std::string_view tag);

}  // namespace murder::host
