#include "common/io/command.h"

#include <gtest/gtest.h>

#include "common/io/clock.h"

namespace reversi {
namespace {

TEST(Command, OutputErrorAndExitCode) {
  const auto ran = run_command({"sh", "-c", "echo out; echo err >&2; exit 3"});
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_EQ(ran->out, "out\n");
  EXPECT_EQ(ran->err, "err\n");
  EXPECT_EQ(ran->exit_code, 3);
  EXPECT_FALSE(ran->is_ok());
  EXPECT_EQ(ran->why(), "err");
}

TEST(Command, InputLargerThanAPipe) {
  const std::string input(300'000, 'x');
  CommandLimits limits;
  limits.most_bytes = 1'000'000;
  const auto ran = run_command({"cat"}, limits, input);
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_EQ(ran->out, input);
}

TEST(Command, InputNobodyReads) {
  const auto ran = run_command({"true"}, {}, std::string(300'000, 'x'));
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_TRUE(ran->is_ok());
}

TEST(Command, OutputIsBoundedAndTheProgramGoesOn) {
  CommandLimits limits;
  limits.most_bytes = 10;
  const auto ran = run_command({"sh", "-c", "head -c 500000 /dev/zero; exit 4"}, limits);
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_EQ(ran->out.size(), 10U);
  EXPECT_EQ(ran->exit_code, 4);
}

TEST(Command, EndedBySignal) {
  const auto ran = run_command({"sh", "-c", "kill -9 $$"});
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_EQ(ran->exit_code, 128 + 9);
}

TEST(Command, TheWholeGroupEndsAtTheLimit) {
  CommandLimits limits;
  limits.time = Millis{200};
  const MonoTime before = mono_now();
  const auto ran = run_command({"sh", "-c", "sleep 60 & sleep 60"}, limits);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code(), Errc::timeout);
  EXPECT_LT(mono_now() - before, Millis{10'000});
}

TEST(Command, AChildThatKeepsTheOutputIsCutOffAtTheLimit) {
  CommandLimits limits;
  limits.time = Millis{300};
  const auto ran = run_command({"sh", "-c", "sleep 60 & echo started"}, limits);
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_EQ(ran->out, "started\n");
}

TEST(Command, TheEndOfTheInputIsKeptBackUntilTheAnswer) {
  CommandLimits limits;
  limits.until = "two";
  const auto ran =
      run_command({"sh", "-c", "read x; echo $x; sleep 0.2; echo two; cat"}, limits, "one\n");
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_EQ(ran->out, "one\ntwo\n");
  limits.until = "never";
  limits.time = Millis{300};
  EXPECT_FALSE(run_command({"cat"}, limits, "one\n")) << "its input was ended";
}

TEST(Command, NoSuchProgram) {
  const auto ran = run_command({"/nonexistent-program"});
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code(), Errc::not_found);
}

}  // namespace
}  // namespace reversi
