// A part of a file to a socket, without bringing it into this process.
#pragma once

#include <cstdint>

#include "engine/base/result.h"

namespace murder::io {

// Hands what is in the page cache to the socket by sendfile(2): splice through a pipe that belongs
// to the thread, so that nothing stays in a pipe when the socket takes only a part. Waits for the
// disk where the pages are not cached; see is_cached().
//
// The socket is non-blocking (set_non_blocking). Returns the bytes taken, at most `size_bytes`; 0
// where the file ends before `offset`; or -errno: -EAGAIN when the socket is full.
[[nodiscard]] int64_t send_file(int socket_fd, int file_fd, uint64_t offset, uint32_t size_bytes);

// Whether reading this part would not wait for the disk. Exact from Linux 6.5 on (cachestat(2));
// before, every 64 KiB is probed. A file system that cannot tell answers no.
[[nodiscard]] bool is_cached(int file_fd, uint64_t offset, uint32_t size_bytes);

// Operations of the ring wait on such a socket as on others, direct calls do not.
[[nodiscard]] Status set_non_blocking(int fd);

}  // namespace murder::io
