//===- Embed.cpp - From two texts to a session ----------------------------===//
#include "Embed.h"
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>
#include <xfer/compiler.h>

namespace fs = std::filesystem;

constexpr int64_t kDeadlineMilliseconds = 30000;

[[noreturn]] static void fail(const std::string &text) {
  std::cerr << "error: " << text << "\n";
  std::exit(1);
}

Process parseCommandLine(int argc, char **argv) {
  char *end = nullptr;
  const int64_t rank = argc == 3 ? std::strtoll(argv[2], &end, 10) : -1;
  if (rank < 0 || *end != '\0')
    fail("expected a folder that all processes share, and a rank");
  std::error_code code;
  if (fs::create_directories(argv[1], code); code)
    fail("cannot make '" + std::string(argv[1]) + "': " + code.message());
  return {argv[1], rank};
}

void require(const xfer::Status &status, const char *what) {
  if (!status)
    fail(std::string(what) + ": " + xfer_status_name(status.code()) + ": " + status.text());
}

std::string declareTensors() {
  return "tensor @embed_tokens : bf16[1001, 64]\n"
         "tensor @o_proj : bf16[96, 64]\n";
}

float weight(const Block &block, int64_t row, int64_t column, int update) {
  const auto name = static_cast<int64_t>(block.name.size());
  return static_cast<float>((row * 31 + column * 7 + update * 13 + name) % 251 - 125);
}

void publish(const Process &process, const std::string &name, const std::string &text) {
  const fs::path path = fs::path(process.folder) / name;
  std::ofstream file(path.string() + ".part");
  file << text;
  file.close();
  std::error_code code;
  fs::rename(path.string() + ".part", path, code);
  if (!file || code)
    fail("cannot write '" + path.string() + "'");
}

/// The text of a side, once it is there.
static std::string await(const Process &process, const std::string &name) {
  const fs::path path = fs::path(process.folder) / name;
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kDeadlineMilliseconds);
  while (!fs::exists(path)) {
    if (std::chrono::steady_clock::now() > end)
      fail("nobody wrote '" + path.string() + "'");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// Every process compiles the same texts, in the same order, and so the same plan; each only its
/// own rank's part of it.
static xfer::Plan compile(const Process &process) {
  const std::string trainer = await(process, "trainer.xfer");
  const std::string server = await(process, "server.xfer");
  const xfer_text_t texts[] = {{"trainer.xfer", trainer.data(), trainer.size()},
                               {"server.xfer", server.data(), server.size()}};
  xfer_compile_options_t options = {};
  options.size = sizeof(options);
  options.one_rank = 1;
  options.rank = process.rank;
  xfer_compilation_t *compilation = nullptr;
  const xfer_compiler_status_t status = xfer_compile(texts, 2, &options, &compilation);
  if (status != XFER_COMPILER_OK)
    fail(std::string(xfer_compiler_status_name(status)) + "\n" +
         xfer_compilation_diagnostics(compilation));
  size_t size = 0;
  const void *bytes = xfer_compilation_plan(compilation, &size);
  auto plan = xfer::Plan::load(bytes, size);
  xfer_compilation_destroy(compilation);
  require(plan.status(), "load");
  return std::move(*plan);
}

Transfer connect(const Process &process) {
  xfer::Plan plan = compile(process);
  auto store = xfer::Store::directory((fs::path(process.folder) / "store").c_str());
  require(store.status(), "store");
  xfer_gloo_options_t glooOptions = {};
  glooOptions.store = store->get();
  auto group = xfer::Group::gloo(glooOptions);
  require(group.status(), "group");
  xfer_session_options_t options = {};
  options.rank = process.rank;
  options.group = group->get();
  options.timeout_ms = kDeadlineMilliseconds;
  options.checksums = 1;
  auto session = xfer::Session::create(plan, options);
  require(session.status(), "session");
  return {std::move(plan), std::move(*store), std::move(*group), std::move(*session)};
}

void update(xfer::Session &session) {
  require(session.replay(), "replay");
  require(session.wait(kDeadlineMilliseconds), "wait");
}
