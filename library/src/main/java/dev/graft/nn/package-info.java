/// The tape and the differentiable operations, forward and backward side by side in one file each.
package dev.graft.nn;
