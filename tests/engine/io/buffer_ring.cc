#include "engine/io/buffer_ring.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "engine/base/types.h"
#include "support.h"

using namespace murder;
using namespace murder::io;

TEST_CASE("bytes arrive in a buffer that the kernel picked, more of them than there are buffers") {
  const auto reactor = make_reactor();
  auto buffers = BufferRing::create(*reactor, {.group = 3, .buffer_count = 2, .buffer_bytes = 16});
  REQUIRE(buffers);
  const SocketPair pair = make_pair();
  for (int round = 0; round < 10; ++round) {
    Recorder recorder;
    reactor->recv_select(recorder.operation, pair.first.get(), **buffers);
    const std::string sent = "round " + std::to_string(round);
    REQUIRE(write(pair.second.get(), sent.data(), sent.size()) > 0);
    const int32_t size = wait_for(*reactor, recorder);
    const uint32_t flags = recorder.completions.back().flags;
    REQUIRE(BufferRing::has_buffer(flags));
    const BufferRing::Taken taken = (*buffers)->taken(size, flags);
    CHECK(as_text_of(taken.bytes) == sent);
    (*buffers)->give_back(taken.index);
  }
}

TEST_CASE("without a free buffer a receive fails with ENOBUFS, and works again after give_back") {
  const auto reactor = make_reactor();
  auto buffers = BufferRing::create(*reactor, {.buffer_count = 1, .buffer_bytes = 4});
  REQUIRE(buffers);
  const SocketPair pair = make_pair();
  REQUIRE(write(pair.second.get(), "abcdefgh", 8) == 8);
  Recorder first;
  reactor->recv_select(first.operation, pair.first.get(), **buffers);
  REQUIRE(wait_for(*reactor, first) == 4);
  Recorder second;
  reactor->recv_select(second.operation, pair.first.get(), **buffers);
  CHECK(wait_for(*reactor, second) == -ENOBUFS);
  (*buffers)->give_back((*buffers)->taken(4, first.completions.back().flags).index);
  reactor->recv_select(second.operation, pair.first.get(), **buffers);
  REQUIRE(wait_for(*reactor, second) == 4);
  CHECK(as_text_of((*buffers)->taken(4, second.completions.back().flags).bytes) == "efgh");
}
