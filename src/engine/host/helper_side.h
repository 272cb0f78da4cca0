// What runs in the process that root_helper.h starts.
#pragma once

#include <string>

#include "engine/codec/metainfo.h"
#include "engine/host/delivery.h"
#include "engine/io/sockets.h"

namespace murder::host {

struct RootHelperOptions {
  DeliveryOptions delivery;
  const codec::Metainfo* metainfo = nullptr;
  std::string run_directory;  // as RunDirectory::open() takes it
  std::string tag;
  std::string control_socket;  // its name there
  bool sync_to_disk = true;    // the outcome
};

// Until the peer is gone.
[[noreturn]] void run_helper(io::Fd socket, const RootHelperOptions& options);

}  // namespace murder::host
