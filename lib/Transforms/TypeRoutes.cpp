//===- TypeRoutes.cpp - Type each route -----------------------------------===//
//
// Says what kind of movement each route is, so that later passes decide by
// type and not by counting ranks.
//
//   route @w [0:4] 0 -> [4]                   =>  ... : unicast
//   route @w [0:4] 0 -> [4, 5]                =>  ... : multicast
//   route @w [0:4] 0 -> [0]                   =>  ... : local
//   route @w [0:4] {0, 2} sum via 0 -> [4]    =>  ... : reduce
//
// The reduction signature of a reduce is its contributors, its operator and
// the source's element type. Cost: one look at each route.
//===----------------------------------------------------------------------===//
#include "xfer/Transforms/Levels.h"
#include "xfer/Transforms/Passes.h"

namespace xfer {
namespace {

class TypeRoutes final : public Pass {
public:
  PassResult run(Module &module, PassContext &context) override;

private:
  Statistic numUnicast{*this, "num-unicast", "routes typed unicast"};
  Statistic numMulticast{*this, "num-multicast", "routes typed multicast"};
  Statistic numLocal{*this, "num-local", "routes typed local"};
  Statistic numReduce{*this, "num-reduce", "routes typed reduce"};
};

RouteType typeOf(const Route &route, const Module &module) {
  if (route.ends.isReduce())
    return RouteType::Reduce;
  llvm::ArrayRef<int64_t> destinations = module.rankList(route.ends.destinations);
  if (destinations.size() > 1)
    return RouteType::Multicast;
  return destinations.front() == route.ends.sender ? RouteType::Local : RouteType::Unicast;
}

PassResult TypeRoutes::run(Module &module, PassContext &context) {
  if (failed(expectLevel(module, Level::Routes, context)))
    return PassResult::Failed;
  bool changed = false;
  for (Route &route : module.routes) {
    if (!route.ends.isChosen()) {
      (void)context.diagnostics.error(route.loc, "route of '@" + module.tensors[route.tensor].name +
                                                     "' has candidates, expected one sender: run "
                                                     "'select-sources' first");
      return PassResult::Failed;
    }
    RouteType type = typeOf(route, module);
    changed |= type != route.type;
    route.type = type;
    numUnicast += type == RouteType::Unicast;
    numMulticast += type == RouteType::Multicast;
    numLocal += type == RouteType::Local;
    numReduce += type == RouteType::Reduce;
  }
  return changed ? PassResult::Changed : PassResult::Unchanged;
}

} // namespace

std::unique_ptr<Pass> createTypeRoutesPass() { return std::make_unique<TypeRoutes>(); }

} // namespace xfer
