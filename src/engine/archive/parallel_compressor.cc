#include "engine/archive/parallel_compressor.h"

#include <algorithm>

#include "engine/base/thread_start.h"

namespace murder::archive {

ParallelCompressor::ParallelCompressor(ByteSink& sink, size_t part_bytes, uint32_t spare_parts,
                                       std::vector<std::unique_ptr<PartCompressor>> compressors)
    : sink_(sink), part_bytes_(part_bytes), parts_(compressors.size() + spare_parts) {
  own_compressor_ = std::move(compressors.back());
  compressors.pop_back();
  for (std::unique_ptr<PartCompressor>& compressor : compressors) {
    std::thread thread;
    if (!start_thread(thread, [this, own = std::move(compressor)] { run(*own); })) {
      break;
    }
    threads_.push_back(std::move(thread));
  }
  std::thread last;
  if (start_thread(last, [this] { run(*own_compressor_); })) {
    threads_.push_back(std::move(last));
  }
}

ParallelCompressor::~ParallelCompressor() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  handed_over_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void ParallelCompressor::run(PartCompressor& compressor) {
  std::unique_lock lock(mutex_);
  while (true) {
    handed_over_.wait(lock, [&] { return ends_ || taken_ < waiting_end_; });
    if (ends_) {
      return;
    }
    Part& taken = part(taken_++);
    lock.unlock();
    taken.made = compressor.compress(taken.input, taken.output);
    lock.lock();
    taken.is_made = true;
    made_.notify_one();
  }
}

Status ParallelCompressor::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    if (filled_ - written_ == parts_.size()) {
      if (Status status = write_oldest(); !status) {
        return status;
      }
    }
    std::vector<uint8_t>& input = part(filled_).input;
    const size_t count = std::min(bytes.size(), part_bytes_ - input.size());
    input.insert(input.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (input.size() == part_bytes_) {
      hand_over();
    }
  }
  return {};
}

Status ParallelCompressor::finish() {
  // Of no input something is made too. A part may still be full of what was written before.
  if (filled_ - written_ < parts_.size() && (filled_ == 0 || !part(filled_).input.empty())) {
    hand_over();
  }
  while (written_ < filled_) {
    if (Status status = write_oldest(); !status) {
      return status;
    }
  }
  return {};
}

void ParallelCompressor::hand_over() {
  {
    const std::lock_guard lock(mutex_);
    waiting_end_ = ++filled_;
  }
  handed_over_.notify_one();
}

Status ParallelCompressor::write_oldest() {
  Part& oldest = part(written_);
  if (threads_.empty()) {
    oldest.made = own_compressor_->compress(oldest.input, oldest.output);
  } else {
    std::unique_lock lock(mutex_);
    made_.wait(lock, [&] { return oldest.is_made; });
    oldest.is_made = false;
  }
  ++written_;
  oldest.input.clear();
  return oldest.made ? sink_.write(oldest.output) : oldest.made;
}

}  // namespace murder::archive
