// A unix socket that listens, for tests of what serves one.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "engine/io/sockets.h"

namespace murder::io {

inline Fd listen_unix(const std::string& path) {
  const Result<SocketAddress> address = SocketAddress::from_unix_path(path);
  Result<Fd> fd = open_unix();
  REQUIRE(address);
  REQUIRE(fd);
  unlink(path.c_str());
  REQUIRE(bind(fd->get(), address->get(), address->size_bytes) == 0);
  REQUIRE(listen(fd->get(), 64) == 0);
  return std::move(*fd);
}

}  // namespace murder::io
