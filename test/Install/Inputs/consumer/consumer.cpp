// Compiles a plan for one rank, replays it, checks what arrived. C++17, through the wrapper.
#include <iostream>
#include <xfer/compiler.h>
#include <xfer/runtime.hpp>

static const std::string text = "mesh @m = [x=1]\n"
                                "tensor @w : f32[4]\n"
                                "source @w on @m\n"
                                "target @w : bf16 on @m\n";

static xfer::Status replay(const void *bytes, size_t size, std::vector<uint16_t> &target) {
  auto plan = xfer::Plan::load(bytes, size);
  if (!plan)
    return plan.status();
  auto group = xfer::Group::threads();
  if (!group)
    return group.status();
  xfer_session_options_t options = {};
  options.group = group->get();
  auto session = xfer::Session::create(*plan, options);
  if (!session)
    return session.status();
  std::vector<float> source = {1, 2, 3, 4};
  const int64_t shape[] = {4};
  std::vector<xfer_binding_t> bindings = {
      {"w", XFER_SOURCE, XFER_F32, 1, shape, nullptr, source.data()},
      {"w", XFER_TARGET, XFER_BF16, 1, shape, nullptr, target.data()}};
  if (auto status = session->bind(bindings); !status)
    return status;
  if (auto status = session->replay(); !status)
    return status;
  return session->wait(60000);
}

int main() {
  const xfer_text_t texts[] = {{"consumer.xfer", text.data(), text.size()}};
  xfer_compilation_t *compilation = nullptr;
  if (xfer_compile(texts, 1, nullptr, &compilation) != XFER_COMPILER_OK) {
    std::cerr << xfer_compilation_diagnostics(compilation);
    return 1;
  }
  size_t size = 0;
  const void *bytes = xfer_compilation_plan(compilation, &size);
  std::vector<uint16_t> target(4);
  const xfer::Status status = replay(bytes, size, target);
  xfer_compilation_destroy(compilation);
  const std::vector<uint16_t> expected = {0x3f80, 0x4000, 0x4040, 0x4080};
  if (!status || target != expected) {
    std::cerr << "failed: " << status.text() << "\n";
    return 1;
  }
  std::cout << "replayed\n";
  return 0;
}
