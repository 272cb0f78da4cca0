#include "engine/node/piece_memory.h"

#include <algorithm>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"

namespace murder::node {
namespace {

constexpr uint32_t page_bytes = 4096;
// Of the memory, for pieces that are stored already. The rest is for those on their way.
constexpr uint32_t spare_divisor = 4;

uint32_t stride_of(const Geometry& geometry) {
  return (geometry.piece_bytes + page_bytes - 1) / page_bytes * page_bytes;
}

}  // namespace

PieceMemory::Size PieceMemory::size_for(const Geometry& geometry, uint32_t missing_count,
                                        uint64_t memory_bytes) {
  if (missing_count == 0) {
    return {};
  }
  const uint64_t fitting = memory_bytes / stride_of(geometry);
  const uint64_t for_buffers = fitting - fitting / spare_divisor;
  const uint64_t most = std::min<uint64_t>(uint64_t{missing_count} + 1, limits::piece_buffers_max);
  const auto buffers = static_cast<uint32_t>(std::clamp<uint64_t>(
      for_buffers, limits::piece_buffers_min, std::max<uint64_t>(most, limits::piece_buffers_min)));
  const uint64_t left = fitting > buffers ? fitting - buffers : 0;
  const auto spare =
      static_cast<uint32_t>(std::min<uint64_t>({left, missing_count, limits::piece_buffers_max}));
  return {.buffer_count = buffers, .place_count = buffers + spare};
}

Result<PieceMemory> PieceMemory::create(const Geometry& geometry, const Size& size) {
  ENSURE(size.place_count >= size.buffer_count);
  const uint32_t stride_bytes = stride_of(geometry);
  auto arena = io::AlignedArena::create(
      {.size_bytes = uint64_t{stride_bytes} * size.place_count, .huge_pages = true});
  if (!arena) {
    return fail(arena.error());
  }
  return PieceMemory(std::move(*arena), size, stride_bytes);
}

PieceMemory::PieceMemory(std::unique_ptr<io::AlignedArena> arena, const Size& size,
                         uint32_t stride_bytes)
    : arena_(std::move(arena)),
      memory_(arena_->bytes().data()),
      stride_bytes_(stride_bytes),
      place_of_(size.buffer_count),
      places_(size.place_count) {
  for (uint32_t index = 0; index < size.buffer_count; ++index) {
    place_of_[index] = index;
  }
  for (uint32_t index = size.buffer_count; index < size.place_count; ++index) {
    spare_.push_back(index);
  }
}

void PieceMemory::verified(BufferIndex buffer, PieceIndex piece) {
  ENSURE(buffer.raw < place_of_.size() && piece.raw != no_piece);
  places_[place_of_[buffer.raw]].piece = piece.raw;
}

bool PieceMemory::stored(BufferIndex buffer) {
  const auto next = std::find_if(spare_.begin(), spare_.end(),
                                 [&](uint32_t index) { return places_[index].pins == 0; });
  Place& own = places_[place_of_[buffer.raw]];
  ENSURE(own.piece != no_piece);
  if (next == spare_.end()) {
    if (own.pins > 0) {
      return false;
    }
    own.piece = no_piece;
    return true;
  }
  const uint32_t taken = *next;
  std::rotate(next, next + 1, spare_.end());
  spare_.back() = place_of_[buffer.raw];
  places_[taken].piece = no_piece;
  place_of_[buffer.raw] = taken;
  return true;
}

std::optional<uint32_t> PieceMemory::find(PieceIndex piece) const {
  for (uint32_t position = static_cast<uint32_t>(spare_.size()); position > 0; --position) {
    const uint32_t index = spare_[position - 1];
    if (places_[index].piece == piece.raw) {
      return index;
    }
  }
  return find_unstored(piece);
}

std::optional<uint32_t> PieceMemory::find_unstored(PieceIndex piece) const {
  const auto found = std::find_if(place_of_.begin(), place_of_.end(), [&](uint32_t index) {
    return places_[index].piece == piece.raw;
  });
  return found == place_of_.end() ? std::nullopt : std::optional(*found);
}

void PieceMemory::unpin(uint32_t index) {
  ENSURE(places_[index].pins > 0);
  --places_[index].pins;
}

}  // namespace murder::node
