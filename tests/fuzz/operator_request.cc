// Fuzzes what operators send a coordinator: lines of a route's number, a query, and a body, each
// ended by a newline. What is understood is carried out; the machine stays whole whatever that is,
// and each answer is JSON.

#include <string>
#include <string_view>
#include <utility>

#include "coordinator/carry_out.h"
#include "coordinator/plan_json.h"
#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/base/types.h"

using namespace murder;
using namespace murder::coordinator;

namespace {

constexpr size_t requests_max = 16;
constexpr std::pair<const char*, const char*> routes[] = {
    {"PUT", "/control/release"},         {"POST", "/control/release/revoke"},
    {"POST", "/control/rollout"},        {"POST", "/control/rollout/pause"},
    {"POST", "/control/rollout/resume"}, {"POST", "/control/rollout/abort"},
    {"POST", "/control/rollout/undo"},   {"POST", "/control/agents/forget"},
    {"GET", "/control/release"},         {"GET", "/control/releases"},
    {"GET", "/control/rollouts"},        {"GET", "/control/agents"},
    {"GET", "/control/history"},         {"GET", "/control/audit"},
    {"POST", "/control/agents/approve"}, {"GET", "/control/torrent"},
};

struct NoCopies final : CopySource {
  CopyState copy_of(const InfoHash&) const override { return {}; }
};
struct NoFacts final : FactsSource {
  const control::Facts* facts_of(control::AgentIndex) const override { return nullptr; }
};

std::string_view take_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return line;
}

void check_plan(const control::Plan& plan) {
  ENSURE(control::validate_plan(plan).has_value());
  JsonWriter json;
  write_plan(json, plan);
  control::Plan again;
  const Result<Json> read = parse_json(json.take());
  ENSURE(read.has_value());
  for (const auto& [name, value] : read->members()) {
    ENSURE(take_plan_member(name, value, again).has_value());
  }
  ENSURE(again == plan);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest = as_text_of({data, size});
  control::Moment moment{.now = Instant(std::chrono::hours(1)), .wall_s = 1'800'000'000};
  control::Coordinator machine(control::State{}, 7, moment);
  control::Report report{.host = "w1", .apps = {{.app = "shop"}}, .greeting = {.session = 9}};
  ENSURE(machine.hear(report, "key", moment).has_value());
  for (size_t count = 0; count < requests_max && !rest.empty(); ++count) {
    const std::string_view number = take_line(rest);
    const std::string_view query = take_line(rest);
    const std::string_view body = take_line(rest);
    const size_t index = number.empty() ? 0 : static_cast<uint8_t>(number[0]);
    const auto& [method, path] = routes[index % std::size(routes)];
    const Route* route = find_route(method, path);
    ENSURE(route != nullptr);
    const Result<OperatorRequest> request = parse_operator_request(*route, query, body);
    if (!request) {
      ENSURE(!request.error().text.empty());
      continue;
    }
    check_plan(request->plan);
    WaitingRequest waiting{.ticket = 1, .request = *request, .by = "ann"};
    waiting.info_hash.bytes[0] = static_cast<uint8_t>(request->tag.size());
    const http::Response answer = carry_out(machine, waiting, NoCopies{}, NoFacts{}, moment);
    ENSURE(parse_json(answer.body).has_value());
    static_cast<void>(machine.decide(moment));
    control::ensure_consistent(machine.state());
    moment.now += std::chrono::seconds(1);
  }
  return 0;
}
