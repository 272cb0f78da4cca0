#include "coordinator/torrent_shelf.h"

#include <utility>

#include "coordinator/json_response.h"
#include "engine/base/ensure.h"

namespace murder::coordinator {

http::Response TorrentShelf::response_of(const http::SharedBody& torrent) {
  return {.content_type = "application/x-bittorrent", .shared_body = torrent};
}

http::Response TorrentShelf::answer(const InfoHash& info_hash, uint64_t ticket) {
  if (const auto found = torrents_.find(info_hash); found != torrents_.end()) {
    return response_of(found->second);
  }
  const bool is_being_read = waiting_.contains(info_hash);
  if (!is_being_read && waiting_.size() >= limits::torrent_requests_max) {
    return json_error(503, "too many torrents are being read: try again in a moment");
  }
  waiting_[info_hash].push_back(ticket);
  if (!is_being_read) {
    next_.push_back(info_hash);
    ask_next();
  }
  return {.later = true};
}

void TorrentShelf::ask_next() {
  if (!asked_ && !next_.empty()) {
    asked_ = next_.front();
    next_.pop_front();
    store_.ask(GetTorrent{.info_hash = *asked_});
  }
}

// Also of what others asked the store for.
void TorrentShelf::store_replied(TorrentGot reply) {
  if (asked_ == reply.info_hash) {
    asked_.reset();
  } else {
    std::erase(next_, reply.info_hash);
  }
  answer_waiting(std::move(reply));
  ask_next();
}

void TorrentShelf::put(const InfoHash& info_hash, std::string bytes) {
  if (torrents_.contains(info_hash)) {
    return;
  }
  bytes_ += bytes.size();
  torrents_.emplace(info_hash, http::SharedBody(std::move(bytes)));
  order_.push_back(info_hash);
  while (bytes_ > limits::torrents_cached_bytes_max) {
    const auto oldest = torrents_.find(order_.front());
    bytes_ -= oldest->second.text().size();
    torrents_.erase(oldest);
    order_.pop_front();
  }
  ENSURE(order_.size() == torrents_.size());
}

void TorrentShelf::answer_waiting(TorrentGot reply) {
  const auto waiting = waiting_.find(reply.info_hash);
  if (waiting == waiting_.end()) {
    return;
  }
  const std::vector<uint64_t> tickets = std::move(waiting->second);
  waiting_.erase(waiting);
  // What is wrong with the store, and where it is, is not for who asks here.
  http::Response response = reply.bytes ? http::Response()
                            : reply.bytes.error().code == ErrorCode::not_found
                                ? json_error(404, "no such torrent")
                                : json_error(503, "the torrent cannot be read at the moment");
  if (reply.bytes) {
    put(reply.info_hash, std::move(*reply.bytes));
    response = response_of(torrents_.at(reply.info_hash));
  }
  for (const uint64_t ticket : tickets) {
    server_.answer(ticket, response);
  }
}

}  // namespace murder::coordinator
