package dev.graft.train;

import dev.graft.nn.Recompute;
import dev.graft.optim.AdamW;
import dev.graft.optim.Schedule;

/// The numbers of a run.
///
/// @param totalSteps optimizer steps
/// @param accumulation micro-batches a step
/// @param learningRate the highest of the schedule
/// @param maxGradNorm 0 for no clipping
/// @param evalEvery steps between evaluations, 0 for none
/// @param saveEvery steps between checkpoints, 0 for none
/// @param keep checkpoints kept, 0 for all
/// @param bf16 whether products with frozen matrices are taken in bfloat16
/// @param cudaGraphs whether passes whose shape comes again are recorded, for a card to repeat;
///     changes no gradient
/// @param recompute what is computed again in the backward pass; changes no result
public record TrainSettings(
        int totalSteps,
        int accumulation,
        double learningRate,
        double maxGradNorm,
        AdamW.Settings adamW,
        Schedule schedule,
        int evalEvery,
        int saveEvery,
        int keep,
        Recompute recompute,
        boolean bf16,
        boolean cudaGraphs,
        long seed) {}
