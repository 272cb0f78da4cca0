#include "engine/host/serial_guard.h"

#include <fmt/format.h>

#include <ctime>
#include <filesystem>

#include "engine/archive/file.h"
#include "engine/base/types.h"
#include "engine/base/utf8.h"

namespace murder::host {
namespace {

Status check_not_expired(const SignedRelease& release) {
  if (!release.expires_at_s || std::time(nullptr) <= *release.expires_at_s) {
    return {};
  }
  return fail(
      ErrorCode::untrusted,
      "the signature of this release has expired: have it signed again (murder sign --renew), and "
      "look whether the clock of this host is right");
}

Status check_step(const ReleaseRecord& record, const SignedPlacing& placing) {
  const SignedRelease& release = placing.release;
  const SerialMark* mark = find_mark(record.serials, release.app, placing.place.name);
  if (mark == nullptr) {
    return {};
  }
  const std::string where = archive::join_path(placing.place.directory, placing.place.name);
  switch (step_of(*mark, placing.content())) {
    case Step::forward:
      break;
    case Step::replay:
      return fail(ErrorCode::untrusted,
                  fmt::format("this release is older than what was put in place at {} (serial {}, "
                              "there it is {}): to go back, have the older release signed again "
                              "(murder sign --renew), and allow it with --allow-older",
                              where, release.serial, mark->serial));
    case Step::back:
      if (!release.allow_older) {
        return fail(ErrorCode::untrusted,
                    fmt::format("this release is older than what is in place at {}, though it was "
                                "signed anew (serial {}): if that is a rollback, allow it with "
                                "--allow-older",
                                where, release.serial));
      }
  }
  return {};
}

}  // namespace

SerialPlace serial_place_of_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(path, error);
  const archive::PathParts parts = archive::split_path(error ? path : whole.string());
  // JSON holds no other names.
  const bool is_text = is_utf8(parts.name);
  return {.directory = parts.parent,
          .name = is_text ? parts.name : "sha256:" + hash::sha256(as_bytes_of(parts.name)).hex()};
}

Status check_signed_placing(const SignedPlacing& placing) {
  if (Status valid = check_not_expired(placing.release); !valid) {
    return valid;
  }
  if (placing.place.directory.empty()) {
    return {};
  }
  const Result<ReleaseRecord> record = ReleaseDirectory::read_record(placing.place.directory);
  return record ? check_step(*record, placing) : Status(fail(record.error()));
}

Result<SerialGuard> SerialGuard::enter(const SignedPlacing& placing, bool sync_to_disk) {
  if (Status valid = check_not_expired(placing.release); !valid) {
    return fail(valid.error());
  }
  Result<ReleaseDirectory> directory =
      ReleaseDirectory::open(placing.place.directory, {.sync_to_disk = sync_to_disk});
  if (!directory) {
    return fail(directory.error());
  }
  if (Status allowed = check_step(directory->record(), placing); !allowed) {
    return fail(allowed.error());
  }
  if (Status noted = note_serial(directory->record().serials, placing.release.app,
                                 placing.place.name, placing.content(), placing.release.until_s);
      !noted) {
    return fail(noted.error());
  }
  if (Status saved = directory->save_record(); !saved) {
    return fail(saved.error());
  }
  return SerialGuard(std::move(*directory));
}

}  // namespace murder::host
