/// The training loop: steps, evaluation, checkpoints, events.
package dev.graft.train;
