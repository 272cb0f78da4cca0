#include "engine/node/link_memory.h"

#include <utility>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"
#include "engine/node/link_work.h"

namespace murder::node {

static_assert(LinkMemory::chunk_bytes >= limits::block_bytes_max);

Result<LinkMemory::Arenas> LinkMemory::Arenas::create() {
  auto chunks = io::AlignedArena::create({.size_bytes = uint64_t{chunk_bytes} * chunk_count});
  auto scratch = io::AlignedArena::create({.size_bytes = scratch_bytes});
  auto waste = io::AlignedArena::create({.size_bytes = waste_bytes});
  for (const auto* arena : {&chunks, &scratch, &waste}) {
    if (!*arena) {
      return fail(arena->error());
    }
  }
  return Arenas{std::move(*chunks), std::move(*scratch), std::move(*waste)};
}

LinkMemory::LinkMemory(Arenas arenas, LinkWork& work)
    : arenas_(std::move(arenas)), work_(work), chunks_(arenas_.chunks->bytes(), chunk_bytes) {}

uint32_t LinkMemory::take_chunk(PeerLink& link) {
  const uint32_t index = chunks_.take();
  if (index == UINT32_MAX) {
    enlist(waiting_, link, listed_chunk);
  }
  return index;
}

void LinkMemory::release_chunk(uint32_t index) {
  ENSURE(index < chunk_count);
  chunks_.give_back(index);
  for (PeerLink* waiting : waiting_) {
    unlist(*waiting, listed_chunk);
    work_.wants_flush(*waiting);
  }
  waiting_.clear();
}

}  // namespace murder::node
