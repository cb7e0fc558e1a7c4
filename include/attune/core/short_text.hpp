// SPDX-License-Identifier: Apache-2.0
/// @file
/// ShortText: up to 255 bytes of text without allocation.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace attune {

/// A copy of a text of at most kMaxSize bytes, stored in place; longer texts are cut.
class ShortText {
 public:
  static constexpr std::size_t kMaxSize = 255;

  // The bytes beyond `size_` are never read, so they are not cleared.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  ShortText() noexcept {}  // NOLINT(modernize-use-equals-default): as the comment above says
  ShortText(const ShortText& other) noexcept : ShortText() { assign(other.view()); }
  ShortText& operator=(const ShortText& other) noexcept {
    if (this != &other) {
      assign(other.view());
    }
    return *this;
  }
  ShortText(ShortText&& other) noexcept : ShortText() { assign(other.view()); }
  ShortText& operator=(ShortText&& other) noexcept {
    assign(ShortText(other).view());
    return *this;
  }
  ~ShortText() = default;

  void assign(std::string_view text) noexcept {
    size_ = static_cast<std::uint8_t>(std::min(text.size(), kMaxSize));
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): with its size
    std::copy_n(text.data(), size_, bytes_.data());
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }
  // NOLINTNEXTLINE(google-explicit-constructor): stands in for a string_view everywhere
  operator std::string_view() const noexcept { return view(); }
  friend bool operator==(const ShortText& text, std::string_view other) noexcept {
    return text.view() == other;
  }

 private:
  std::uint8_t size_ = 0;
  std::array<char, kMaxSize> bytes_;
};

}  // namespace attune
