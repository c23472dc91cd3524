//===- ResolveLayout.h - The meaning of a layout's text ---------*- C++ -*-===//
//
// The same text may mean different layouts on different meshes: resolveLayout
// gives it one, findPart leads from a problem in the layout back to the text.
//===----------------------------------------------------------------------===//
#pragma once
#include "LayoutSyntax.h"
#include "xfer/IR/DeclarationChecks.h"

namespace xfer {

/// What a layout is about.
struct LayoutContext {
  const Mesh &mesh;
  int32_t meshId;
  size_t dimensions; ///< of the tensor, or of the storage
  bool isTarget;
  llvm::ArrayRef<int32_t> partsPerDim = {}; ///< of a storage
};

/// Builds the meaning of `syntax`. Reports what cannot be built; checkLayout has the other rules.
LogicalResult resolveLayout(const LayoutSyntax &syntax, const LayoutContext &context,
                            Diagnostics &diagnostics, Layout &layout);

/// The token that a problem found by checkLayout in the meaning of `syntax` is about, or null.
const char *findPart(const LayoutSyntax &syntax, const LayoutContext &context, const Layout &layout,
                     const Problem &problem);

} // namespace xfer
