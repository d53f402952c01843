/// Tensors with deterministic lifetimes over libtorch; the only room that knows the native binding.
package dev.graft.tensor;
