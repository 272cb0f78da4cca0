#include "engine/tls/kept_sessions.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/tls/bounds.h"

namespace murder::tls {
namespace {

struct SessionRelease {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, SessionRelease>;

struct KeptSession {
  std::string server;
  Session session;
};

struct KeptSessions {
  std::mutex mutex;
  std::deque<KeptSession> kept;  // the latest is the last
};

KeptSessions& sessions() {
  static KeptSessions all;
  return all;
}

bool has_ended(const SSL_SESSION* session) {
  const X509* const certificate = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  return certificate == nullptr || X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
}

}  // namespace

void keep_session(const std::string& server, ssl_st* connection) {
  Session session(SSL_get1_session(connection));
  if (session == nullptr || SSL_SESSION_is_resumable(session.get()) != 1) {
    return;
  }
  KeptSessions& all = sessions();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.kept, [&](const KeptSession& each) { return each.server == server; });
  if (all.kept.size() == limits::kept_sessions_max) {
    all.kept.pop_front();
  }
  all.kept.push_back({.server = server, .session = std::move(session)});
}

void use_kept_session(const std::string& server, ssl_st* connection) {
  KeptSessions& all = sessions();
  const std::lock_guard lock(all.mutex);
  const auto found = std::ranges::find(all.kept, server, &KeptSession::server);
  if (found == all.kept.end()) {
    return;
  }
  const Session session = std::move(found->session);
  all.kept.erase(found);
  if (!has_ended(session.get())) {
    SSL_set_session(connection, session.get());
  }
}

}  // namespace murder::tls
