// Links of a seeder without a shard, on a fake kernel: what is said to them goes straight in, what
// they send is read at the socket. Their swarm knows none of their sessions.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "../../content.h"
#include "../../temporary_directory.h"
#include "../swarm/idle_sink.h"
#include "engine/node/peer_link.h"
#include "fake_kernel.h"
#include "wire.h"

namespace murder::test {

struct LinkSceneOptions {
  uint64_t size_bytes = 4 * 1024 * 1024;
  uint32_t piece_bytes = 1024 * 1024;
  node::SendPath send_path = node::SendPath::copy;
  const trust::SwarmKeys* closed = nullptr;
  const tls::Context* encryption = nullptr;
  bool has_kernel_tls = false;
};

class LinkScene final : public IdleSink, public node::ShardOutbox {
 public:
  explicit LinkScene(const LinkSceneOptions& options)
      : reactor(kernel.make_reactor()),
        metainfo_(metainfo_of(options)),
        content(make_content(options, directory / "r")),
        store_(
            std::move(*node::Store::open(metainfo_, directory / "r", node::Store::Access::read))),
        swarm_(config_of(options), everything(metainfo_), Prng(1), *this),
        storage_(*reactor, store_, swarm_,
                 std::move(*node::PieceMemory::create(metainfo_.geometry, {4, 4})),
                 node::HomePort{*this, {0}}),
        memory(std::move(*node::LinkMemory::Arenas::create()), work),
        upload_(*reactor, 0, node::listed_upload, callback<&node::LinkWork::wants_flush>(&work)),
        download_(*reactor, 0, node::listed_download, callback<&node::LinkWork::wants_arm>(&work)),
        gather_timer_(reactor->timers(), callback<&LinkScene::gather_due>(this)),
        host{.reactor = *reactor,
             .swarm = swarm_,
             .store = store_,
             .pieces = storage_,
             .memory = memory,
             .work = work,
             .gather_timer = gather_timer_,
             .upload = upload_,
             .download = download_,
             .counters = counters,
             .home = node::HomePort{*this, {0}},
             .send_path = options.send_path,
             .closed = options.closed,
             .encryption = options.encryption,
             .kernel_tls = options.has_kernel_tls ? &kernel_tls : nullptr},
        hook_(callback<&LinkScene::turn_ended>(this)) {
    reactor->add_turn_hook(hook_);
  }
  LinkScene(const LinkScene&) = delete;
  LinkScene& operator=(const LinkScene&) = delete;
  ~LinkScene() {
    kernel.release_everything();
    for (const auto& link : links) {
      link->close();
    }
    turns(20);
    hook_.remove();
  }

  // A connection that came in; it is idle until adopt().
  node::PeerLink& add_link() {
    links.push_back(std::make_unique<node::PeerLink>(host));
    return *links.back();
  }
  // Gives the link a socket; returns its number, which the kernel knows it by.
  int adopt(node::PeerLink& link) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    kernel.socket(ends[0]) = {};
    other_ends_.emplace_back(ends[1]);
    link.adopt({}, io::Fd(ends[0]));
    turns(1);
    return ends[0];
  }
  // Messages of 16 KiB: as many as make `size_bytes` from the beginning of a piece.
  void enqueue(node::PeerLink& link, PieceIndex piece, uint32_t size_bytes) {
    for (uint32_t offset = 0; offset < size_bytes; offset += 16384) {
      link.enqueue({piece, offset, 16384});
    }
    work.wants_flush(link);
  }
  void turns(int count = 10) {
    for (int turn = 0; turn < count; ++turn) {
      reactor->run_turn(Duration::zero());
    }
  }
  void pass(Duration duration) {
    const Instant end = reactor->now() + duration;
    while (reactor->now() < end) {
      reactor->run_turn(end - reactor->now());
    }
  }
  [[nodiscard]] std::vector<HeardMessage> heard(int fd) {
    return messages_of(kernel.socket(fd).sent);
  }
  // All blocks that were sent, which hold what they should, in bytes.
  [[nodiscard]] uint64_t heard_payload_bytes(int fd) {
    uint64_t bytes = 0;
    for (const HeardMessage& message : heard(fd)) {
      if (message.type == codec::MessageType::piece) {
        const uint64_t offset =
            metainfo_.geometry.piece_offset(message.block.piece) + message.block.offset;
        CHECK(message.payload == content.substr(offset, message.payload.size()));
        bytes += message.payload.size();
      }
    }
    return bytes;
  }

  // --- what the links said ---
  void post(const node::ShardReport& report) override {
    if (const auto* failed = std::get_if<node::to_home::ReadFailed>(&report.message)) {
      read_errors.push_back(failed->error_number);
    }
  }

  TemporaryDirectory directory;
  FakeKernel kernel;
  node::KernelTls kernel_tls;
  std::unique_ptr<io::Reactor> reactor;

 private:
  static codec::Metainfo metainfo_of(const LinkSceneOptions& options) {
    codec::Metainfo metainfo;
    metainfo.name = "r";
    metainfo.geometry = {.total_bytes = options.size_bytes, .piece_bytes = options.piece_bytes};
    metainfo.files = {{.path = "r", .offset = 0, .size_bytes = options.size_bytes}};
    return metainfo;
  }
  static std::string make_content(const LinkSceneOptions& options, const std::string& path) {
    Prng prng(options.size_bytes);
    std::string content = random_text(prng, options.size_bytes);
    std::ofstream(path) << content;
    return content;
  }
  static BitSet everything(const codec::Metainfo& metainfo) {
    BitSet all(metainfo.piece_count());
    all.set_all();
    return all;
  }
  swarm::SwarmConfig config_of(const LinkSceneOptions&) const {
    return {.geometry = metainfo_.geometry, .piece_buffers = 4};
  }
  void gather_due(io::Timer&) {}
  void turn_ended(io::TurnHook&) {
    bool worked = true;
    while (worked) {
      worked = work.end_links();
      worked |= work.answer_disarms();
      worked |= work.each_settled([&](node::PeerLink& link) {
        if (link.is_closing() && link.nothing_in_flight()) {
          link.finish_close();
          ++finished_count;
        }
      });
      worked |= work.flush();
      worked |= work.arm();
    }
  }

  codec::Metainfo metainfo_;

 public:
  std::string content;

 private:
  node::Store store_;
  swarm::Swarm swarm_;
  node::PieceStorage storage_;

 public:
  node::LinkWork work;
  node::LinkMemory memory;
  node::IoCounters counters;
  std::vector<int> read_errors;
  uint32_t finished_count = 0;

 private:
  node::Throttle upload_;
  node::Throttle download_;
  io::Timer gather_timer_;

 public:
  node::LinkHost host;
  std::vector<std::unique_ptr<node::PeerLink>> links;

 private:
  io::TurnHook hook_;
  std::vector<io::Fd> other_ends_;
};

}  // namespace murder::test
