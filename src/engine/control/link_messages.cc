#include "engine/control/link_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/control/bounds.h"
#include "engine/control/message_text.h"
#include "engine/control/names.h"

namespace murder::control {
namespace {

constexpr size_t nonce_digits = 64;

tl::unexpected<Error> refuse_link_message(std::string_view type, std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a message \"{}\": {}", type, what));
}

// One line of printable ASCII or nothing: keys and signatures.
bool is_key_text(std::string_view text) {
  constexpr auto is_plain = [](char byte) { return byte >= ' ' && byte <= '~'; };
  return text.size() <= limits::control_key_bytes_max &&
         std::all_of(text.begin(), text.end(), is_plain);
}

Result<Challenge> read_challenge(const Json& json) {
  Challenge challenge{.nonce = json["nonce"].text(),
                      .coordinator = bounded_text(json["coordinator"].text()),
                      .proof = text_member(json, "proof"),
                      .wants_host_proof = json["host_proof"] == Json(true),
                      .takes_alive = json["alive"] == Json(true)};
  if (challenge.nonce.size() != nonce_digits ||
      challenge.nonce.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return refuse_link_message("challenge", "nonce is not 64 lower-case hexadecimal digits");
  }
  if (!is_key_text(challenge.proof)) {
    return refuse_link_message("challenge", "proof is out of bounds");
  }
  return challenge;
}

Facts read_facts(const Json& json) {
  Facts facts{.version = bounded_text(json["version"].text()),
              .free_bytes = json["free_bytes"].count(),
              .warnings = {},
              .in_the_way = json["in_the_way"] == true,
              .keep_trouble = bounded_text(json["keep_trouble"].text())};
  for (const Json& warning : json["warnings"]) {
    if (facts.warnings.size() < limits::control_warnings_max) {
      facts.warnings.push_back(bounded_text(warning.text()));
    }
  }
  return facts;
}

Result<Hello> read_hello(const Json& json) {
  Hello hello{.host = json["host"].text(),
              .version = bounded_text(json["version"].text()),
              .key = text_member(json, "key"),
              .signature = text_member(json, "signature"),
              .session = json["session"].count(),
              .once = json["once"] == true,
              .host_proof = text_member(json, "host_proof"),
              .takes_heard = json["heard"] == true};
  if (Status valid = validate_host(hello.host); !valid) {
    return fail(valid.error());
  }
  if (!json["session"].is_count()) {
    return refuse_link_message("hello", "session is not a number");
  }
  if (!hello.host_proof.empty() && !is_signed_text(hello.host_proof)) {
    return refuse_link_message("hello", "host_proof is not a signed text, or too long");
  }
  if (!is_key_text(hello.key) || !is_key_text(hello.signature)) {
    return refuse_link_message("hello", "key or signature is out of bounds");
  }
  return hello;
}

// The type and the object; Errors: it has none.
Result<Json> read_object(std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return fail(ErrorCode::invalid_input,
                fmt::format("a message of more than {} bytes", bytes_max));
  }
  Result<Json> json = parse_json(text);
  if (!json || !json->is_object() || !(*json)["type"].is_text()) {
    return fail(ErrorCode::invalid_input, "a message that is not a JSON object with a type");
  }
  return json;
}

// Heartbeats are nearly all that passes: in the form in which we write them they are read at once.
constexpr std::string_view alive_head = R"({"type":"alive","number":)";
constexpr std::string_view heard_head = R"({"type":"heard","heard_number":)";

std::optional<uint64_t> number_behind(std::string_view head, std::string_view text) {
  if (!text.starts_with(head)) {
    return std::nullopt;
  }
  const std::string_view rest = text.substr(head.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const bool is_count = error == std::errc() && (rest.front() != '0' || end == rest.data() + 1);
  const bool is_whole = std::string_view(end, rest.data() + rest.size()) == "}";
  return is_count && is_whole ? std::optional(number) : std::nullopt;
}

Result<uint64_t> count_member(const Json& json, std::string_view type, const char* name) {
  if (!json[name].is_count()) {
    return refuse_link_message(type, fmt::format("{} is not a number", name));
  }
  return json[name].count();
}

template <typename Variant, typename T>
Result<Variant> as_variant(Result<T> message) {
  return message ? Result<Variant>(std::move(*message)) : Result<Variant>(fail(message.error()));
}

}  // namespace

std::string text_of(const Challenge& challenge) {
  ENSURE(challenge.nonce.size() == nonce_digits);
  Json json = {{"type", "challenge"},
               {"nonce", challenge.nonce},
               {"coordinator", bounded_text(challenge.coordinator)}};
  if (!challenge.proof.empty()) {
    json["proof"] = challenge.proof;
  }
  if (challenge.wants_host_proof) {
    json["host_proof"] = true;
  }
  if (challenge.takes_alive) {
    json["alive"] = true;
  }
  return json_text(json);
}

std::string text_of(const Hello& hello) {
  ENSURE(is_key_text(hello.key) && is_key_text(hello.signature));
  Json json = {
      {"type", "hello"},   {"host", hello.host},           {"version", bounded_text(hello.version)},
      {"key", hello.key},  {"signature", hello.signature}, {"session", hello.session},
      {"once", hello.once}};
  if (!hello.host_proof.empty()) {
    json["host_proof"] = hello.host_proof;
  }
  if (hello.takes_heard) {
    json["heard"] = true;
  }
  return json_text(json);
}

std::string text_of(const Alive& alive) {
  return fmt::format("{}{}}}", alive_head, alive.number);
}

std::string text_of(const HeardAgain& heard) {
  return fmt::format("{}{}}}", heard_head, heard.heard_number);
}

std::string text_of(const Facts& facts) {
  Json json = {{"type", "facts"},
               {"version", bounded_text(facts.version)},
               {"free_bytes", facts.free_bytes}};
  Json warnings = Json::array();
  for (const std::string& warning : facts.warnings) {
    if (warnings.size() < limits::control_warnings_max) {
      warnings.push_back(bounded_text(warning));
    }
  }
  if (warnings.size() > 0) {
    json["warnings"] = std::move(warnings);
  }
  if (facts.in_the_way) {
    json["in_the_way"] = true;
  }
  if (!facts.keep_trouble.empty()) {
    json["keep_trouble"] = bounded_text(facts.keep_trouble);
  }
  return json_text(json);
}

std::string text_of(const OutcomeMessage& outcome) {
  ENSURE(is_signed_text(outcome.text));
  return json_text({{"type", "outcome"}, {"signed", outcome.text}});
}

std::string text_of(const OrderMessage& order) {
  ENSURE(is_signed_text(order.text));
  return json_text({{"type", "order"}, {"signed", order.text}});
}

std::string text_of(const Refused& refused) {
  return json_text({{"type", "refused"}, {"text", bounded_text(refused.text)}});
}

std::string text_of(const Ended& ended) {
  return json_text({{"type", "ended"},
                    {"text", bounded_text(ended.text)},
                    {"keep_partial", ended.keep_partial}});
}

Result<AgentMessage> parse_agent_message(std::string_view text) {
  if (const std::optional<uint64_t> number = number_behind(alive_head, text)) {
    return AgentMessage(Alive{*number});
  }
  const Result<Json> json = read_object(text, limits::control_agent_message_bytes_max);
  if (!json) {
    return fail(json.error());
  }
  const std::string& type = (*json)["type"].text();
  if (type == report_type) {
    return as_variant<AgentMessage>(report_of(*json));
  }
  if (type == "alive") {
    const Result<uint64_t> number = count_member(*json, type, "number");
    return number ? Result<AgentMessage>(Alive{*number}) : fail(number.error());
  }
  if (type == "hello") {
    return as_variant<AgentMessage>(read_hello(*json));
  }
  if (type == "facts") {
    return AgentMessage(read_facts(*json));
  }
  if (type == "outcome") {
    const std::string& signed_text = (*json)["signed"].text();
    return is_signed_text(signed_text)
               ? Result<AgentMessage>(OutcomeMessage{.text = signed_text})
               : refuse_link_message("outcome", "it is not a signed text, or too long");
  }
  return AgentMessage(UnknownMessage{});
}

Result<CoordinatorMessage> parse_coordinator_message(std::string_view text) {
  if (const std::optional<uint64_t> number = number_behind(heard_head, text)) {
    return CoordinatorMessage(HeardAgain{*number});
  }
  const Result<Json> json = read_object(text, limits::control_coordinator_message_bytes_max);
  if (!json) {
    return fail(json.error());
  }
  const std::string& type = (*json)["type"].text();
  if (type == wanted_type) {
    return as_variant<CoordinatorMessage>(wanted_of(*json));
  }
  if (type == "heard") {
    const Result<uint64_t> number = count_member(*json, type, "heard_number");
    return number ? Result<CoordinatorMessage>(HeardAgain{*number}) : fail(number.error());
  }
  if (type == "challenge") {
    return as_variant<CoordinatorMessage>(read_challenge(*json));
  }
  if (type == "order") {
    const std::string& signed_text = (*json)["signed"].text();
    return is_signed_text(signed_text)
               ? Result<CoordinatorMessage>(OrderMessage{.text = signed_text})
               : refuse_link_message("order", "it is not a signed text, or too long");
  }
  if (type == "refused") {
    return CoordinatorMessage(Refused{.text = bounded_text((*json)["text"].text())});
  }
  if (type == "ended") {
    return CoordinatorMessage(Ended{.text = bounded_text((*json)["text"].text()),
                                    .keep_partial = (*json)["keep_partial"] == true});
  }
  return CoordinatorMessage(UnknownMessage{});
}

}  // namespace murder::control
