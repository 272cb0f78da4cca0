#include "cli/ui/argument_parser.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>

#include "engine/base/units.h"

namespace murder::cli {
namespace {

// The library reports a bad value by its own exception.
template <typename Target, typename Value>
OptionHandle add_unit(ArgumentParser& line, const std::string& name, Target& target,
                      Result<Value> (*parse)(std::string_view), const std::string& help,
                      const std::string& value_name) {
  const auto take = [&target, parse](const std::string& text) -> Status {
    const Result<Value> value = parse(text);
    if (!value) {
      return fail(value.error());
    }
    target = *value;
    return {};
  };
  return line.add_parsed(name, take, help).type_name(value_name);
}

}  // namespace

OptionHandle OptionHandle::required() {
  option_->required();
  return *this;
}

OptionHandle OptionHandle::type_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

OptionHandle OptionHandle::group(const std::string& title) {
  option_->group(title);
  return *this;
}

OptionHandle OptionHandle::show_default() {
  option_->capture_default_str();
  return *this;
}

OptionHandle OptionHandle::one_value_each_time() {
  option_->allow_extra_args(false);
  return *this;
}

OptionHandle OptionHandle::in_range(uint64_t least, uint64_t most) {
  option_->check([least, most](const std::string& text) {
    const char* end = text.data() + text.size();
    uint64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    const bool is_good = error == std::errc() && rest == end && value >= least && value <= most;
    return is_good ? std::string()
                   : fmt::format("{}: write a number from {} to {}", text, least, most);
  });
  return *this;
}

OptionHandle OptionHandle::one_of(const std::vector<std::string>& words) {
  option_->check([words](const std::string& text) {
    const bool is_good = std::find(words.begin(), words.end(), text) != words.end();
    return is_good ? std::string()
                   : fmt::format("{}: write one of {}", text, fmt::join(words, ", "));
  });
  return completes(words);
}

OptionHandle OptionHandle::completes(ValueKind kind) {
  notes_->of(option_).kind = kind;
  return *this;
}

OptionHandle OptionHandle::completes(const std::vector<std::string>& words) {
  notes_->of(option_) = {.kind = ValueKind::word, .words = words};
  return *this;
}

OptionHandle ArgumentParser::add_option(const std::string& name, std::string& target,
                                        const std::string& help) {
  return {app_->add_option(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_option(const std::string& name, std::optional<std::string>& target,
                                        const std::string& help) {
  return {app_->add_option(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_option(const std::string& name, std::vector<std::string>& target,
                                        const std::string& help) {
  return {app_->add_option(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_option(const std::string& name, int& target,
                                        const std::string& help) {
  return {app_->add_option(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_option(const std::string& name, uint16_t& target,
                                        const std::string& help) {
  return {app_->add_option(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_option(const std::string& name, uint32_t& target,
                                        const std::string& help) {
  return {app_->add_option(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_option(const std::string& name, std::optional<int>& target,
                                        const std::string& help) {
  return {app_->add_option(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_option(const std::string& name, std::optional<uint16_t>& target,
                                        const std::string& help) {
  return {app_->add_option(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_option(const std::string& name, std::optional<uint32_t>& target,
                                        const std::string& help) {
  return {app_->add_option(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_flag(const std::string& name, bool& target,
                                      const std::string& help) {
  return {app_->add_flag(name, target, help), notes_};
}

OptionHandle ArgumentParser::add_parsed(const std::string& name,
                                        std::function<Status(const std::string&)> take,
                                        const std::string& help) {
  const auto callback = [take = std::move(take), name](const std::string& text) {
    if (Status taken = take(text); !taken) {
      throw CLI::ValidationError(name, taken.error().text);
    }
  };
  return {app_->add_option_function<std::string>(name, callback, help), notes_};
}

OptionHandle ArgumentParser::add_optional_value(const std::string& name,
                                                std::function<Status(const std::string&)> take,
                                                const std::string& help) {
  OptionHandle added = add_parsed(name, std::move(take), help);
  app_->get_option(name)->expected(0, 1);
  return added;
}

OptionHandle ArgumentParser::add_size(const std::string& name, uint64_t& bytes,
                                      const std::string& help) {
  return add_unit(*this, name, bytes, parse_size, help, "SIZE");
}

OptionHandle ArgumentParser::add_rate(const std::string& name, uint64_t& bytes_per_second,
                                      const std::string& help) {
  return add_unit(*this, name, bytes_per_second, parse_rate, help, "RATE");
}

OptionHandle ArgumentParser::add_duration(const std::string& name, Duration& duration,
                                          const std::string& help) {
  return add_unit(*this, name, duration, parse_duration, help, "TIME");
}

OptionHandle ArgumentParser::add_duration(const std::string& name,
                                          std::optional<Duration>& duration,
                                          const std::string& help) {
  return add_unit(*this, name, duration, parse_duration, help, "TIME");
}

ArgumentParser ArgumentParser::add_subcommand(const std::string& name, const std::string& help) {
  return {app_->add_subcommand(name, help), notes_};
}

void ArgumentParser::require_subcommand() {
  app_->require_subcommand(1);
}

void ArgumentParser::footer(const std::string& text) {
  app_->footer(text);
}

void ArgumentParser::note(const CommandText& text) {
  notes_->note(app_, text);
}

void ArgumentParser::group(const std::string& title) {
  app_->group(title);
}

void ArgumentParser::when_named(std::function<void()> action) {
  app_->callback(std::move(action));
}

std::string ArgumentParser::full_name() const {
  const CLI::App* parent = app_->get_parent();
  const bool is_task = parent != nullptr && parent->get_parent() != nullptr;
  return (is_task ? parent->get_name() + " " : "") + app_->get_name();
}

}  // namespace murder::cli
