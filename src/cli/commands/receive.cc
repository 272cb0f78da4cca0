// murder receive: a file arrives on standard input and gets its name when it is whole and on disk.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>

#include "cli/commands/command_list.h"
#include "cli/ui/command.h"
#include "cli/ui/path_word.h"
#include "cli/ui/stop_signals.h"
#include "engine/archive/file.h"
#include "engine/archive/staging.h"
#include "engine/base/small_file.h"
#include "engine/base/units.h"

namespace murder::cli {
namespace {

constexpr size_t part_bytes = 256 * 1024;

struct ReceiveOptions {
  std::string file;
  uint64_t size_bytes = 0;
  bool no_sync = false;
  bool more_follows = false;
};

Error not_whole(const ReceiveOptions& options, uint64_t size_bytes) {
  return {ErrorCode::io, fmt::format("{} did not arrive: {} of {} bytes", options.file, size_bytes,
                                     options.size_bytes)};
}

// How much of it there is: 0 at the end.
Result<size_t> read_input(std::span<uint8_t> into, const archive::CancelFlag& stop) {
  while (!stop.is_set()) {
    // A signal ends the wait (a read would be begun again).
    pollfd source{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (poll(&source, 1, -1) < 0) {
      continue;
    }
    const ssize_t size = read(STDIN_FILENO, into.data(), into.size());
    if (size >= 0) {
      return static_cast<size_t>(size);
    }
    if (errno != EINTR && errno != EAGAIN) {
      return fail_errno(errno, "standard input");
    }
  }
  return fail(ErrorCode::interrupted, "interrupted");
}

Status fill(const ReceiveOptions& options, const archive::Staging& staging) {
  const StopSignals stop;
  const auto part = std::make_unique<std::array<uint8_t, part_bytes>>();
  archive::EarlyWriteback writeback;
  uint64_t size_bytes = 0;
  // What follows is for another command: nothing of it is taken.
  while (!options.more_follows || size_bytes < options.size_bytes) {
    const size_t wanted = options.more_follows
                              ? std::min<uint64_t>(part->size(), options.size_bytes - size_bytes)
                              : part->size();
    const Result<size_t> got = read_input(std::span(*part).first(wanted), stop.flag());
    if (!got) {
      return fail(got.error());
    }
    if (*got == 0) {
      break;
    }
    if (Status written =
            archive::write_all(staging.fd(), std::span(part->data(), *got), options.file);
        !written) {
      return written;
    }
    size_bytes += *got;
    if (size_bytes > options.size_bytes) {
      return fail(not_whole(options, size_bytes));
    }
    if (!options.no_sync) {
      writeback.wrote(staging.fd(), size_bytes);
    }
  }
  // A connection that is lost looks like an end.
  if (size_bytes != options.size_bytes) {
    return fail(not_whole(options, size_bytes));
  }
  return options.no_sync ? Status() : sync_file(staging.fd(), options.file);
}

Result<int> run_receive(const ReceiveOptions& given, CommandContext& context) {
  ReceiveOptions options = given;
  options.file = clean_path(given.file);
  const archive::PathParts parts = archive::split_path(options.file);
  if (Status made = archive::make_directories(parts.parent, !options.no_sync); !made) {
    return fail(made.error());
  }
  archive::remove_leftovers(parts.parent, parts.name);
  Result<archive::Staging> staging =
      archive::Staging::make(parts.parent, parts.name, archive::Staging::Kind::file, 0600);
  if (!staging) {
    return fail(staging.error());
  }
  if (Status filled = fill(options, *staging); !filled) {
    return fail(filled.error());
  }
  if (Status named = staging->rename_to(options.file); !named) {
    return fail(named.error());
  }
  if (!options.no_sync) {
    if (Status synced = sync_directory(parts.parent); !synced) {
      return fail(synced.error());
    }
  }
  context.print(fmt::format("{} ({}) is here", options.file, format_size(options.size_bytes)));
  context.print_json({{"file", options.file}, {"bytes", options.size_bytes}});
  return exit_done;
}

}  // namespace

void add_receive_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<ReceiveOptions>(
      app, context,
      {.name = "receive",
       .description = "Used by murder deploy: writes standard input to a file, which gets its\n"
                      "name when it is whole and on the disk",
       .details = "A deploy sends its archive to the seeder with this. The file is written beside "
                  "its name and gets it in one step; when the connection is lost, what has come "
                  "is removed.",
       .example = "ssh web1 murder receive /tmp/v42.tar.zst --size 1048576B < v42.tar.zst",
       .see_also = {"murder-deploy(1)", "murder-seed(1)"},
       .has_telling_exit_code = true},
      run_receive);
  command.add_option("FILE", options.file, "Replaced if it is there").required();
  command.add_size("--size", options.size_bytes, "What arrives with another size is refused")
      .required();
  command.add_flag("--no-sync", options.no_sync, "Do not wait for the disk");
  command.add_flag("--more-follows", options.more_follows,
                   "Read no further: what is behind it is for the next command");
}

}  // namespace murder::cli
