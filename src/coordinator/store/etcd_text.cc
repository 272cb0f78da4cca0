#include "coordinator/store/etcd_text.h"

#include <charconv>
#include <optional>
#include <utility>

#include "engine/base/printable.h"
#include "engine/trust/base64.h"

namespace murder::store {
namespace {

constexpr size_t error_bytes_max = 300;

void member(JsonWriter& json, std::string_view name, std::string_view bytes) {
  json.member(name, trust::encode_base64(bytes));
}

void number_member(JsonWriter& json, std::string_view name, uint64_t number) {
  json.member(name, std::string_view(std::to_string(number)));
}

void add(std::string& list, std::string item) {
  if (!list.empty()) {
    list += ',';
  }
  list += item;
}

// 64-bit numbers are strings, and those that are 0 are left out.
uint64_t number_in(const Json& object, std::string_view name) {
  const Json& value = object[name];
  if (value.is_count()) {
    return value.count();
  }
  uint64_t number = 0;
  const std::string& text = value.text();
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

tl::unexpected<Error> not_understood() {
  return fail(ErrorCode::invalid_input,
              "a reply that is not etcd's: is that an etcd of version 3.4 "
              "or newer?");
}

Result<std::string> bytes_in(const Json& object, std::string_view name) {
  std::optional<std::string> bytes = trust::decode_base64(object[name].text());
  if (!bytes) {
    return not_understood();
  }
  return std::move(*bytes);
}

Result<EtcdValue> read_value(const Json& json) {
  Result<std::string> key = bytes_in(json, "key");
  Result<std::string> value = bytes_in(json, "value");
  if (!key || !value) {
    return not_understood();
  }
  return EtcdValue{.key = std::move(*key),
                   .value = std::move(*value),
                   .mod_revision = number_in(json, "mod_revision"),
                   .lease = number_in(json, "lease")};
}

}  // namespace

std::string end_of_prefix(std::string prefix) {
  // Ours end in ASCII: never in 0xff.
  if (!prefix.empty()) {
    prefix.back() = static_cast<char>(prefix.back() + 1);
  }
  return prefix;
}

std::string text_of(const EtcdRange& range) {
  JsonWriter json;
  json.begin_object();
  member(json, "key", range.from);
  if (!range.end.empty()) {
    member(json, "range_end", range.end);
  }
  if (range.limit != 0) {
    number_member(json, "limit", range.limit);
  }
  if (range.keys_only) {
    json.member("keys_only", true);
  }
  if (range.count_only) {
    json.member("count_only", true);
  }
  json.end_object();
  return json.take();
}

Result<EtcdValues> read_range(const Json& reply) {
  if (!reply["header"].is_object()) {
    return not_understood();
  }
  EtcdValues found{.count = number_in(reply, "count"), .has_more = reply["more"] == Json(true)};
  for (const Json& item : reply["kvs"]) {
    Result<EtcdValue> value = read_value(item);
    if (!value) {
      return fail(value.error());
    }
    found.values.push_back(std::move(*value));
  }
  return found;
}

void EtcdTransaction::require_revision(std::string_view key, uint64_t mod_revision) {
  JsonWriter json;
  json.begin_object();
  json.member("target", std::string_view("MOD"));
  json.member("result", std::string_view("EQUAL"));
  member(json, "key", key);
  number_member(json, "mod_revision", mod_revision);
  json.end_object();
  add(compare_, json.take());
}

void EtcdTransaction::put(std::string_view key, std::string_view value, uint64_t lease) {
  JsonWriter json;
  json.begin_object();
  json.key("request_put");
  json.begin_object();
  member(json, "key", key);
  member(json, "value", value);
  if (lease != 0) {
    number_member(json, "lease", lease);
  }
  json.end_object();
  json.end_object();
  add(success_, json.take());
  ++operation_count_;
}

void EtcdTransaction::erase(std::string_view key, std::string_view end) {
  JsonWriter json;
  json.begin_object();
  json.key("request_delete_range");
  json.begin_object();
  member(json, "key", key);
  if (!end.empty()) {
    member(json, "range_end", end);
  }
  json.end_object();
  json.end_object();
  add(success_, json.take());
  ++operation_count_;
}

void EtcdTransaction::otherwise_read(std::string_view key) {
  add(failure_, "{\"request_range\":" + text_of(EtcdRange{.from = key}) + "}");
}

std::string EtcdTransaction::text() const {
  std::string text;
  text.reserve(compare_.size() + success_.size() + failure_.size() + 64);
  text.append("{\"compare\":[").append(compare_);
  text.append("],\"success\":[").append(success_);
  text.append("],\"failure\":[").append(failure_).append("]}");
  return text;
}

Result<EtcdOutcome> read_outcome(const Json& reply) {
  if (!reply["header"].is_object()) {
    return not_understood();
  }
  EtcdOutcome outcome{.succeeded = reply["succeeded"] == Json(true),
                      .revision = number_in(reply["header"], "revision")};
  if (outcome.succeeded) {
    return outcome;
  }
  for (const Json& response : reply["responses"]) {
    for (const Json& item : response["response_range"]["kvs"]) {
      Result<EtcdValue> value = read_value(item);
      if (!value) {
        return fail(value.error());
      }
      outcome.instead.push_back(std::move(*value));
    }
  }
  return outcome;
}

std::string text_of_lease_grant(uint64_t seconds) {
  JsonWriter json;
  json.begin_object();
  number_member(json, "TTL", seconds);
  json.end_object();
  return json.take();
}

std::string text_of_lease(uint64_t id) {
  JsonWriter json;
  json.begin_object();
  number_member(json, "ID", id);
  json.end_object();
  return json.take();
}

uint64_t read_lease_id(const Json& reply) {
  return number_in(reply, "ID");
}

bool read_lease_is_kept(const Json& reply) {
  return number_in(reply["result"], "TTL") > 0;
}

std::string read_error_text(std::string_view body) {
  const Result<Json> json = parse_json(body);
  std::string text;
  if (json) {
    const Json& error = (*json)["error"];  // of a stream: an object
    text = error.is_object() ? error["message"].text() : error.text();
    text = text.empty() ? (*json)["message"].text() : text;
  }
  text = printable_value(text.empty() ? body : std::string_view(text));
  return text.size() > error_bytes_max ? text.substr(0, error_bytes_max) : text;
}

}  // namespace murder::store
