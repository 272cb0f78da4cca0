#include "cli/control/publish.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "cli/control/bounds.h"
#include "cli/control/own_seeder.h"
#include "cli/fleet/config.h"
#include "cli/fleet/local_torrent.h"
#include "cli/fleet/mapped_file.h"
#include "cli/fleet/packing.h"
#include "cli/fleet/private_directory.h"
#include "cli/fleet/torrent_signing.h"
#include "cli/ui/live_lines.h"
#include "cli/ui/progress.h"
#include "cli/ui/stop_signals.h"
#include "engine/archive/release_name.h"
#include "engine/base/host_name.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/small_file.h"
#include "engine/base/units.h"
#include "engine/host/fleet_key_file.h"
#include "engine/host/seed_directory.h"

namespace murder::cli {
namespace {

constexpr std::string_view torrent_ending = ".torrent";

// What is served, as files of this machine.
struct ServedRelease {
  fleet::LocalTorrent torrent;
  std::string archive_path;
  uint64_t archive_bytes = 0;
};

class Publisher {
 public:
  Publisher(CoordinatorClient& client, const PublishOptions& options, CommandContext& context)
      : client_(client), options_(options), context_(context), printer_(context) {}

  Result<Json> run() {
    Result<ServedRelease> release = prepare();
    if (!release) {
      return fail(release.error());
    }
    Result<fleet::LocalTorrent> torrent =
        fleet::with_trackers(release->torrent, announce_urls_of(client_.places(), own_host_name()));
    if (!torrent) {
      return fail(torrent.error());
    }
    release->torrent = std::move(*torrent);
    Result<std::optional<Json>> there = find_published(release->torrent);
    if (!there) {
      return fail(there.error());
    }
    if (*there && is_complete(**there)) {
      context_.note(fmt::format("{} {} is published already with this content: nothing was done",
                                options_.app, options_.tag));
      return std::move(**there);
    }
    return serve(*release);
  }

 private:
  Result<ServedRelease> prepare() {
    return options_.source.ends_with(torrent_ending) ? take_torrent() : pack();
  }

  Result<ServedRelease> take_torrent() {
    const Result<fleet::MappedFile> file = fleet::MappedFile::open(options_.source);
    Result<fleet::LocalTorrent> torrent =
        file ? fleet::read_torrent(std::string(file->bytes()), options_.source)
             : fail(file.error());
    if (!torrent) {
      return fail(torrent.error());
    }
    const Result<std::string> tag = archive::valid_tag_of_name(torrent->name);
    if (!tag || *tag != options_.tag) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} is the torrent of {}, not of {}", options_.source,
                              tag ? *tag : torrent->name, options_.tag));
    }
    if (Status may = ask_right(); !may) {
      return fail(may.error());
    }
    const std::string beside =
        (std::filesystem::path(options_.source).parent_path() / torrent->name).string();
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(beside, error);
    if (error) {
      return fail_errno(error.value(), "the archive of the torrent, " + beside);
    }
    return ServedRelease{
        .torrent = std::move(*torrent), .archive_path = beside, .archive_bytes = size};
  }

  Result<ServedRelease> pack() {
    Result<std::optional<fleet::ReleaseSigning>> signing = signing_wanted();
    if (!signing) {
      return fail(signing.error());
    }
    // Packing may take minutes: whether there is a coordinator that answers us is known before.
    const Result<Json> known =
        client_.get(control_target("/control/releases", {{"app", options_.app}}));
    if (!known && known.error().code != ErrorCode::not_found) {
      return fail(known.error());
    }
    if (Status may = ask_right(); !may) {
      return fail(may.error());
    }
    if (Status made = make_directory(); !made) {
      return fail(made.error());
    }
    LiveLines lines(context_);
    fleet::Packing packing({.source = options_.source,
                            .tag = options_.tag,
                            .directory = directory_->path(),
                            .hosts_expected = options_.hosts_expected,
                            .packing = options_.packing,
                            .signing = std::move(*signing)});
    while (!packing.has_ended()) {
      if (stop_.flag().is_set()) {
        packing.cancel();
      }
      wait_readable(packing.wake_fd(), limits::publish_look_every);
      for (const std::string& warning : packing.take_warnings()) {
        lines.warn(warning);
      }
      const std::string line = fmt::format("packing: {}%", packing.percent());
      lines.update({line}, line, monotonic_now());
    }
    lines.clear();
    Result<fleet::PackedRelease> packed = packing.result();
    if (!packed) {
      return fail(packed.error());
    }
    context_.note(packing.note());
    return ServedRelease{.torrent = std::move(packed->torrent),
                         .archive_path = std::move(packed->archive_path),
                         .archive_bytes = packed->archive_bytes};
  }

  // Whether the coordinator will take the order. One that is older does not say.
  Status ask_right() {
    const Result<Json> right = client_.get("/control/right");
    const bool is_refused = !right && right.error().code == ErrorCode::permission;
    return is_refused ? fail(right.error()) : Status();
  }

  // Without a signature --serial is what the coordinator writes down.
  Result<std::optional<fleet::ReleaseSigning>> signing_wanted() {
    const Result<fleet::Config> config = fleet::load_config(options_.coordinator.config_path);
    if (!config) {
      return fail(config.error());
    }
    SigningOptions signing = options_.signing;
    const bool is_signed = signing.is_asked || !config->variables.sign_key.empty();
    if (!is_signed && signing.expires_after) {
      return context_.wrong_usage(
          "--expires is signed: it goes with --sign, or with sign_key in murder.toml");
    }
    if (!is_signed) {
      return std::nullopt;
    }
    signing.application = options_.app;
    Result<std::optional<fleet::ReleaseSigning>> made =
        fleet::signing_of(signing, config->variables);
    return made ? std::move(made) : fleet::refuse_signing(made.error(), context_);
  }

  Status make_directory() {
    Result<fleet::PrivateDirectory> made = fleet::PrivateDirectory::make(options_.temp_path);
    if (!made) {
      return fail(made.error());
    }
    directory_.emplace(std::move(*made));
    return {};
  }

  // What the coordinator has under this tag: nothing, or the same.
  Result<std::optional<Json>> find_published(const fleet::LocalTorrent& torrent) {
    Result<Json> there = client_.get(target());
    if (!there) {
      return there.error().code == ErrorCode::not_found ? Result<std::optional<Json>>(std::nullopt)
                                                        : fail(there.error());
    }
    const std::string info_hash = text_member(*there, "info_hash");
    if (info_hash != torrent.info_hash.hex()) {
      return fail(ErrorCode::conflict,
                  fmt::format("{} {} is published already with other content (info hash {}; this "
                              "one has {}): give the new one another tag",
                              options_.app, options_.tag, info_hash, torrent.info_hash.hex()));
    }
    return std::optional(std::move(*there));
  }

  Result<Json> serve(const ServedRelease& release) {
    if (!directory_) {
      if (Status made = make_directory(); !made) {
        return fail(made.error());
      }
    }
    const std::string path = directory_->path() + "/published.torrent";
    if (Status written = write_small_file(path, release.torrent.bytes, false); !written) {
      return fail(written.error());
    }
    const Result<std::string> transport = transport_wanted();
    if (!transport) {
      return fail(transport.error());
    }
    Result<OwnSeeder> seeder = OwnSeeder::start({.torrent_path = path,
                                                 .content_path = release.archive_path,
                                                 .ip = options_.ip,
                                                 .ports = options_.ports,
                                                 .fleet_key_path = seeder_key_path(),
                                                 .is_open = options_.is_open,
                                                 .transport = *transport,
                                                 .run_directory = context_.run_directory});
    if (!seeder) {
      return fail(seeder.error());
    }
    Result<Json> published = put_and_wait(release, *seeder);
    seeder->stop();
    printer_.clear();
    return published;
  }

  // `transport` of murder.toml.
  [[nodiscard]] Result<std::string> transport_wanted() const {
    Result<fleet::Config> config = fleet::load_config(options_.coordinator.config_path);
    if (!config) {
      return fail(config.error());
    }
    return options_.is_open ? std::string() : std::move(config->variables.transport);
  }

  // A key file that has an operator key alone gives no part in the swarm.
  [[nodiscard]] std::string seeder_key_path() const {
    const std::string& path = options_.coordinator.operator_key_path;
    return !path.empty() && host::read_fleet_keys(path) ? path : "";
  }

  Result<Json> put_and_wait(const ServedRelease& release, OwnSeeder& seeder) {
    if (Status serves = wait_until_it_serves(seeder); !serves) {
      return fail(serves.error());
    }
    const std::string serial =
        options_.signing.serial ? fmt::format("{}", *options_.signing.serial) : "";
    Result<Json> answer = client_.put(control_target("/control/release", {{"app", options_.app},
                                                                          {"tag", options_.tag},
                                                                          {"serial", serial},
                                                                          {"by", operator_name()}}),
                                      release.torrent.bytes);
    if (!answer) {
      return fail(answer.error());
    }
    return wait_for_copy(release, seeder);
  }

  Status wait_until_it_serves(OwnSeeder& seeder) {
    while (true) {
      const Result<bool> serves = seeder.serves();
      if (!serves || *serves) {
        return serves ? Status() : fail(serves.error());
      }
      if (Status going = check_stop(""); !going) {
        return going;
      }
      wait_readable(-1, limits::publish_look_every / 4);
    }
  }

  Result<Json> wait_for_copy(const ServedRelease& release, OwnSeeder& seeder) {
    Instant moved_at = monotonic_now();
    uint64_t copied = 0;
    std::string trouble;
    while (true) {
      Result<Json> there = client_.get(target());
      if (there && is_complete(*there)) {
        return there;
      }
      const bool may_pass = there || there.error().code == ErrorCode::network ||
                            there.error().code == ErrorCode::timeout;
      if (!may_pass) {
        return there;
      }
      trouble = there ? "" : "; " + there.error().text;
      const uint64_t done = there ? count_member(*there, "copy_bytes") : copied;
      if (done != copied) {
        moved_at = monotonic_now();
      }
      copied = done;
      if (Status going = check_stop("; it is published, and the same command goes on from there");
          !going) {
        return fail(going.error());
      }
      if (const Result<bool> serves = seeder.serves(); !serves) {
        return fail(serves.error());
      }
      if (monotonic_now() - moved_at > limits::copy_silence_max) {
        return fail(ErrorCode::timeout,
                    fmt::format("it is published, but {} has fetched nothing from this machine for "
                                "{} ({} of {}): can it reach this machine's --peer-port?{}",
                                client_.place(), format_duration(limits::copy_silence_max),
                                format_size(copied), format_size(release.archive_bytes), trouble));
      }
      printer_.update({.phase = "copying to the coordinator",
                       .done_bytes = copied,
                       .total_bytes = release.archive_bytes,
                       .peers = std::nullopt});
      wait_readable(-1, limits::publish_look_every);
    }
  }

  [[nodiscard]] Status check_stop(std::string_view what_stays) const {
    return stop_.flag().is_set()
               ? fail(ErrorCode::interrupted, fmt::format("interrupted{}", what_stays))
               : Status();
  }

  // Until it can be read, the time is over or a signal came.
  static void wait_readable(int fd, Duration most) {
    pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
    ::poll(&item, 1, static_cast<int>(most / std::chrono::milliseconds(1)));
  }

  static bool is_complete(const Json& release) {
    return text_member(release, "copy") == "complete";
  }

  [[nodiscard]] std::string target() const {
    return control_target("/control/release", {{"app", options_.app}, {"tag", options_.tag}});
  }

  CoordinatorClient& client_;
  const PublishOptions& options_;
  CommandContext& context_;
  StopSignals stop_;
  ProgressPrinter printer_;
  std::optional<fleet::PrivateDirectory> directory_;
};

bool is_this_machine(const std::string& host) {
  return host == "127.0.0.1" || host == "::1" || host == "localhost";
}

}  // namespace

Result<Json> publish_release(CoordinatorClient& client, const PublishOptions& options,
                             CommandContext& context) {
  return Publisher(client, options, context).run();
}

std::vector<std::string> announce_urls_of(const std::vector<codec::ServerPlace>& coordinators,
                                          const std::string& host_name) {
  std::vector<std::string> urls;
  const auto add = [&urls](const codec::ServerPlace& place) {
    std::string url = place.url("/announce");
    if (std::ranges::find(urls, url) == urls.end()) {
      urls.push_back(std::move(url));
    }
  };
  for (const codec::ServerPlace& place : coordinators) {
    add(place);
    if (is_this_machine(place.host) && !host_name.empty()) {
      codec::ServerPlace by_name = place;
      by_name.host = host_name;
      add(by_name);
    }
  }
  return urls;
}

}  // namespace murder::cli
