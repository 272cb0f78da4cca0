#include "cli/commands/simulate/simulation_chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/html_text.h"
#include "engine/base/units.h"

namespace murder::cli {
namespace {

constexpr uint32_t steps = 16;
constexpr double picture_width = 720;
constexpr double picture_height = 400;
constexpr double left_edge = 70;
constexpr double right_edge = 700;
constexpr double top_edge = 50;
constexpr double bottom_edge = 350;

uint32_t done_by(const ChartInput& input, Duration when) {
  const auto end = std::upper_bound(input.done_after.begin(), input.done_after.end(), when);
  return static_cast<uint32_t>(end - input.done_after.begin());
}

Duration end_of(const ChartInput& input) {
  const Duration last = input.done_after.empty() ? Duration{} : input.done_after.back();
  return std::max(last, input.floor);
}

double x_of(const ChartInput& input, Duration when) {
  return left_edge + (right_edge - left_edge) * seconds_of(when) / seconds_of(end_of(input));
}

double y_of(const ChartInput& input, double hosts) {
  return bottom_edge - (bottom_edge - top_edge) * hosts / input.host_count;
}

std::string text_at(double x, double y, std::string_view anchor, const std::string& text) {
  std::string element =
      fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">", x, y, anchor);
  append_html_escaped(element, text);
  return element + "</text>\n";
}

}  // namespace

// The last part of the time is where something happens: it begins where the first host is done.
std::vector<std::string> draw_for_terminal(const ChartInput& input, uint32_t columns) {
  std::vector<std::string> lines;
  if (input.done_after.empty()) {
    return lines;
  }
  const Duration first = input.done_after.front();
  const Duration step = std::max<Duration>((end_of(input) - first) / steps, Duration(1));
  const uint32_t width = std::max(columns, 40U) - 30;
  for (uint32_t number = 0; number <= steps; ++number) {
    const Duration when = number == steps ? end_of(input) : first + step * number;
    const uint32_t done = done_by(input, when);
    const uint32_t length = done * width / std::max(input.host_count, 1U);
    const bool floor_is_here = input.floor > when - step && input.floor <= when;
    lines.push_back(fmt::format("{:>10.4f} s |{:<{}}| {}{}", seconds_of(when),
                                std::string(length, '#'), width, done,
                                floor_is_here ? " floor" : ""));
  }
  return lines;
}

std::string draw_svg(const ChartInput& input) {
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"13\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      picture_width, picture_height);
  svg += text_at(left_edge, 25, "start", input.title);
  for (uint32_t quarter = 0; quarter <= 4; ++quarter) {
    const double hosts = input.host_count * quarter / 4.0;
    const double y = y_of(input, hosts);
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#ddd\"/>\n", left_edge, y,
                       right_edge);
    svg += text_at(left_edge - 8, y + 4, "end", fmt::format("{:.0f}", hosts));
    const Duration when = end_of(input) * quarter / 4;
    svg += text_at(x_of(input, when), bottom_edge + 20, "middle",
                   fmt::format("{:.3f} s", seconds_of(when)));
  }
  const double floor = x_of(input, input.floor);
  svg +=
      fmt::format("<path d=\"M{:.1f} {:.1f}V{:.1f}\" stroke=\"#c33\" stroke-dasharray=\"5 4\"/>\n",
                  floor, top_edge, bottom_edge);
  svg += text_at(floor, top_edge - 6, "middle", "floor");
  std::string path = fmt::format("M{:.1f} {:.1f}", left_edge, bottom_edge);
  // A point for each new place in the picture is enough.
  double drawn_x = left_edge;
  for (size_t done = 1; done <= input.done_after.size(); ++done) {
    const double x = x_of(input, input.done_after[done - 1]);
    if (x - drawn_x >= 0.5 || done == input.done_after.size()) {
      path += fmt::format("H{:.1f}V{:.1f}", x, y_of(input, static_cast<double>(done)));
      drawn_x = x;
    }
  }
  svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"#27c\" stroke-width=\"2\"/>\n", path);
  svg += text_at((left_edge + right_edge) / 2, picture_height - 8, "middle",
                 "hosts that have the release, over time");
  return svg + "</svg>\n";
}

}  // namespace murder::cli
