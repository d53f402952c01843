/// The fused operations, each in one pass: one interface, one implementation per kind of machine.
package dev.graft.kernel;
