// An agent whose host does not reach its coordinator: whoever started it over ssh passes its frames
// on (docs/protocol.md). Frames of its link come and go by standard input and output as they are;
// what its host asks a tracker for, announces and torrents, is asked for between them
// (control/relay_messages.h) and served on the loopback.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "engine/base/fd.h"
#include "engine/base/result.h"
#include "engine/control/frame.h"
#include "engine/control/relay_messages.h"
#include "engine/http/server.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"

namespace murder::agent {

// Descriptors of a process that was started with --stdio.
struct StdioEnds {
  Fd input;
  Fd output;
  Fd listening;  // on the loopback; for the agent's own peers
};

// On the thread of its reactor. Bounded: what is not passed on is kept up to
// limits::agent_unsent_bytes_max each way, then nothing more is read. Ends when either end of it is
// closed: the link's end is then closed too. close() and turns of the reactor until is_closed().
class StdioRelay final : private http::Handler {
 public:
  // Errors: descriptors, memory.
  [[nodiscard]] static Result<std::unique_ptr<StdioRelay>> create(io::Reactor& reactor,
                                                                  StdioEnds ends);
  StdioRelay(const StdioRelay&) = delete;
  StdioRelay& operator=(const StdioRelay&) = delete;
  ~StdioRelay();

  // The link's end of it. Once.
  [[nodiscard]] Fd take_link() { return std::move(link_); }
  // Whoever asks on the loopback is refused from now on; turns of the reactor until is_refusing().
  void refuse();
  [[nodiscard]] bool is_refusing() const;
  void close();
  [[nodiscard]] bool is_closed() const;

 private:
  // One way of it: what came, in frames, and what of that is not written yet.
  struct Way {
    explicit Way(size_t frame_bytes_max) : frames(frame_bytes_max) {}
    control::FrameReader frames;
    std::string waiting;
    std::string unsent;  // what is being written is in front
    size_t sent_bytes = 0;
    std::array<uint8_t, 16 * 1024> buffer;
  };
  struct Asked {
    uint64_t ticket = 0;
    Instant at{};
    std::string body;
  };

  StdioRelay(io::Reactor& reactor, StdioEnds ends, Fd own, Fd link);

  http::Response handle(const http::Request& request, Instant now) override;
  void input_read(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void output_written(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void link_read(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void link_written(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void read_more();
  void write_more();
  void take_input();
  void take_link_bytes();
  void take_got(control::RelayGot got);

  io::Reactor& reactor_;
  StdioEnds ends_;
  Fd own_;   // of the pair
  Fd link_;  // the other end, until it is taken
  std::unique_ptr<http::Server> server_;
  Way inward_;
  Way outward_;
  io::Operation input_;
  io::Operation output_;
  io::Operation link_in_;
  io::Operation link_out_;
  std::map<uint64_t, Asked> asked_;  // by the number of the request
  uint64_t asked_count_ = 0;
  bool is_refusing_ = false;
  bool is_closing_ = false;
};

}  // namespace murder::agent
