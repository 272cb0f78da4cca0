// Archives that are not whole, which a deploy left on this host for the next attempt. When nobody
// made one within some days, the next deploy of anything removes them. The list is a file of the
// run directory: it goes with a reboot, as what lies in /tmp does. A file that was put in the place
// of one is not touched, nor one that a peer or seeder has open.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/host/run_directory.h"

namespace murder::host {

void note_kept_archive(const RunDirectory& directory, const std::string& path);
// Of a release of which archives are to stay, now that they are whole.
void forget_kept_archives(const RunDirectory& directory, const std::string& temp_path,
                          std::string_view tag);
// `now`: seconds of the wall clock. Ages count from the last write to a file.
void remove_old_archives(const RunDirectory& directory, time_t now);

inline constexpr time_t kept_archive_age_max_s = 3 * 24 * 3600;  // as abandoned_after

}  // namespace murder::host
