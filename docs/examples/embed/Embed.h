//===- Embed.h - What trainer and server share ------------------*- C++ -*-===//
//
// Not their layouts: each knows its own alone, and says it in text. Shared are a
// folder through which the texts meet, the steps from texts to a session, and
// the values that stand for weights.
//===----------------------------------------------------------------------===//
#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include <xfer/runtime.hpp>

/// Where this process stands, from the command line: PROGRAM FOLDER RANK.
struct Process {
  std::string folder;
  int64_t rank = 0;
};
Process parseCommandLine(int argc, char **argv);

/// Ends the process if a call failed; what a real one does instead is in docs/Runtime.md.
void require(const xfer::Status &status, const char *what);

/// The tensors' declarations, which both sides repeat.
std::string declareTensors();

/// What a rank holds of a matrix: `rows` x `columns` elements from (`row`, `column`) on.
struct Block {
  std::string name;
  int64_t row, column, rows, columns;
};

/// Element (row, column) after `update`: small integers, which every element type holds.
float weight(const Block &block, int64_t row, int64_t column, int update);

/// Publishes one side's text, as a file that appears whole.
void publish(const Process &process, const std::string &name, const std::string &text);

/// Everything that must live as long as the session.
struct Transfer {
  xfer::Plan plan;
  xfer::Store store;
  xfer::Group group;
  xfer::Session session;
};

/// Waits until both sides are published, compiles this rank's program from them, and meets the
/// others.
Transfer connect(const Process &process);

/// One replay, from start to end.
void update(xfer::Session &session);

constexpr int kNumUpdates = 10;
