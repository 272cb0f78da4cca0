// Passes bytes between one connection with channels (control/channel_mux.h) and their local ends,
// pairs of descriptors: on the machine that deploys these are the ssh sessions of agents, and the
// connection is an ssh session with the coordinator's host; there `murder relay --channels` has the
// other end of it.
//
//   running -> over (stop(), or the connection is at its end: all channels end with it)
//
// run() is the work of one thread; the other members may be called by any. Bounded by the windows
// of channels: what is taken slowly is not read from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet/plan/frame_front.h"
#include "engine/base/result.h"
#include "engine/control/channel_mux.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

struct StreamEnds {
  io::Fd input;   // read from
  io::Fd output;  // written to
};

class ChannelPump {
 public:
  struct Options {
    control::ChannelMux::Side side = control::ChannelMux::Side::starts_channels;
    // What is read, of the connection and of local ends, is the output of framed commands.
    bool is_framed = false;
    // The local end of one that the other side has opened; by the thread of run().
    std::function<Result<StreamEnds>(uint32_t)> take_opened = {};
  };
  struct Ended {
    uint32_t channel = 0;
    std::string why;  // as the other side said it, or of the connection; empty: nobody said
  };

  [[nodiscard]] static Result<std::unique_ptr<ChannelPump>> create(Options options,
                                                                   StreamEnds connection);
  ChannelPump(const ChannelPump&) = delete;
  ChannelPump& operator=(const ChannelPump&) = delete;
  ~ChannelPump();

  void run();

  // Opens a channel: its local end is given `first` in front of what comes. Numbers rise.
  void open(uint32_t channel, StreamEnds ends, std::string first);
  // The process behind a local end has ended: what it wrote is read, whoever else has its pipe.
  void end_input(uint32_t channel);
  // The same of the connection.
  void end_connection(std::string why);
  void stop();
  // What the other side is told as the reason when the local end is at its end: before that.
  void set_why(uint32_t channel, std::string why);
  // Since the last call.
  [[nodiscard]] std::vector<Ended> take_ended();

 private:
  struct Opening {
    uint32_t channel = 0;
    StreamEnds ends;
    std::string first;
  };
  struct Local {
    StreamEnds ends;
    std::string first;
    FrameFront front;
    bool is_input_over = false;
  };
  // What run() is told, under the mutex.
  struct Told {
    std::vector<Opening> openings;
    std::vector<uint32_t> inputs_over;
    std::optional<std::string> connection_over;
    bool is_stopped = false;
  };

  ChannelPump(Options options, StreamEnds connection, io::Fd wake);

  [[nodiscard]] bool take_told();
  void add(uint32_t channel, StreamEnds ends, std::string first);
  void wait();
  [[nodiscard]] bool read_connection();
  [[nodiscard]] bool write_connection();
  void take_new_channels();
  [[nodiscard]] bool read_local(uint32_t channel, Local& local);
  [[nodiscard]] bool write_local(uint32_t channel, Local& local);
  void move_locals();
  void wait_for_reason();
  void end_all();
  [[nodiscard]] std::string take_why(uint32_t channel);
  void tell_ended(uint32_t channel, std::string why);
  void wake();

  const Options options_;
  StreamEnds connection_;
  io::Fd wake_;
  FrameFront connection_front_;
  control::ChannelMux mux_;
  std::map<uint32_t, Local> locals_;
  std::string why_over_;  // of the connection; fixed once is_over_
  bool is_connection_over_ = false;
  bool is_stopped_ = false;

  std::mutex mutex_;
  Told told_;
  std::map<uint32_t, std::string> whys_;
  std::vector<Ended> ended_;
  bool is_over_ = false;
};

}  // namespace murder::fleet
