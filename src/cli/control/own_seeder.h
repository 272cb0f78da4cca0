// A seeder of this machine for as long as this object lives: `murder seed` as a child process. When
// this process is killed, it ends by itself once nobody was connected for a while.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/host/child_process.h"

namespace murder::cli {

struct OwnSeederOptions {
  std::string torrent_path;
  std::string content_path;
  std::string ip;              // empty: any
  std::string ports;           // empty: any
  std::string fleet_key_path;  // empty: the default
  bool is_open = false;        // without a key
  std::string transport;       // empty: what the key file says
  std::string run_directory;   // empty: the default
};

class OwnSeeder {
 public:
  // Errors: it cannot be started.
  [[nodiscard]] static Result<OwnSeeder> start(const OwnSeederOptions& options);

  // Whether it serves: it has checked the content. Errors: it has ended, and why.
  [[nodiscard]] Result<bool> serves();
  // Asks it to end, and waits for that some seconds.
  void stop();

 private:
  explicit OwnSeeder(host::ChildProcess child) : child_(std::move(child)) {}

  void read();

  host::ChildProcess child_;
  std::string output_;
  std::string log_;
};

}  // namespace murder::cli
