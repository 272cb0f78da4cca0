// The release of a deploy: packed here or on a seeder, signed, and what seeders are given of it.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "cli/fleet/local_torrent.h"
#include "cli/fleet/source_side.h"
#include "cli/fleet/steps.h"

namespace murder::fleet {

Status SourceSide::pack_there() {
  if (!run_.options.on_seeder || packed_) {
    return {};
  }
  const std::vector<HostIndex>& seeders = run_.work.inventory().seeders;
  const bool is_locked = std::all_of(seeders.begin(), seeders.end(), [this](HostIndex host) {
    return lease_.held(host) != nullptr || run_.at(host).reach == Reach::lost;
  });
  if (is_packing_there_ || !is_locked) {
    return {};
  }
  is_packing_there_ = true;
  for (const HostIndex host : seeders) {
    if (run_.at(host).reach != Reach::ready) {
      return fail(ErrorCode::io, "the release could not be packed on the seeder");
    }
    const SeederFound found = seeder_on(host);
    if (found.runs && !found.is_ours) {
      serve_on(host);  // refuses
      return fail(ErrorCode::io, "no seeder could be started");
    }
    run_.at(host).is_touched = true;
    run_.add(
        host, create_kind_,
        create_command(run_.work, run_.options.source, run_.options.tag, run_.options.temp_path,
                       run_.options.hosts_expected, run_.options.no_sync,
                       run_.options.signing.has_value(), run_.options.packing));
  }
  return {};
}

void SourceSide::take_created(const HostResult& result) {
  const std::string hash = text_member(json_output(result), "info_hash");
  if (!result.is_ok()) {
    lose(result);
    return;
  }
  if (!there_hash_.empty() && hash != there_hash_) {
    lose(result.host, create_kind_.stage,
         fmt::format("{} is not the same on all seeders", run_.options.source));
    return;
  }
  packed_there_.push_back(result.host);
  if (there_hash_.empty()) {
    there_hash_ = hash;
    there_ = json_output(result);
    run_.add(result.host, torrent_kind_,
             send_torrent_command(run_.options.temp_path, run_.options.tag));
  }
}

void SourceSide::take_torrent(const HostResult& result) {
  Result<LocalTorrent> torrent =
      result.is_ok() ? torrent_in(result, run_.work.inventory().at(result.host).name)
                     : Result<LocalTorrent>(fail(ErrorCode::io, result.reason));
  if (!torrent) {
    lose(result.host, torrent_kind_.stage, torrent.error().text);
    return;
  }
  if (!run_.options.signing) {
    packed_ = PackedRelease{.torrent = std::move(*torrent)};
    return;
  }
  Result<cli::SignedSubject> subject = subject_of(*torrent, there_, run_.options.tag);
  if (!subject) {
    lose(result.host, create_kind_.stage, subject.error().text);
    return;
  }
  signing_.emplace(std::move(*torrent), *run_.options.signing, std::move(*subject));
}

// What was packed on a host is signed here.
Status SourceSide::take_signed() {
  if (!signing_) {
    return {};
  }
  for (const std::string& note : signing_->take_notes()) {
    run_.work.view().note(note);
  }
  if (!signing_->has_ended()) {
    return {};
  }
  Result<SignedTorrent> made = signing_->result();
  signing_.reset();
  if (!made) {
    return fail(made.error());
  }
  run_.work.view().note(made->text);
  packed_ = PackedRelease{.torrent = std::move(made->torrent)};
  return {};
}

// The torrent gets its trackers when it is known who they are.
Status SourceSide::complete_release() {
  if (release_ || !packed_) {
    return {};
  }
  Result<LocalTorrent> torrent =
      with_trackers(packed_->torrent, run_.work.inventory().tracker_urls());
  if (!torrent) {
    return fail(torrent.error());
  }
  release_ = std::move(*packed_);
  release_->torrent = std::move(*torrent);
  packed_.emplace();  // it is there
  if (!release_->archive_path.empty() && !run_.options.local_seeder) {
    return open_archive();
  }
  return {};
}

Status SourceSide::open_archive() {
  archive_ = io::Fd(open(release_->archive_path.c_str(), O_RDONLY | O_CLOEXEC));
  return archive_.is_open() ? Status()
                            : Status(fail_errno(errno, "cannot open " + release_->archive_path));
}

// What goes to seeders, once it is known whether there is a key.
Status SourceSide::prepare_input() {
  if (!input_.torrent.empty()) {
    return {};
  }
  Result<SeederInput> input = seeder_input_of(*release_, run_.key, archive_);
  if (!input) {
    return fail(input.error());
  }
  input_ = std::move(*input);
  seed_kind_.input = input_.torrent;
  send_kind_.input_fd = archive_.get();
  return {};
}

}  // namespace murder::fleet
