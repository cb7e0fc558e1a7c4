// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/watched_window.hpp>

namespace attune {

void WatchedWindow::reset() noexcept {
  watch.reset();
  values.reset();
}

void WatchedWindow::save(Writer& writer) const {
  watch.save(writer);
  values.save(writer);
}

void WatchedWindow::load(Reader& reader) {
  watch.load(reader);
  values.load(reader);
}

Description WatchedWindow::describe(std::string_view what) const {
  Description text = watch.describe(what);
  text.values.emplace_back("held", static_cast<double>(values.size()));
  return text;
}

}  // namespace attune
