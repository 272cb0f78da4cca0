// Asks a coordinator over HTTP: reads from the first of several that answers, and gives orders to
// that one alone. Follows a coordinator that does not lead to the one that does, once.
//
// Blocking; one thread. A request takes answer_wait at most.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/control/bounds.h"
#include "cli/control/coordinator_options.h"
#include "engine/base/json.h"
#include "engine/http/reply.h"
#include "engine/trust/request_token.h"

namespace murder::cli {

// A target with its query: "/control/release?app=shop&tag=v42". Values are percent-encoded; those
// that are empty are left out.
struct QueryMember {
  std::string_view name;
  std::string_view value;
};
[[nodiscard]] std::string control_target(std::string_view path,
                                         std::initializer_list<QueryMember> members);

class CoordinatorClient {
 public:
  // Errors: wrong usage; a key file that was named and cannot be used.
  [[nodiscard]] static Result<CoordinatorClient> open(const CoordinatorOptions& options,
                                                      const CoordinatorPlaces& places);

  // With keys of no file.
  [[nodiscard]] static CoordinatorClient with_keys(const codec::ServerPlace& place,
                                                   const trust::FleetKeys& keys);

  // The answer, an object. Errors: nobody answers (network, timeout); what the coordinator says
  // against it.
  [[nodiscard]] Result<Json> get(const std::string& target);
  // As it came: lines of JSON.
  [[nodiscard]] Result<std::string> get_text(const std::string& target);
  // Orders. An error of the network does not say that it was not carried out.
  [[nodiscard]] Result<Json> post(const std::string& target, const Json& body);
  [[nodiscard]] Result<Json> put(const std::string& target, const std::string& body);

  // For what is asked often, by who would rather know that there is no answer.
  void set_answer_wait(Duration most) { answer_wait_ = most; }

  // The one that was asked last, "t1:8998".
  [[nodiscard]] std::string place() const { return asked_.text(); }
  [[nodiscard]] const std::vector<codec::ServerPlace>& places() const { return places_; }

 private:
  struct Request {
    std::string method;
    std::string target;
    std::string body;
  };

  CoordinatorClient(std::vector<codec::ServerPlace> places, const CoordinatorOptions& options)
      : places_(std::move(places)), asked_(places_.front()), key_path_(options.operator_key_path) {}

  [[nodiscard]] Result<std::string> ask(const Request& request);
  [[nodiscard]] Result<std::string> ask_at(const codec::ServerPlace& place, const Request& request,
                                           bool may_follow);
  [[nodiscard]] codec::ServerPlace as_reached(const HostPort& leader,
                                              const codec::ServerPlace& named_by) const;
  [[nodiscard]] Result<http::Reply> send(const codec::ServerPlace& place, const Request& request);
  [[nodiscard]] Result<Json> order(const Request& request);
  [[nodiscard]] Error with_origin(Error error) const;
  [[nodiscard]] Error error_of(const codec::ServerPlace& place, const http::Reply& reply) const;

  std::vector<codec::ServerPlace> places_;
  codec::ServerPlace asked_;
  bool has_answered_ = false;  // `asked_` has: orders go there
  bool was_reached_ = false;   // anybody was, at any time
  std::string places_origin_;  // as CoordinatorPlaces has it
  std::string key_path_;       // --operator-key
  std::optional<trust::TokenKeys> tokens_;
  std::string viewer_key_;
  Duration answer_wait_ = limits::coordinator_answer_wait;
};

// Who asks, for the coordinator's log: "ann@laptop".
[[nodiscard]] std::string operator_name();

}  // namespace murder::cli
