// SPDX-License-Identifier: Apache-2.0
#include "tools/serve_io.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace attune::tools::serve_io_test {
namespace {

/// What LineReader gives for an input that comes in these pieces, with "#" for a line that was too long.
std::vector<std::string> lines_of(const std::vector<std::string>& pieces, std::size_t limit) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  LineReader reader(ends[0], limit);
  std::vector<std::string> lines;
  std::size_t piece = 0;
  for (;;) {
    std::string_view line;
    switch (reader.next(line)) {
      case LineReader::Next::line:
        lines.emplace_back(line);
        break;
      case LineReader::Next::too_long:
        lines.emplace_back("#");
        break;
      case LineReader::Next::starved:
        if (piece == pieces.size()) {
          ::close(ends[1]);
        } else {
          EXPECT_TRUE(write_all(ends[1], pieces[piece++]));
        }
        reader.fill();
        break;
      case LineReader::Next::end:
        ::close(ends[0]);
        return lines;
    }
  }
}

using Lines = std::vector<std::string>;

TEST(LineReader, CutsLinesWhereverTheInputIsCut) {
  EXPECT_EQ(lines_of({}, 10), Lines{});
  EXPECT_EQ(lines_of({"a\nbc\n"}, 10), (Lines{"a", "bc"}));
  EXPECT_EQ(lines_of({"a", "\nb", "c", "\n"}, 10), (Lines{"a", "bc"}));
  EXPECT_EQ(lines_of({"\n\na\n"}, 10), (Lines{"", "", "a"}));
}

TEST(LineReader, GivesALastLineWithoutNewline) { EXPECT_EQ(lines_of({"a\nb"}, 10), (Lines{"a", "b"})); }

TEST(LineReader, PassesOverLinesThatAreTooLong) {
  EXPECT_EQ(lines_of({"1234\n12345\nx\n"}, 4), (Lines{"1234", "#", "x"}));
  EXPECT_EQ(lines_of({"12345", "6789", "\nx\n"}, 4), (Lines{"#", "x"}));
  EXPECT_EQ(lines_of({"1234", "\n"}, 4), (Lines{"1234"}));
  EXPECT_EQ(lines_of({"12345"}, 4), (Lines{"#"}));
  EXPECT_EQ(lines_of({"12345", "6", "7\n", "12345\n1\n"}, 4), (Lines{"#", "#", "1"}));
}

TEST(WriteAll, SaysWhenNobodyReads) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ::close(ends[0]);
  const StopSignal ignores_sigpipe;
  EXPECT_FALSE(write_all(ends[1], "x"));
  ::close(ends[1]);
}

TEST(StopSignal, WakesAWaiter) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const StopSignal stop;
  const std::chrono::milliseconds brief{1};
  EXPECT_EQ(stop.wait(ends[0], brief), StopSignal::Wake::idle);
  ASSERT_TRUE(write_all(ends[1], "x"));
  EXPECT_EQ(stop.wait(ends[0], brief), StopSignal::Wake::readable);
  ASSERT_EQ(::raise(SIGTERM), 0);
  EXPECT_EQ(stop.wait(ends[0], brief), StopSignal::Wake::stop);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(StopSignal, EndsAWriteThatNobodyReads) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const StopSignal stop;
  const std::chrono::milliseconds brief{20};
  ASSERT_TRUE(stop.write_all(ends[1], std::string(60'000, 'x'), brief)) << "a pipe holds 65,536 bytes";
  const pthread_t writer = ::pthread_self();
  std::thread later([&] {
    std::this_thread::sleep_for(brief);
    ::pthread_kill(writer, SIGTERM);
  });
  EXPECT_FALSE(stop.write_all(ends[1], std::string(60'000, 'y'), brief));
  later.join();
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(StopSignal, LetsAReaderThatIsThereHaveEverything) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const StopSignal stop;
  ASSERT_EQ(::raise(SIGTERM), 0);
  std::string got;
  std::thread reader([&] {
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = ::read(ends[0], piece.data(), piece.size())) > 0;) {
      got.append(piece.data(), static_cast<std::size_t>(size));
    }
  });
  const std::string text(1'000'000, 'z');
  EXPECT_TRUE(stop.write_all(ends[1], text, std::chrono::milliseconds(60'000)));
  ::close(ends[1]);
  reader.join();
  EXPECT_EQ(got, text);
  ::close(ends[0]);
}

}  // namespace
}  // namespace attune::tools::serve_io_test
