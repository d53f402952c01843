/// Optimizers, learning-rate schedules and clipping.
package dev.graft.optim;
