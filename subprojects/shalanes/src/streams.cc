#include <algorithm>

#include "message_end.h"
#include "require.h"
#include "shalanes/shalanes.h"

namespace shalanes {

template <typename Algorithm>
Streams<Algorithm>::Streams(uint32_t stream_count, const Choice<Algorithm>& choice)
    : choice_(choice), streams_(stream_count) {
  jobs_.reserve(stream_count);
}

template <typename Algorithm>
void Streams<Algorithm>::restart(uint32_t stream) {
  SHALANES_REQUIRE(stream < streams_.size());
  streams_[stream] = {};
}

template <typename Algorithm>
uint64_t Streams<Algorithm>::hashed_bytes(uint32_t stream) const {
  SHALANES_REQUIRE(stream < streams_.size());
  return streams_[stream].hashed_bytes;
}

template <typename Algorithm>
void Streams<Algorithm>::advance(std::span<const Part> parts) {
  jobs_.clear();
  for (const Part& part : parts) {
    SHALANES_REQUIRE(part.stream < streams_.size());
    Stream& stream = streams_[part.stream];
    SHALANES_REQUIRE(!stream.is_ended && !stream.has_part);
    stream.has_part = true;
    const size_t bytes_min = part.extent == Extent::shared ? shared_bytes_min : 1;
    jobs_.push_back({.stream = part.stream,
                     .next = part.bytes.data(),
                     .blocks_left = part.bytes.size() / Algorithm::block_bytes,
                     .blocks_min = (bytes_min - 1) / Algorithm::block_bytes + 1});
  }
  run();
  for (const Job& job : jobs_) {
    streams_[job.stream].hashed_bytes += job.blocks_done * Algorithm::block_bytes;
    streams_[job.stream].has_part = false;
  }
  end_messages(parts);
}

// In each step of a kernel at least one job comes to its end.
template <typename Algorithm>
void Streams<Algorithm>::run() {
  const auto kernels = std::span(choice_.kernels).first(choice_.kernel_count);
  std::span<Job> jobs = jobs_;
  for (;;) {
    const auto done = std::partition(
        jobs.begin(), jobs.end(), [](const Job& job) { return job.blocks_left >= job.blocks_min; });
    jobs = jobs.first(static_cast<size_t>(done - jobs.begin()));
    const auto kernel =
        std::find_if(kernels.begin(), kernels.end(),
                     [&](const Kernel<Algorithm>& each) { return each.lanes <= jobs.size(); });
    if (kernel == kernels.end()) {
      break;
    }
    std::sort(jobs.begin(), jobs.end(),
              [](const Job& one, const Job& other) { return one.blocks_left > other.blocks_left; });
    step(*kernel, jobs.first(kernel->lanes));
  }
  for (Job& job : jobs) {
    if (job.blocks_min == 1) {
      step(choice_.single, {&job, 1});
    }
  }
}

// As far as the job that has least, the last one.
template <typename Algorithm>
void Streams<Algorithm>::step(const Kernel<Algorithm>& kernel, std::span<Job> jobs) {
  std::array<typename Algorithm::State, lanes_max> states;
  std::array<const uint8_t*, lanes_max> inputs{};
  const size_t block_count = jobs.back().blocks_left;
  for (size_t lane = 0; lane < jobs.size(); ++lane) {
    states[lane] = streams_[jobs[lane].stream].state;
    inputs[lane] = jobs[lane].next;
  }
  kernel.advance(states.data(), inputs.data(), block_count);
  for (size_t lane = 0; lane < jobs.size(); ++lane) {
    Job& job = jobs[lane];
    streams_[job.stream].state = states[lane];
    job.next += block_count * Algorithm::block_bytes;
    job.blocks_left -= block_count;
    job.blocks_done += block_count;
  }
}

template <typename Algorithm>
void Streams<Algorithm>::end_messages(std::span<const Part> parts) {
  std::array<MessageEnd<Algorithm>, lanes_max> ends;
  jobs_.clear();
  for (const Part& part : parts) {
    if (part.extent != Extent::message_end) {
      continue;
    }
    if (jobs_.size() == ends.size()) {
      run();
      jobs_.clear();
    }
    const auto rest = part.bytes.last(part.bytes.size() % Algorithm::block_bytes);
    Stream& stream = streams_[part.stream];
    stream.hashed_bytes += rest.size();
    stream.is_ended = true;
    MessageEnd<Algorithm>& end = ends[jobs_.size()];
    end = MessageEnd<Algorithm>(rest, stream.hashed_bytes);
    jobs_.push_back(
        {.stream = part.stream, .next = end.bytes.data(), .blocks_left = end.block_count});
  }
  run();
}

template <typename Algorithm>
typename Algorithm::Digest Streams<Algorithm>::digest(uint32_t stream) {
  SHALANES_REQUIRE(stream < streams_.size() && streams_[stream].is_ended);
  const auto digest = digest_of<Algorithm>(streams_[stream].state);
  restart(stream);
  return digest;
}

template <typename Algorithm>
typename Algorithm::Digest hash(const Choice<Algorithm>& choice, std::span<const uint8_t> message) {
  typename Algorithm::State state = Algorithm::initial_state;
  const uint8_t* next = message.data();
  const size_t rest_bytes = message.size() % Algorithm::block_bytes;
  if (message.size() > rest_bytes) {
    choice.single.advance(&state, &next, message.size() / Algorithm::block_bytes);
  }
  const MessageEnd<Algorithm> end(message.last(rest_bytes), message.size());
  next = end.bytes.data();
  choice.single.advance(&state, &next, end.block_count);
  return digest_of<Algorithm>(state);
}

template class Streams<Sha1>;
template Sha1::Digest hash(const Choice<Sha1>&, std::span<const uint8_t>);

}  // namespace shalanes
